"""Pairs and labels get their card only when every answer was worked out again and no test question is among them."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.dpo_st.tiny_samplers import CARD, write_model

from selfsown.dpo_st import pairs as pairs_module
from selfsown.dpo_st.attempts.product import GOLD, SAMPLE
from selfsown.dpo_st.labels import LABEL, LabelsParams, labels
from selfsown.dpo_st.pairs import PAIR, PairsParams, pairs
from selfsown.products import ProductError, read_card, read_product
from selfsown.quality import GateError
from selfsown.reasoning.rationale import RATIONALE
from selfsown.shards import write_product

pytestmark = pytest.mark.usefixtures("plainly")

RULES = {
    "near_duplicate": 0.7, "gold": True, "order": "text", "check_calculations": True,
    "tokens": {"low": 0, "high": 1000},
}  # fmt: skip
LIMITS = {"min_rows": 10, "min_share": 0.5, "min_rationales": 1, "max_wrong_calculations": 0}
LENGTHS = {"low": 1, "high": 100}
PAIRS = {
    "data_seed": 1,
    "rules": {**RULES, "per_question": 3, "prefer": "least_similar", "unanswered": True},
    "eval_share": 0.2,
    "reference": {"mask_results": True, "batch_size": 4},
    "expect": {**LIMITS, "min_eval_rows": 1, "chosen_tokens": LENGTHS, "rejected_tokens": {"low": 0, "high": 100}},
}
LABELS = {"data_seed": 1, "rules": {**RULES, "percentile": 90}, "expect": {**LIMITS, "tokens": LENGTHS}}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("model"), "groups")


def question(place: int) -> str:
    return f"Anna sells {place} clips a day. How many does she sell in 3 days?"


def right(place: int) -> str:
    return f"In 3 days she sells {place}*3 = <<{place}*3={place * 3}>>{place * 3} clips.\n#### {place * 3}"


def wrong(place: int) -> str:
    return f"Altogether <<{place}+3={place + 3}>>{place + 3}\n#### {place + 3}"


@pytest.fixture
def world(tmp_path: Path, model: Path) -> World:
    return World(tmp_path, model)


class World:
    """Twenty questions, one labelled, each with a right and two wrong samples; a test spoils some."""

    def __init__(self, root: Path, model: Path) -> None:
        self.root, self.model = root, model
        self.problems = [self.problem(place, "labelled" if place == 2 else "pool") for place in range(2, 22)]
        self.problems += [self.problem(50, "dev"), self.problem(51, "test"), self.problem(52, "unseen")]
        self.samples = [self.sample(2, right(2), True, GOLD)]
        for place in range(2, 22):
            self.samples += [
                self.sample(place, f"She does. {right(place)}", True),
                self.sample(place, wrong(place), False),
                self.sample(place, "I do not know at all", False),
            ]

    @staticmethod
    def problem(place: int, split: str) -> dict[str, Any]:
        return {
            "id": f"q{place}", "question": question(place), "rationale": right(place) if split == "labelled" else "",
            "answer": str(place * 3), "masked": "", "numbers": [], "equation": "", "steps": 0, "group": f"g{place}",
            "source": "made", "split": split,
        }  # fmt: skip

    @staticmethod
    def sample(place: int, text: str, correct: bool, model: str = "warmup") -> dict[str, Any]:
        return {
            "id": f"q{place}", "question": question(place), "gold": str(place * 3), "rationale": text, "model": model,
            "k": 0, "correct": correct, "tokens": 9, "finished": True, "order": int(model != GOLD),
        }  # fmt: skip

    def run(self, stage: str = "pairs", **changes: Any) -> dict[str, float]:
        for name, rows, schema in (("problems", self.problems, RATIONALE), ("samples", self.samples, SAMPLE)):
            write_product(self.root / name, [pa.Table.from_pylist(rows, schema)], schema=schema, card=CARD)
        shared = {name: self.root / name for name in ("problems", "samples", "report")}
        if stage == "pairs":
            params = PairsParams.model_validate({**PAIRS, **changes})
            return dict(pairs(params, name="first", model=self.model, pairs=self.root / "pairs", **shared))
        chosen = LabelsParams.model_validate({**LABELS, **changes})
        return dict(labels(chosen, name="first", base=self.model, labels=self.root / "labels", **shared))

    def error(self, stage: str = "pairs", **changes: Any) -> str:
        """The gate's message; the product is not finished, and its rows and Data Docs are there to be looked at."""
        with pytest.raises(GateError) as caught:
            self.run(stage, **changes)
        assert not (self.root / stage / "card.json").exists()
        with pytest.raises(ProductError, match="not a finished data product"):
            read_product(self.root / stage)
        assert pq.read_schema(self.root / stage / "part-00000.parquet").equals(PAIR if stage == "pairs" else LABEL)
        assert "failed" in (self.root / "report" / "index.html").read_text()
        return str(caught.value)


def test_sound_pairs_pass(world: World) -> None:
    metrics = world.run()
    assert json.loads(json.dumps(metrics)) == metrics
    table = read_product(world.root / "pairs")
    assert table.schema.equals(PAIR)
    rows = table.to_pylist()
    assert metrics["questions"] == 20 and metrics["questions_with_pairs"] == len({row["id"] for row in rows}) == 20
    assert metrics["pairs_train"] + metrics["pairs_eval"] == len(rows) and metrics["pairs_eval"] > 0
    assert all(row["ref_chosen_logps"] < 0 and row["ref_rejected_logps"] < 0 for row in rows)
    splits = {row["id"]: {other["split"] for other in rows if other["id"] == row["id"]} for row in rows}
    assert all(len(found) == 1 for found in splits.values())
    assert metrics["rejected_near-duplicate"] == read_card(world.root / "pairs").dropped["near-duplicate"] == 1
    assert (world.root / "report" / "pairs.html").is_file() and (world.root / "report" / "questions.html").is_file()


