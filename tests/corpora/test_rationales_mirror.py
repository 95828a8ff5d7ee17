"""The real GSM8K and SVAMP, where a mirror or the cache has them: nothing is lost without a reason."""

from __future__ import annotations

from collections import Counter
from fractions import Fraction
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from tests.corpora.rationales_project import params

from selfsown.arithmetic import evaluate, parse_decimal, parse_prefix, parse_value
from selfsown.corpora.rationales import rationales
from selfsown.corpora.readers.rationales import gsm8k, plain
from selfsown.products import REJECTED, read_product
from selfsown.reasoning.rationale import final_answer
from selfsown.sources import UnreachableError, fetch, register_folder


def fetch_or_skip(name: str) -> Path:
    try:
        return fetch(name)
    except UnreachableError as error:
        pytest.skip(f"not here: {error}")


def test_all_but_a_few_rows_of_gsm8k_are_kept() -> None:
    found = list(gsm8k.read("gsm8k", fetch_or_skip("gsm8k")))
    refused = [problem.reason for problem in found if problem.reason]
    assert len(found) == 7473
    assert Counter(reason.partition(":")[0] for reason in refused) == {"wrong annotation": 2}
    assert all(reason.partition(": ")[2] for reason in refused)
    assert all(final_answer(problem.rationale) == problem.answer for problem in found if not problem.reason)


@pytest.mark.parametrize(("source", "fewest"), [("svamp", 1000), ("asdiv-a", 1190), ("mawps", 1850)])
def test_the_sets_to_test_on_are_whole(source: str, fewest: int) -> None:
    found = list(plain.read(source, fetch_or_skip(source), Fraction("0.01")))
    kept = [problem for problem in found if not problem.reason]
    assert len(kept) >= fewest
    assert not any("number0" in problem.question for problem in kept)


@pytest.fixture
def published() -> dict[str, Path]:
    return {name: fetch_or_skip(name) for name in ("gsm8k", "svamp")}


def test_a_slice_of_gsm8k_and_a_published_test(published: dict[str, Path], empty_registry: Path) -> None:
    lines = (published["gsm8k"] / "train.jsonl").read_bytes().splitlines(keepends=True)[:1000]
    (empty_registry / "slice").mkdir()
    (empty_registry / "slice/train.jsonl").write_bytes(b"".join(lines))
    register_folder(empty_registry / "slice", "slice")
    register_folder(published["svamp"], "svamp")
    sets = [
        {"kind": "gsm8k", "source": "slice", "rows": {"test": 50, "dev": 50, "labelled": 100, "pool": 200}},
        {"kind": "test", "source": "svamp", "limit": 30},
    ]
    wanted = params(sets=sets, steps={"low": 1, "high": 4}, quantities={"low": 1, "high": 10})
    rationales(wanted, corpus=empty_registry / "out")
    rows = read_product(empty_registry / "out").to_pylist()
    assert Counter((row["source"], row["split"]) for row in rows) == {
        ("slice", "test"): 50, ("slice", "dev"): 50, ("slice", "labelled"): 100, ("slice", "pool"): 200,
        ("svamp", "test"): 30,
    }  # fmt: skip
    programs = [row for row in rows if row["equation"]]
    assert len(programs) > 100
    for row in programs:
        numbers = [parse_decimal(number) for number in row["numbers"]]
        assert evaluate(parse_prefix(row["equation"]), numbers) == parse_value(row["answer"])
    rejected = pq.read_table(empty_registry / "out" / REJECTED)
    assert rejected.num_rows == 1000 - 400 and all(rejected["reason"].to_pylist())
