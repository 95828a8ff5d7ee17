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
SPLITS = ["train"] * 6 + ["dev"] * 3 + ["test"] * 3


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
        "triplets_train": 6, "triplets_dev": 3, "triplets_test": 3, "groups_train": 2, "groups_dev": 1,
        "groups_test": 1, "ratings_lee": 8, "prose": 10, "entailed_share": 0.5,
    }  # fmt: skip
    assert (tmp_path / "report/index.html").is_file()


def spoilt(column: str, row: int, value: Any) -> Callable[[pd.DataFrame], pd.DataFrame]:
    def change(frame: pd.DataFrame) -> pd.DataFrame:
        frame.loc[row, column] = value
        return frame

    return change


FAULTS: list[tuple[str, Callable[[pd.DataFrame], pd.DataFrame], str]] = [
    ("triplets", spoilt("entailment", 0, sentence(9, "One")), "column held_out: no sentence that is measured on"),
    ("triplets", spoilt("premise", 0, sentence(6, "The").upper()), "held_out='dev: the"),
    ("triplets", spoilt("contradiction", 6, sentence(9, "No")), "held_out='test: no"),
    ("triplets", spoilt("premise", 6, sentence(5001)), "held_out='ratings: it"),
    ("triplets", spoilt("group", 0, "g3"), "torn='test and train'"),
    ("triplets", spoilt("entailment", 0, sentence(0, "The")), "same='premise and entailment'"),
    ("triplets", spoilt("entailment", 0, "Two words"), "entailment_words=2"),
    ("triplets", lambda frame: pd.concat([frame, frame[:1].assign(id="again")]), "a triplet stands once"),
    ("triplets", lambda frame: frame[:-1], "too few rows: split 'test'"),
    (
        "triplets",
        lambda frame: pd.concat([
            frame, frame[:1].assign(id="x", contradiction=frame["entailment"][0], entailment="A b c")
        ]),
        "a premise must not both entail and contradict a claim",
    ),
    (
        "triplets",
        lambda frame: pd.concat([
            frame, *(frame[:1].assign(id=f"x{n}", entailment=sentence(n)) for n in range(20, 29))
        ]),
        "column entailed: balance of the two labels",
    ),
    ("prose", spoilt("text", 0, sentence(9, "One")), "held_out='the same'"),
    ("prose", spoilt("text", 0, f"They say so. {sentence(5001)}"), "held_out='held out: 9 words of an evaluation text"),
    ("prose", spoilt("text", 0, sentence(101, "HERE")), "column form: a sentence stands once"),
    ("prose", spoilt("text", 0, "Two words"), "length of a sentence"),
    ("ratings", spoilt("score", 0, 4.5), "score=4.5"),
    ("ratings", spoilt("right", 0, sentence(5000)), "a text must not be rated with itself"),
    ("ratings", lambda frame: frame[:4], "too few pairs of a set"),
]  # fmt: skip


@pytest.mark.parametrize(("product", "change", "said"), FAULTS)
def test_each_fault_is_named(
    product: str, change: Callable[[pd.DataFrame], pd.DataFrame], said: str, tmp_path: Path
) -> None:
    made = {"triplets": triplets(), "prose": prose(), "ratings": ratings()}
    made[product] = change(made[product]).reset_index(drop=True)
    labelled = triplet_frame(made["triplets"], made["ratings"])
    frames = {
        "triplets": {"triplets": labelled, "claims": claim_frame(labelled)},
        "prose": {"prose": prose_frame(made["prose"], labelled, made["ratings"], PARAMS.prose.ngram)},
        "ratings": {"ratings": rating_frame(made["ratings"])},
    }[product]
    limits = {"claims": PARAMS.triplets}
    suite = {name: getattr(suites, name)(limits.get(name) or getattr(PARAMS, name)) for name in frames}
    with pytest.raises(GateError) as caught:
        quality.check(frames, suite, tmp_path / "report")
    assert said in str(caught.value), str(caught.value)
