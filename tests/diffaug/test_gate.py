"""Nothing passes the gate that would be learnt and measured on, that stands twice, or that does not fit."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from tests.corpora.sentences_project import CARD, rating, sentence, triplet, write_ratings, write_triplets

from selfsown import quality
from selfsown.corpora.prose import PROSE
from selfsown.diffaug.gate import GateParams, gate, suites
from selfsown.diffaug.gate.frames import claim_frame, prose_frame, rating_frame, triplet_frame
from selfsown.quality import GateError
from selfsown.shards import write_product

LENGTHS = {"low": 3, "high": 30}
PARAMS = GateParams.model_validate({
    "triplets": {"rows": {"train": 6, "dev": 3, "test": 3}, "words": LENGTHS, "entailed": {"low": 0.4, "high": 0.6}},
    "prose": {"min_rows": 5, "words": LENGTHS, "characters": {"low": 10, "high": 200}, "ngram": 9},
    "ratings": {"min_rows": 5},
})  # fmt: skip
SPLITS = ["train"] * 9 + ["dev"] * 3 + ["test"] * 3


def triplets() -> pd.DataFrame:
    return pd.DataFrame([triplet(number, split) for number, split in enumerate(SPLITS)])


def ratings() -> pd.DataFrame:
    return pd.DataFrame([rating(number) for number in range(8)])


def prose() -> pd.DataFrame:
    rows = [{"text": sentence(number, "Here"), "source": "made", "language": "en"} for number in range(100, 110)]
    return pd.DataFrame(rows).assign(id=[f"p{place}" for place in range(len(rows))])


def test_sound_products_pass_and_are_counted(tmp_path: Path) -> None:
    write_triplets(tmp_path / "triplets", triplets().to_dict("records"))
    write_ratings(tmp_path / "ratings", ratings().to_dict("records"))
    table = pa.Table.from_pylist(prose().to_dict("records"), PROSE)
    write_product(tmp_path / "prose", [table], schema=PROSE, card=CARD)
    inputs = {name: tmp_path / name for name in ("triplets", "prose", "ratings")}
    found = gate(PARAMS, report=tmp_path / "report", **inputs)
    assert found == {
        "triplets_train": 9, "triplets_dev": 3, "triplets_test": 3, "groups_train": 3, "groups_dev": 1,
        "groups_test": 1, "ratings_lee": 8, "prose": 10, "entailed_share": 0.5,
    }  # fmt: skip
    assert (tmp_path / "report/index.html").is_file()


def spoilt(column: str, row: int, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[row, column] = value
        return frame

    return change


def added(**changes: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    """The eighth training row again, changed."""
    return lambda frame: pd.concat([frame, frame[7:8].assign(**changes)], ignore_index=True)


DEV, TEST = 9, 12  # numbers of the first triplets there

FAULTS: dict[str, list[tuple[Callable[[pd.DataFrame], pd.DataFrame], str]]] = {
    "triplets": [
        (spoilt("entailment", 0, sentence(TEST, "One")), "held_out='test: one"),
        (spoilt("premise", 1, sentence(DEV, "The").upper()), "held_out='dev: the"),
        (spoilt("contradiction", DEV, sentence(TEST, "No")), "held_out='test: no"),
        (spoilt("premise", DEV + 1, sentence(5001)), "held_out='ratings: it"),
        (spoilt("group", 2, f"g{TEST // 3}"), "torn='test and train'"),
        (spoilt("entailment", 3, sentence(3, "The")), "same='premise and entailment'"),
        (spoilt("entailment", 4, "Two words"), "entailment_words=2"),
        (added(id="again"), "a triplet stands once"),
        (added(id="x", entailment="A b c", contradiction=sentence(7, "One")), "must not both entail and contradict"),
        *((added(id=f"x{n}", entailment=sentence(n)), "balance of the two labels") for n in range(20, 40)),
        (lambda frame: frame.drop(TEST + 2), "too few rows: split 'test'"),
    ],
    "prose": [
        (spoilt("text", 0, sentence(TEST, "One")), "held_out='the same'"),
        (spoilt("text", 1, f"They say so. {sentence(5001)}"), "held_out='held out: 9 words of an evaluation text"),
        (spoilt("text", 2, sentence(103, "HERE")), "column form: a sentence stands once"),
        (spoilt("text", 4, "Two words"), "words=2"),
    ],
    "ratings": [
        (spoilt("score", 0, 4.5), "score=4.5"),
        (lambda frame: frame[:4], "too few pairs of a set"),
    ],
}


@pytest.mark.parametrize("product", FAULTS)
def test_each_fault_is_named(product: str, tmp_path: Path) -> None:
    made = {"triplets": triplets(), "prose": prose(), "ratings": ratings()}
    for change, _ in FAULTS[product]:
        made[product] = change(made[product])
    labelled = triplet_frame(made["triplets"].reset_index(drop=True), made["ratings"])
    frames = {
        "triplets": {"triplets": labelled, "claims": claim_frame(labelled)},
        "prose": {"prose": prose_frame(made["prose"], labelled, made["ratings"], PARAMS.prose.ngram)},
        "ratings": {"ratings": rating_frame(made["ratings"])},
    }[product]
    limits = {"claims": PARAMS.triplets}
    suite = {name: getattr(suites, name)(limits.get(name) or getattr(PARAMS, name)) for name in frames}
    with pytest.raises(GateError) as caught:
        quality.check(frames, suite, tmp_path / "report")
    assert [said for _, said in FAULTS[product] if said not in str(caught.value)] == [], str(caught.value)
