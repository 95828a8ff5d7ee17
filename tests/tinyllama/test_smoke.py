"""What a finished smoke run of tinyllama made: `make repro PROFILE=smoke`, then `pytest -m recipe`."""

import json
from pathlib import Path

import pandas as pd
import pytest
from click.testing import CliRunner
from transformers import AutoModelForCausalLM, AutoTokenizer

from selfsown.tinyllama.commands.chat import command
from selfsown.tinyllama.packed.streams import Packed

pytestmark = [pytest.mark.recipe, pytest.mark.usefixtures("smoke")]

MODELS = Path("models/tinyllama")


def test_streams_of_both_collections_and_splits() -> None:
    streams = Packed.open(Path("data/tinyllama/packed/web")).streams
    assert {split: set(found) for split, found in streams.items()} == {
        "train": {"text", "code"},
        "validation": {"text", "code"},
    }


@pytest.mark.parametrize("folder", ["pretrain/main", "pretrain/draft", "continual/code", "chat/main"])
def test_every_model_is_loaded_by_the_library(folder: str) -> None:
    model, tokenizer = (kind.from_pretrained(MODELS / folder) for kind in (AutoModelForCausalLM, AutoTokenizer))
    given = tokenizer("the", return_tensors="pt")
    assert model.generate(**given, max_new_tokens=4, min_new_tokens=4).shape[1] == given["input_ids"].shape[1] + 4


def test_validation_gets_better_while_training() -> None:
    history = json.loads((MODELS / "pretrain/main/training.json").read_text())
    assert history[-1]["dev_bits_per_byte"] < history[0]["dev_bits_per_byte"] < 8


def test_every_arm_is_measured_on_the_same_documents() -> None:
    items = pd.read_parquet("data/tinyllama/items.parquet")
    documents = items[items["measure"] == "bits_per_byte"]
    asked = documents.groupby("arm")["id"].agg(sorted)
    assert set(asked.index) == {"main", "draft", "continued_code", "chat_main", "ngram"}
    assert all(ids == asked["main"] for ids in asked)
    assert (documents["value"] > 0).all() and (documents["units"] > 0).all()


def test_headline_figures() -> None:
    figures = json.loads(Path("metrics/tinyllama.json").read_text())
    assert set(figures) == {
        "bits_per_byte", "bits_per_byte_ngram", "tokens_per_second", "mfu", "chat_accuracy", "draft_acceptance",
    }  # fmt: skip
    assert 0 < figures["bits_per_byte_ngram"] < figures["bits_per_byte"] < 8, "ten steps do not beat counting"


def test_the_chat_answers() -> None:
    result = CliRunner().invoke(command, ["W = 12 . W + 3 = B . B ?", "--alias", "candidate"], catch_exceptions=False)
    assert result.exit_code == 0
