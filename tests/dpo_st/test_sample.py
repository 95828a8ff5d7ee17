"""The stage: gold rationales first, samples that pile up, the same bytes for any number of workers and any kill."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
import yaml
from tests.dpo_st.tiny_samplers import question, tiny_llama, tiny_tokenizer, write_model, write_problems
from tests.killing import Job, campaign, contents
from tests.stage_process import finish, start_stage

from selfsown.dpo_st.attempts.product import GOLD, SAMPLE, read_earlier
from selfsown.dpo_st.language.forms import encode_question
from selfsown.dpo_st.sample import SampleParams, sample
from selfsown.errors import UserError
from selfsown.products import read_card, read_product
from selfsown.reasoning.rationale import is_right
from selfsown.sources.tree import file_sha256

SAMPLING = {"samples": 3, "temperature": 1.0, "top_k": 0, "max_new_tokens": 8, "batch_size": 4}
SECTION = {"seed": 1, "sampling": SAMPLING, "shard_size": 2}


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("inputs")
    write_model(folder / "model", "groups")
    write_problems(folder / "problems")
    return folder


@pytest.fixture(scope="module")
def first(plainly: None, inputs: Path) -> tuple[Path, dict[str, float]]:
    out = inputs / "first"
    return out, made(inputs, "first", inputs / "problems", out)


def made(inputs: Path, name: str, earlier: Path, out: Path, **changes: Any) -> dict[str, float]:
    return dict(
        sample(
            SampleParams.model_validate({**SECTION, **changes}),
            name=name, problems=inputs / "problems", model=inputs / "model", earlier=earlier, samples=out,
        )
    )  # fmt: skip


def test_gold_comes_first_and_each_question_is_completed_k_times(first: tuple[Path, dict[str, float]]) -> None:
    out, metrics = first
    table = read_product(out)
    assert table.schema.equals(SAMPLE)
    rows = table.to_pylist()
    gold = [row for row in rows if row["model"] == GOLD]
    assert rows[: len(gold)] == gold and {row["id"] for row in gold} == {"q000", "q003", "q006", "q009"}
    assert all(row["correct"] and row["order"] == 0 and row["rationale"] for row in gold)
    own = rows[len(gold) :]
    assert Counter(row["id"] for row in own) == {f"q{place:03d}": 3 for place in range(12)}, "no held-out question"
    assert {row["k"] for row in own} == {0, 1, 2} and {(row["model"], row["order"]) for row in own} == {("first", 1)}
    assert all(row["correct"] == is_right(row["rationale"], row["gold"]) for row in own)
    assert metrics["completions"] == 36 and metrics["tokens"] == sum(row["tokens"] for row in own)
    assert metrics["share_finished"] == pytest.approx(sum(row["finished"] for row in own) / 36)


def test_samples_pile_up_newest_last(first: tuple[Path, dict[str, float]], inputs: Path, tmp_path: Path) -> None:
    metrics = made(inputs, "second", first[0], tmp_path / "second")
    rows = read_product(tmp_path / "second").to_pylist()
    before = read_product(first[0]).to_pylist()
    assert rows[: len(before)] == before and metrics["completions"] == 36
    assert {(row["model"], row["order"]) for row in rows} == {(GOLD, 0), ("first", 1), ("second", 2)}
    pairs = [{row["rationale"] for row in rows if row["model"] == name} for name in ("first", "second")]
    assert pairs[0] != pairs[1], "the same numbers would be drawn again by the next model"


def test_a_name_that_is_taken_is_refused(first: tuple[Path, dict[str, float]], inputs: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="has samples of a model 'first' already: give these another --name"):
        made(inputs, "first", first[0], tmp_path / "out")


def test_a_pool_question_teaches_no_rationale(inputs: Path) -> None:
    assert set(read_earlier(inputs / "problems", "any")["id"].to_pylist()) == {"q000", "q003", "q006", "q009"}


def test_without_questions_the_product_is_named(tmp_path: Path) -> None:
    write_problems(tmp_path / "problems", 0)
    (tmp_path / "model").mkdir()
    with pytest.raises(UserError, match="problems: no question on the splits labelled and pool"):
        made(tmp_path, "first", tmp_path / "problems", tmp_path / "out")


def test_questions_too_long_for_the_model_are_kept_aside(plainly: None, inputs: Path, tmp_path: Path) -> None:
    room, tokenizer = 64, tiny_tokenizer("groups")
    sizes = {f"q{place:03d}": len(encode_question(tokenizer, question(place))) for place in range(12)}
    fitting = {name for name, size in sizes.items() if size + SAMPLING["max_new_tokens"] <= room}
    assert 0 < len(fitting) < 12
    for seen, folder in ((room, tmp_path / "some"), (SAMPLING["max_new_tokens"], tmp_path / "none")):
        tiny_llama(tokenizer, seen).save_pretrained(folder / "model")
        tokenizer.save_pretrained(folder / "model")
        write_problems(folder / "problems")
    made(tmp_path / "some", "first", inputs / "problems", tmp_path / "out")
    assert set(read_product(tmp_path / "out").filter(pc.field("order") == 1)["id"].to_pylist()) == fitting
    rejected = pq.read_table(tmp_path / "out" / "rejected.parquet").to_pylist()
    assert {row["id"] for row in rejected} == sizes.keys() - fitting and len(rejected) == 12 - len(fitting)
    assert all(row["reason"].startswith("too long a question") for row in rejected)
    with pytest.raises(UserError, match="can read no question on the splits labelled and pool"):
        made(tmp_path / "none", "first", inputs / "problems", tmp_path / "nothing")


def options(inputs: Path, out: Path) -> dict[str, object]:
    return {
        "name": "first", "problems": inputs / "problems", "model": inputs / "model", "earlier": inputs / "problems",
        "samples": out,
    }  # fmt: skip


def test_two_workers_write_the_bytes_of_one(first: tuple[Path, dict[str, float]], inputs: Path, tmp_path: Path) -> None:
    plain = {"SELFSOWN_DEVICE": "cpu", "SELFSOWN_WORKERS": "2"}
    finish(start_stage("dpo_st.sample", SECTION, options(inputs, tmp_path / "samples"), tmp_path, **plain))
    assert read_card(tmp_path / "samples").digest == read_card(first[0]).digest
    assert contents(tmp_path / "samples") == contents(first[0])


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_kills_change_no_byte(inputs: Path, tmp_path: Path) -> None:
    section = {key: value for key, value in SECTION.items() if key != "seed"}
    section["sampling"] = {**SAMPLING, "max_new_tokens": 60}
    (tmp_path / "params.yaml").write_text(yaml.safe_dump({"seed": 1, "dpo_st": {"sample": section}}))
    expected: dict[str, str] = {}

    def sound(out: Path) -> None:
        for path in out.glob("part-*.parquet"):
            assert file_sha256(path) == expected[path.name] and pq.read_table(path).num_rows
        for path in out.glob(".work/[0-9]*.json"):
            info = json.loads(path.read_text())
            assert expected[info["file"]] == info["sha256"]

    def whole(out: Path, _: int) -> None:
        expected.update(expected or contents(out))
        assert contents(out) == expected and read_product(out).num_rows == 40

    words = [part for key, value in options(inputs, tmp_path / "samples").items() for part in (f"--{key}", str(value))]
    plain = {"SELFSOWN_DEVICE": "cpu", "SELFSOWN_PRECISION": "fp32", "SELFSOWN_WORKERS": "2"}
    job = Job(tmp_path, ["dpo_st.sample", *words], "samples", sound, whole, {**plain, "SELFSOWN_TRACKING": "false"})
    begun, end = job.undisturbed()
    shutil.rmtree(tmp_path / "samples")
    windows = [r"rename .*part-00003", r"rename .*card\.json", r"remove .*00002\.json"]
    campaign(job, windows, begun, end)
