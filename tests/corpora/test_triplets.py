"""Triplets: pairs are joined, no group and no sentence is on two splits, and nothing is lost without a reason."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from tests.corpora.sentences_project import rating, sentence, words, write_csv, write_lines, write_ratings
from tests.corpora.source_add import add

from selfsown.corpora.readers.triplets import own, vitaminc
from selfsown.corpora.readers.triplets.triplet import SPLITS, Claim, Triplet, form_of, join
from selfsown.corpora.triplets import TripletsParams, triplets
from selfsown.corpora.triplets.choice import assign
from selfsown.errors import UserError
from selfsown.products import REJECTED, read_card, read_product
from selfsown.sources import register_folder
from selfsown.sources.registry import load_registry

PARAMS: dict[str, Any] = {
    "data_seed": 1,
    "sources": ["mine"],
    "rows": {"test": 9, "dev": 6, "train": None},
    "words": {"low": 3, "high": 20},
}


def make(project: Path, **changes: Any) -> tuple[list[dict[str, str]], dict[str, str]]:
    """The rows of the product, and the reasons of the refused ones by id."""
    write_ratings(project / "ratings", [rating(1)])
    params = TripletsParams.model_validate({**PARAMS, **changes})
    triplets(params, ratings=project / "ratings", corpus=project / "out")
    refused = pq.read_table(project / "out" / REJECTED).to_pylist() if (project / "out" / REJECTED).is_file() else []
    return read_product(project / "out").to_pylist(), {row["id"]: row["reason"] for row in refused}


def simcse(number: int, **changes: str) -> dict[str, str]:
    starts = zip(("sent0", "sent1", "hard_neg"), ("The", "One", "No"), strict=True)
    return {
        **{name: sentence(number, start) for name, start in starts},
        "group": f"g{number // 3}",
        "split": "",
        **changes,
    }


@given(
    st.lists(
        st.tuples(st.integers(0, 2), st.sampled_from(("a", "b", "c", "d")), st.sampled_from([True, False, None])),
        max_size=30,
    )
)
def test_every_claim_is_in_one_triplet_or_refused(said: list[tuple[int, str, bool | None]]) -> None:
    claims = [Claim(str(row), f"Premise {n}.", word, label) for row, (n, word, label) in enumerate(said)]
    made = list(join(claims, "mine"))
    kept = [row for row in made if not row.reason]
    assert len(made) == len(claims) - len(kept), "a triplet takes two"
    labels = {(claim.premise, claim.text): claim.entailed for claim in reversed(claims) if claim.entailed is not None}
    for row in kept:
        assert labels[row.premise, row.entailment] is True and labels[row.premise, row.contradiction] is False
    for premise in {claim.premise for claim in claims}:
        counts = Counter(labels[pair] for pair in labels if pair[0] == premise)
        assert sum(row.premise == premise for row in kept) == min(counts[True], counts[False])


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 12), st.sampled_from(["", *SPLITS])), max_size=25))
def test_no_group_and_no_sentence_is_on_two_splits(rows: list[tuple[int, int, str]]) -> None:
    made = [
        Triplet(f"{place}", "mine", f"premise {place}", f"claim {shared}", f"no claim {place}", str(group), split=split)
        for place, (group, shared, split) in enumerate(rows)
    ]
    found = assign(made, {"test": 4, "dev": 3, "train": None}, 1, ["claim 12"])
    kept = [row for row in found if not row.reason]
    splits: dict[str, set[str]] = {}
    for row in kept:
        for name in (f"group {row.group}", *map(form_of, row.sentences)):
            splits.setdefault(name, set()).add(row.split)
        assert row.split == "test" or "claim 12" not in row.sentences, "rated texts are learnt from nowhere"
        assert rows[int(row.id)][2] in ("", row.split), "a split of its own is kept"
    assert all(len(names) == 1 for names in splits.values())
    assert len(found) == len(rows) and all(row.split == "" for row in found if row.reason)


def test_simcse_rows_are_read_and_what_does_not_fit_is_refused(empty_registry: Path) -> None:
    rows = [simcse(number) for number in range(40)]
    rows += [
        simcse(100, sent1="Too short"),
        simcse(101, hard_neg=" ".join(words(1, 32))),
        simcse(102, hard_neg=""),
        simcse(103, hard_neg=sentence(103, "The")),
        rows[0],
        simcse(104, sent0=sentence(5001), split="train"),
    ]
    write_csv(empty_registry / "mine/nli.csv", rows)
    register_folder(empty_registry / "mine", "mine")
    kept, reasons = make(empty_registry)
    card = read_card(empty_registry / "out")
    assert card.rows == 40 and len(reasons) == 6 == sum(card.dropped.values())
    assert reasons["mine/nli.csv line 42"] == "too short: 2 words of the entailment, at least 3"
    assert reasons["mine/nli.csv line 43"].startswith("too long: 32 words of the contradiction")
    assert reasons["mine/nli.csv line 44"] == "empty sentence"
    assert reasons["mine/nli.csv line 45"].startswith("same sentence")
    assert reasons["mine/nli.csv line 46"] == "duplicate: of mine/nli.csv line 2"
    held = {split: {row["group"] for row in kept if row["split"] == split} for split in SPLITS}
    assert not held["test"] & held["train"] and not held["dev"] & (held["test"] | held["train"])
    counts = Counter(row["split"] for row in kept)
    assert counts["test"] == 9 and counts["dev"] == 6
    assert reasons["mine/nli.csv line 47"].endswith("is on ratings")
    before = [file.read_bytes() for file in sorted((empty_registry / "out").glob("*.parquet"))]
    assert make(empty_registry)[0] == kept
    assert [file.read_bytes() for file in sorted((empty_registry / "out").glob("*.parquet"))] == before
    assert {row["id"] for row in kept if row["split"] == "test"} != {
        row["id"] for row in make(empty_registry, data_seed=2)[0] if row["split"] == "test"
    }


SAID: list[tuple[dict[str, Any], str, str]] = [
    ({"sent1": "NULL"}, "empty sentence", ""),
    ({"sent0": " \t"}, "empty sentence", "empty sentence"),
    ({"sent0": None}, "empty sentence", "empty sentence"),
    ({"group": "NULL", "language": "nan"}, "", ""),
    ({"split": "None"}, "", "unknown split: 'None', known are test, dev, train"),
    ({"split": "Training"}, "", ""),
    ({"split": "VAL"}, "", ""),
    ({"split": "eval", "language": "EN_us"}, "", ""),
    ({"group": 7, "language": "de-AT"}, "", ""),
    ({"split": "exam"}, *["unknown split: 'exam', known are test, dev, train"] * 2),
]


def test_what_a_column_says_and_when_it_says_nothing_is_the_rule_of_all_readers(tmp_path: Path) -> None:
    rows = [{**simcse(number), "language": "", **changes} for number, (changes, _, _) in enumerate(SAID)]
    write_csv(tmp_path / "a.csv", rows)
    untyped = list(own.read("mine", tmp_path))
    assert [row.reason for row in untyped] == [reason for _, reason, _ in SAID]
    assert [(row.group, row.split, row.language) for row in untyped[3:9]] == [
        ("", "", "en"), ("g1", "", "en"), ("g1", "train", "en"), ("g2", "dev", "en"), ("g2", "test", "en"),
        ("7", "", "de"),
    ]  # fmt: skip
    (tmp_path / "a.csv").unlink()
    odd = [{"group": float("nan"), "language": float("nan")}, {"sent0": "A \ud800 b."}, {"sent1": ["One."]}]
    write_lines(tmp_path / "a.jsonl", [*rows, *({**simcse(0), **changes} for changes in odd)])
    typed = list(own.read("mine", tmp_path))
    assert [row.reason for row in typed[: len(SAID)]] == [reason for _, _, reason in SAID]
    assert (typed[0].entailment, typed[3].group, typed[3].language) == ("NULL", "NULL", "nan")
    nothing, lone, listed = typed[len(SAID) :]
    assert (nothing.group, nothing.language, nothing.reason) == ("", "en", "")
    assert lone.reason == "not a text: sent0 has '\\ud800' in it, which is no character of any text"
    assert listed.reason.startswith("not a text: sent1 is ")


def test_rows_without_a_group_do_not_share_one(empty_registry: Path) -> None:
    write_csv(empty_registry / "mine/a.csv", [simcse(number, group="NULL") for number in range(20)])
    register_folder(empty_registry / "mine", "mine")
    kept, reasons = make(empty_registry)
    assert len({row["group"] for row in kept}) == 20 and not reasons


def test_a_row_with_one_key_twice_is_refused_by_its_line(tmp_path: Path) -> None:
    good = json.dumps(simcse(0))
    (tmp_path / "a.jsonl").write_text(f'{good}\n{good[:-1]}, "sent1": "Another one."}}\n')
    first, second = own.read("mine", tmp_path)
    assert not first.reason
    assert (second.id, second.reason) == (
        "mine/a.jsonl line 2", "unreadable row: repeated key: 'sent1' stands twice; name each key once"
    )  # fmt: skip


def test_one_label_only_is_one_clear_error(empty_registry: Path) -> None:
    rows = [{"premise": sentence(n // 2), "hypothesis": sentence(n, "One"), "label": "entailment"} for n in range(8)]
    write_lines(empty_registry / "mine/pairs.jsonl", rows)
    register_folder(empty_registry / "mine", "mine")
    with pytest.raises(UserError, match=r"no triplet is left for the split 'test': .*dropped: no contradiction 8"):
        make(empty_registry)


def test_a_file_of_neither_kind_is_one_clear_error(empty_registry: Path) -> None:
    write_csv(empty_registry / "mine/a.csv", [{"question": "a", "answer": "b"}])
    register_folder(empty_registry / "mine", "mine")
    with pytest.raises(UserError, match=r"a\.csv: expected the columns of triplets or of labelled pairs"):
        make(empty_registry)


def test_what_source_add_says_is_what_the_stage_keeps(empty_registry: Path) -> None:
    section = {key: value for key, value in PARAMS.items() if key != "data_seed"} | {"sources": ["bigbench-vitaminc"]}
    Path("params.yaml").write_text(yaml.safe_dump({"data_seed": 1, "corpora": {"triplets": section}}))
    pairs = [
        {"premise": sentence(n // 2), "hypothesis": sentence(n, "One"), "label": ("Entailment", "contradiction")[n % 2]}
        for n in range(40)
    ]
    odd = [{**pairs[0], "label": "maybe"}, {**pairs[0], "label": "neutral"}, [1], {**pairs[0], "split": "exam"}]
    write_lines(empty_registry / "mine/a.jsonl", [*pairs, *odd])
    (empty_registry / "mine/b.jsonl").write_text('{"premise": "x", "hypothesis": "y", "label": "z"}\n{oops\n')
    pq.write_table(
        pa.Table.from_pylist(
            [{**p, "premise": f"{p['premise']} Now.", "hypothesis": f"{p['hypothesis']} Now."} for p in pairs[:4]]
        ),
        "mine/c.parquet",
    )
    said = add("mine", "mine")
    assert said.startswith("mine: 22 triplets of 22 groups\n  split not given: 22\n6 rows refused:\n")
    for line in (
        "1  neutral, the first: a.jsonl line 42",
        "2  unknown label, the first: a.jsonl line 41: 'maybe', known are entailment, contradiction, neutral",
        "1  unknown split, the first: a.jsonl line 44: 'exam'",
        "2  unreadable row, the first: a.jsonl line 43: not an object",
    ):
        assert f"  {line}" in said
    assert "\n  corpora.triplets.sources: [bigbench-vitaminc, mine]\n" in said
    assert "rows: {test: 2, dev: 2, train: null}" in said and "mine" in load_registry()
    kept, reasons = make(empty_registry)
    assert len(kept) == 22 and len(reasons) == 6


def test_vitaminc_is_read_by_page(tmp_path: Path) -> None:
    def example(text: str, label: str) -> dict[str, Any]:
        return {"input": text, "target_scores": {name: int(name == label) for name in ("True", "False", "Neither")}}

    page = "Bala: Bala -LRB- born in 1966 -RRB- is the band 's singer .\nClaim: "
    rows = [
        example(f"{page}Bala is a singer .", "True"),
        example(f"{page}Bala was born in 1970 .", "False"),
        example(f"{page}Bala sings well .", "Neither"),
        example("No claim here", "True"),
        example(f"{page}Bala is 9.8\ufffdmillion .", "True"),
        {"input": "x"},
    ]
    path = tmp_path / "bigbench/vitaminc_fact_verification/task.json"
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps({"examples": rows}))
    found = list(vitaminc.read("v", tmp_path))
    (kept,) = (row for row in found if not row.reason)
    assert kept.sentences == (
        "Bala (born in 1966) is the band's singer.", "Bala is a singer.", "Bala was born in 1970."
    )  # fmt: skip
    assert (kept.id, kept.group) == ("v/0", "Bala")
    assert Counter(row.reason.partition(":")[0] for row in found if row.reason) == {
        "neutral": 1, "unreadable": 1, "damaged": 1, "missing field": 1
    }  # fmt: skip
    path.write_text("[]")
    with pytest.raises(UserError, match="expected a JSON object with the key 'examples'"):
        list(vitaminc.read("v", tmp_path))
