"""Exercises: tasks and labelled rationales solved right, and nothing of the pool or a test."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from selfsown.arithmetic import PROBLEM, find_annotations, parse_annotations, parse_prefix, parse_value
from selfsown.corpora.exercises import ExercisesParams, exercises, solve
from selfsown.errors import UserError
from selfsown.products import CardInfo, read_product
from selfsown.reasoning.rationale import RATIONALE, final_answer, in_form
from selfsown.shards import write_product

CARD = CardInfo(name="made", licence="CC0-1.0", source="made here", seed=1)
PARAMS: dict[str, Any] = {"data_seed": 1, "tasks": 12, "largest": 999, "validation": 0.3}


def task(number: int, split: str) -> dict[str, Any]:
    return {
        "id": f"msat-{number}", "question": "B = number0 . B * K = number1 . K ?", "numbers": [str(number), "12"],
        "equation": "/ number1 number0", "answer": str(12 / number), "steps": 1, "operators": "/", "group": "g",
        "fold": -1, "source": "msat", "split": split,
    }  # fmt: skip


def rationale(number: int, split: str, form: str = "native") -> dict[str, Any]:
    said = f"It is {number}*2 = <<{number}*2={2 * number}>>{2 * number}\n#### {2 * number}"
    return dict.fromkeys(RATIONALE.names) | {
        "id": f"{split}/{number}", "question": f"What is {split} {number} twice?", "rationale": in_form(said, form),
        "answer": str(2 * number), "numbers": [], "steps": 1, "source": "made", "split": split,
    }  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    rows = [task(2**power, "train") for power in range(1, 5)] + [task(3, "train"), task(7, "train"), task(8, "dev")]
    for name in ("2.0", "2.4"):
        write_product(tmp_path / "tasks" / name, [pa.Table.from_pylist(rows, PROBLEM)], schema=PROBLEM, card=CARD)
    write_rationales(tmp_path / "rationales")
    return tmp_path


def write_rationales(folder: Path, form: str = "native") -> None:
    rows = [rationale(n, s, form) for s in ("labelled", "pool", "dev", "test", "unseen") for n in range(1, 10)]
    write_product(folder, [pa.Table.from_pylist(rows, RATIONALE)], schema=RATIONALE, card=CARD)


def make(project: Path, **changes: Any) -> list[dict[str, Any]]:
    wanted = ExercisesParams.model_validate(PARAMS | changes)
    made = [project / name for name in ("solved", "labelled")]
    exercises(
        wanted, tasks=project / "tasks", rationales=project / "rationales", solved=made[0], labelled=made[1]
    )  # fmt: skip
    return [row for product in made for row in read_product(product).to_pylist()]


def test_each_exercise_is_solved_right_and_only_what_may_be_learnt_is_there(project: Path) -> None:
    rows = make(project)
    for row in rows:
        assert row["id"] == hashlib.sha256(row["text"].encode()).hexdigest()[:16]
        assert row["text"] == f"{row['question']}\n{row['rationale']}"
        assert parse_annotations(row["rationale"]), "each step holds"
        assert final_answer(row["rationale"]) == parse_value(find_annotations(row["rationale"])[-1].stated)
    labelled = {row["question"] for row in read_product(project / "labelled").to_pylist()}
    assert labelled == {f"What is labelled {number} twice?" for number in range(1, 10)}
    assert {row["question"] for row in rows} - labelled == {
        f"B = {number} . B * K = 12 . K ?" for number in (2, 3, 4, 8, 16)
    }, "12 / 7 has no finite decimals"
    assert len({row["id"] for row in rows}) == len(rows)
    assert {row["split"] for row in rows} == {"train", "validation"}


def test_rationales_in_brackets_are_written_as_native_ones(project: Path) -> None:
    native = make(project)
    write_rationales(project / "rationales", "brackets")
    assert make(project) == native


def test_the_same_bytes_each_time_and_fewer_tasks_where_fewer_are_wanted(project: Path) -> None:
    first = [make(project) and (project / "solved/card.json").read_bytes() for _ in range(2)]
    assert first[0] == first[1]
    assert Counter(row["source"] for row in make(project, tasks=2)) == {"made": 9, "msat": 2}
    small = [row["question"] for row in make(project, largest=12) if row["source"] == "msat"]
    assert len(small) == 4, "16 is too large"


def test_no_labelled_rationale_is_an_error(project: Path) -> None:
    write_product(project / "rationales", [RATIONALE.empty_table()], schema=RATIONALE, card=CARD)
    with pytest.raises(UserError, match="no labelled rationale"):
        make(project)


def test_steps_are_written_as_rationales_write_them() -> None:
    equation = parse_prefix("- * number0 number1 100")
    assert solve(equation, ["12", "0.5"], "-94") == ("12 * 0.5 = <<12*0.5=6>>6\n6 - 100 = <<6-100=-94>>-94\n#### -94")
