"""All arms answer the same questions, which a seed draws; modes and limits are those asked for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from tests.dpo_st.tiny_samplers import CARD, write_model

from selfsown.dpo_st.answer import ANSWER, AnswerParams, answer, asked_parts, jobs
from selfsown.errors import UserError
from selfsown.products import read_product
from selfsown.reasoning.rationale import RATIONALE, is_right
from selfsown.shards import write_product

pytestmark = pytest.mark.usefixtures("plainly")

SECTION: dict[str, Any] = {
    "data_seed": 1,
    "arms": {"sft": "sft/warmup", "dpo": "dpo/first"},
    "drawn": ["dpo"],
    "main": "made",
    "questions": {"calculator": 5, "plain": 3, "drawn": 2},
    "sampling": {"samples": 3, "temperature": 1.0, "top_k": 0, "max_new_tokens": 6, "batch_size": 4},
    "shard_size": 2,
}


def params(**changes: Any) -> AnswerParams:
    return AnswerParams.model_validate({**SECTION, **changes})


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight questions of known templates, six of unseen ones, six of another set."""
    root = tmp_path_factory.mktemp("world")
    splits = [
        ("made", "labelled", 2),
        ("made", "dev", 1),
        ("made", "test", 8),
        ("made", "unseen", 6),
        ("other", "test", 6),
    ]
    rows = [
        {
            "id": f"{source}-{split}-{place}", "question": f"Anna sold {place} clips. " + "In May. " * (place % 3),
            "rationale": "", "answer": str(place), "masked": "", "numbers": [], "equation": "", "steps": 0,
            "group": f"{'seen' if split in ('labelled', 'dev', 'test') and source == 'made' else split}/{place % 2}",
            "source": source, "split": split,
        }
        for source, split, count in splits
        for place in range(count)
    ]  # fmt: skip
    write_product(root / "problems", [pa.Table.from_pylist(rows, RATIONALE)], schema=RATIONALE, card=CARD)
    write_model(root / "models/sft/warmup", "groups")
    write_model(root / "models/dpo/first", "groups")
    return root


def test_parts_and_what_is_right_or_wrong_together(world: Path) -> None:
    parts = asked_parts(world / "problems")
    assert {part: len(rows) for part, rows in parts.items()} == {"made": 8, "unseen": 6, "other": 6}
    assert all(row["unit"] == row["id"] for row in parts["made"]), "their templates are learnt from"
    assert all(row["unit"] == row["group"] for part in ("unseen", "other") for row in parts[part])


def test_every_arm_answers_the_same_questions(world: Path) -> None:
    asked: Counter[tuple[str, str, str]] = Counter()
    ids: dict[tuple[str, str], dict[str, list[str]]] = {}
    for job in jobs(asked_parts(world / "problems"), params()):
        assert len(job.questions) <= 2
        for row in job.questions:
            asked[job.arm, job.mode, row["part"]] += 1
            ids.setdefault((job.mode, row["part"]), {}).setdefault(job.arm, []).append(row["id"])
    assert asked == {
        **{(arm, "calculator", part): 5 for arm in ("sft", "dpo") for part in ("made", "unseen", "other")},
        **{(arm, "plain", "made"): 3 for arm in ("sft", "dpo")},
        ("dpo", "drawn", "made"): 2,
    }  # fmt: skip
    assert all(len({tuple(found) for found in arms.values()}) == 1 for arms in ids.values())
    fewer = set(ids["drawn", "made"]["dpo"])
    assert fewer <= set(ids["plain", "made"]["dpo"]) <= set(ids["calculator", "made"]["dpo"]), "one order of all"
    everything = jobs(asked_parts(world / "problems"), params(questions={"calculator": None, "plain": 0, "drawn": 0}))
    assert sum(len(job.questions) for job in everything) == 2 * 20


def test_answers_are_marked_and_the_same_for_any_shards(world: Path, tmp_path: Path) -> None:
    tables = {}
    for size in (2, 5):
        shared = {"problems": world / "problems", "models": world / "models"}
        metrics = answer(params(shard_size=size), answers=tmp_path / str(size), **shared)
        tables[size] = read_product(tmp_path / str(size))
        assert tables[size].schema.equals(ANSWER) and metrics["answers"] == 2 * 15 + 2 * 3 + 2 * 3
    rows, others = (sorted(table.to_pylist(), key=str) for table in tables.values())
    assert rows == others
    assert all(row["correct"] == is_right(row["rationale"], row["gold"]) for row in rows)
    drawn = [row for row in rows if row["mode"] == "drawn"]
    assert len({(row["id"], row["k"]) for row in drawn}) == len(drawn) and {row["k"] for row in drawn} == {0, 1, 2}
    greedy = {arm: [row for row in rows if row["arm"] == arm and row["mode"] != "drawn"] for arm in ("sft", "dpo")}
    said = [sorted((row["id"], row["mode"], row["rationale"]) for row in found) for found in greedy.values()]
    assert said[0] == said[1], "the models are equal, so are their answers"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"main": "svamp"}, "main: no part 'svamp': made, other, unseen"),
        ({"drawn": ["st"]}, "drawn: no arm 'st': sft, dpo"),
    ],
)
def test_what_is_not_there(changes: dict[str, Any], message: str, world: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        answer(params(**changes), problems=world / "problems", models=world / "models", answers=tmp_path / "out")