def test_the_reference_reads_each_pair_in_any_batch(world: World) -> None:
    world.run()
    one = read_product(world.root / "pairs")
    world.run(reference={"mask_results": True, "batch_size": 1})
    other = read_product(world.root / "pairs")
    for name in ("ref_chosen_logps", "ref_rejected_logps"):
        assert one[name].to_pylist() == pytest.approx(other[name].to_pylist(), rel=1e-4)


def test_sound_labels_pass(world: World) -> None:
    metrics = world.run("labels")
    table = read_product(world.root / "labels")
    assert table.schema.equals(LABEL)
    assert (metrics["labels"], metrics["labels_by_models"], metrics["cap"]) == (20, 19, 1)
    rows = {row["id"]: row for row in table.to_pylist()}
    assert rows["q2"]["model"] == GOLD and rows["q3"]["model"] == "warmup"
    dropped = read_card(world.root / "labels").dropped
    assert dropped == {"near-duplicate": 1, "no final answer": 20, "wrong answer": 20}


def test_what_is_over_the_cap_is_told(world: World) -> None:
    world.samples += [world.sample(5, f"Three by {place} days, so then.\n#### 15", True) for place in ("one", "two")]
    metrics = world.run("labels", rules={**RULES, "near_duplicate": 0.99, "percentile": 50})
    assert metrics["cap"] == 1 and metrics["rejected_over_the_cap"] == 3


def test_a_chosen_one_that_is_wrong(world: World) -> None:
    world.samples[1 + 3 * 4] |= {"rationale": "She sells 6 a day.\n#### 19"}
    for stage, column in (("pairs", "chosen_fault"), ("labels", "fault")):
        message = world.error(stage)
        assert re.search(rf"{stage}, column {column}: a (chosen rationale|label) must end with the answer", message)
        assert f"id='q6' {column}='wrong answer, 18 is right'" in message


def test_a_rejected_one_that_is_right(world: World) -> None:
    world.samples[2 + 3 * 4] |= {"rationale": "Days and clips.\n#### 18.00"}
    message = world.error()
    assert "pairs, column rejected_fault: a rejected rationale must not end" in message and "id='q6'" in message


@pytest.mark.parametrize("split", ["dev", "test", "unseen"])
def test_a_question_that_is_held_out(world: World, split: str) -> None:
    held_out = next(row for row in world.problems if row["split"] == split)["question"]
    for row in world.samples:
        if row["id"] == "q7":
            row["question"] = f"  {held_out.upper()} "
    for stage in ("pairs", "labels"):
        message = world.error(stage)
        assert f"{stage}, column held_out: no question of dev, test or unseen may be learnt from" in message
        assert f"id='q7' held_out='{split}'" in message


def test_one_question_in_train_and_eval_pairs(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for row in world.samples:
        if row["id"] == "q8":
            row["question"] = question(9).lower()
    assert world.run()["questions_with_pairs"] == 20, "by default the same question is on one split"
    turns = iter(range(100))
    monkeypatch.setattr(pairs_module, "_split", lambda *_: "eval" if next(turns) % 2 else "train")
    message = world.error()
    assert "pairs, column shared: pairs of one question must be on one split" in message
    assert "id='q8' shared='eval and train'" in message


def test_wrong_calculations_are_left_out_or_counted(world: World) -> None:
    odd = "First <<5+5=11>>11, and <<5*3=15>>15.\n#### 15"
    for row in world.samples:
        if row["id"] == "q5" and row["correct"]:
            row["rationale"] = odd
    metrics = world.run("labels")
    assert metrics["labels"] == 19 and metrics["rejected_wrong_calculation"] == 1
    rules = {**RULES, "check_calculations": False, "percentile": None}
    message = world.error("labels", rules=rules)
    assert "column wrong_calculation: calculations that are learnt must come out" in message
    assert "id='q5' wrong_calculation='5+5 is 10, stated is 11'" in message
    expect = {**LABELS["expect"], "max_wrong_calculations": 0.1}
    assert world.run("labels", rules=rules, expect=expect)["labels"] == 20


def test_too_little_is_learnt(world: World) -> None:
    world.samples = world.samples[: 1 + 3 * 5]
    message = world.error(expect={**PAIRS["expect"], "min_rationales": 9})
    assert "too few rows: the product" not in message
    assert "questions, column learnt: too few of the questions have a row" in message and "observed: 0.25" in message
    assert "questions, column rationales: too few different rationales a question" in message
    world.samples = [row for row in world.samples if row["correct"]]
    assert "too few rows: the product" in world.error()


def test_lengths(world: World) -> None:
    world.samples[2] |= {"rationale": "no " * 200}
    world.samples[5] |= {"rationale": ""}
    limits = {**PAIRS["expect"], "rejected_tokens": {"low": 1, "high": 100}}
    message = world.error(expect=limits)
    assert "column rejected_tokens: length of a rejected rationale" in message
    assert "id='q2' rejected_tokens=" in message and "id='q3' rejected_tokens=0" in message
