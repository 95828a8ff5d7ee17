"""Evaluation: bits of every token but the first, drafts that change no text, figures paired by document."""

from itertools import pairwise
from math import log
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from tests.tinyllama.corpora import packed_folder, tiny_tokenizer
from torch.nn.functional import cross_entropy
from transformers import LlamaForCausalLM

from selfsown.tinyllama.evaluate import measure
from selfsown.tinyllama.evaluate.bits import model_bits
from selfsown.tinyllama.evaluate.speculative import speculate
from selfsown.tinyllama.evaluate.streams import held_out, ngram_rows, texts
from selfsown.tinyllama.model.initialisation import fresh_model
from selfsown.tinyllama.model.shapes import llama_config
from selfsown.tinyllama.packed.streams import Packed


def model(shape: str = "pico", seed: int = 1, context: int = 64) -> LlamaForCausalLM:
    made = tiny_tokenizer()
    config = llama_config(
        shape, len(made), context, bos=made.bos_token_id, eos=made.eos_token_id, pad=made.pad_token_id
    )
    return fresh_model(config, "paper", seed).eval()


def test_bits_are_those_of_each_document_alone() -> None:
    rng = np.random.default_rng(0)
    sizes = [3, 40, 2, 17, 9]
    tokens, offsets = rng.integers(3, 300, sum(sizes)).astype(np.uint16), np.cumsum([0, *sizes])
    network = model()
    bits = model_bits(network, tokens, offsets, context=8, batch=3)
    for start, end in pairwise(offsets):
        assert bits[start] == 0
        for place in range(start, end - 1, 8):
            window = torch.from_numpy(tokens[place : min(place + 9, end)].astype(np.int64))[None]
            logits = LlamaForCausalLM.forward(network, input_ids=window[:, :-1]).logits[0]
            alone = cross_entropy(logits, window[0, 1:], reduction="none") / log(2)
            np.testing.assert_allclose(
                bits[place + 1 : place + window.shape[1]], alone.detach().numpy(), rtol=1e-4, atol=1e-4
            )


def test_a_draft_changes_the_time_and_not_the_text() -> None:
    larger, draft = model("nano"), model("pico", seed=2)
    prompts = [[0, 5, 9, 100], [0, 77, 12]]
    found = speculate(larger, draft, prompts, new=12, ahead=3)
    assert found.equal == 1 and 0 <= found.acceptance < 0.5 and found.speed_up > 0


def test_a_model_that_drafts_for_itself_is_always_accepted() -> None:
    found = speculate(model(), model(), [[0, 5, 9, 100]], new=16, ahead=3)
    assert found.equal == 1 and found.acceptance == pytest.approx(1, abs=0.01)


def test_documents_are_drawn_by_the_seed_and_come_back_as_text(tmp_path: Path) -> None:
    aside = [f"kept aside {place}" for place in range(12)]
    packed, tokenizer = packed_folder(tmp_path, ["the cat sat on the mat"] * 2 + ["a dog ran"], aside)
    streams = Packed.open(packed)
    drawn = held_out(streams, 5, 1)
    assert len(drawn) == 5 and set(texts(drawn, tokenizer)) < set(aside)
    assert held_out(streams, 5, 2)["id"].tolist() != drawn["id"].tolist()
    rows = ngram_rows(streams, drawn, tokenizer, 3)
    assert (rows["units"] == [len(text) for text in texts(drawn, tokenizer)]).all()
    assert (rows["value"] > 0).all()


def test_figures_are_over_all_documents_and_paired_with_the_ngram() -> None:
    def frame(bits: list[float]) -> pd.DataFrame:
        return pd.DataFrame({
            "measure": "bits_per_byte", "part": ["text", "text", "code"], "id": ["t/1", "t/2", "c/1"], "value": bits,
            "units": [10.0, 30.0, 40.0],
        })  # fmt: skip

    rows = {row[:3]: row for row in measure({"main": frame([10, 30, 80]), "ngram": frame([20, 40, 100])}, {})}
    assert rows["bits_per_byte", "main", ""].value == 120 / 80
    assert rows["bits_per_byte", "main", "text"].value == 1
    assert rows["bits_saved", "main", ""].value == pytest.approx(1 - 120 / 160)
    assert rows["bits_saved", "main", "code"].value == pytest.approx(0.2)
    assert ("bits_saved", "ngram", "") not in rows
