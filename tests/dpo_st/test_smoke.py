"""What a finished smoke run of dpo_st made: `make repro PROFILE=smoke`, then `pytest -m recipe`."""

import json
from pathlib import Path

import pandas as pd
import pyarrow.compute as pc
import pytest
from click.testing import CliRunner

from selfsown.dpo_st.attempts.product import GOLD
from selfsown.dpo_st.commands.rationale import command
from selfsown.products import read_product
from selfsown.reasoning.rationale import is_right

pytestmark = [pytest.mark.recipe, pytest.mark.usefixtures("smoke")]

DATA = Path("data/dpo_st")
MODELS = Path("models/dpo_st")


def test_every_arm_answered_the_same_questions() -> None:
    answers = read_product(DATA / "answers").to_pandas()
    greedy = answers[answers["mode"] == "calculator"]
    asked = greedy.groupby("arm")["id"].agg(sorted)
    assert {"sft", "control", "st", "dpo_st", "dpo"} <= set(asked.index)
    assert all(ids == asked["sft"] for ids in asked)
    assert all(is_right(row.rationale, row.gold) == row.correct for row in answers.itertuples())


def test_samples_are_of_learnable_questions_and_pile_up() -> None:
    problems = read_product(Path("data/corpora/rationales"), ["id", "split"])
    learnt = set(problems.filter(pc.field("split").isin(["labelled", "pool"]))["id"].to_pylist())
    for name in ("warmup", "dpo-first"):
        samples = read_product(DATA / "samples" / name)
        assert set(samples["model"].to_pylist()) == {GOLD, name}
        assert set(samples["id"].to_pylist()) == learnt


def test_pairs_and_labels_hold() -> None:
    pairs = read_product(DATA / "pairs/first").to_pylist()
    assert pairs and all(is_right(row["chosen"], row["gold"]) for row in pairs)
    assert not any(is_right(row["rejected"], row["gold"]) for row in pairs)
    for name in ("st-first", "first"):
        labels = read_product(DATA / "labels" / name).to_pylist()
        assert {row["model"] for row in labels} >= {GOLD}
        assert all(is_right(row["rationale"], row["gold"]) for row in labels)
        assert Path("reports/data_docs/dpo_st/labels", name, "index.html").is_file()


def test_every_model_says_what_it_cost_and_how_it_went() -> None:
    for name in ("sft/warmup", "sft/control", "sft/st-first", "sft/first", "dpo/first"):
        cost = json.loads((MODELS / name / "cost.json").read_text())
        assert cost["tokens"] > 0 and cost["flops"] > cost["tokens"]
        assert json.loads((MODELS / name / "training.json").read_text())


def test_figures_of_every_arm() -> None:
    rows = pd.DataFrame(json.loads(Path("metrics/dpo_st.rows.json").read_text()))
    spent = rows[rows["measure"] == "flops"].set_index("arm")["value"]
    assert spent["sft"] < spent["st"] < spent["dpo_st"]
    headline = json.loads(Path("metrics/dpo_st.json").read_text())
    assert {"accuracy_sft", "accuracy_control", "accuracy_st", "accuracy_dpo_st"} <= set(headline)


def test_the_candidate_reasons() -> None:
    question = "A box holds 12 pens. How many pens do 7 boxes hold?"
    result = CliRunner().invoke(command, [question, "--alias", "candidate"], catch_exceptions=False)
    assert result.exit_code == 0 and "answer" in result.output
