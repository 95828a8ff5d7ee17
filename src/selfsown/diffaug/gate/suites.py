"""What must hold of the sentences before anything is trained on them; the thresholds come from `params.yaml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from selfsown.diffaug.gate.frames import SENTENCES
from selfsown.params import Params, Range
from selfsown.quality.expectations import absent, between, count_rows, expect, filled, one_of, unique, where

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

SPLITS = ("train", "dev", "test")


class TripletLimits(Params):
    """Thresholds of the triplets; `rows`: fewest on each split."""

    rows: dict[str, int]
    words: Range = Field(description="of each sentence")
    entailed: Range = Field(description="share of the different claims that their premise entails")


class ProseLimits(Params):
    """Thresholds of the prose; `ngram`: so many words in a row of an evaluation text give it away."""

    min_rows: int = Field(ge=1)
    words: Range
    characters: Range
    ngram: int = Field(ge=3)


class RatingLimits(Params):
    """Thresholds of the ratings; `min_rows`: of each set."""

    min_rows: int = Field(ge=3)


def triplets(limits: TripletLimits) -> list[Expectation]:
    """Of `triplet_frame`."""
    return [
        *unique("id"),
        *one_of("split", SPLITS),
        *(count_rows(fewest, f"split {split!r}", where("split") == split) for split, fewest in limits.rows.items()),
        *filled("group"),
        absent("torn", "a group must be on one split"),
        absent("held_out", "no sentence that is measured on may be learnt from"),
        absent("same", "the three sentences must differ"),
        *(
            expectation
            for name in SENTENCES
            for expectation in between(f"{name}_words", limits.words.low, limits.words.high, f"length of the {name}")
        ),
        _once(*(f"{name}_form" for name in SENTENCES)),
    ]


def claims(limits: TripletLimits) -> list[Expectation]:
    """Of `claim_frame`."""
    return [
        absent("other_label", "a premise must not both entail and contradict a claim"),
        expect(
            "ColumnMeanToBeBetween",
            column="entailed",
            min_value=limits.entailed.low,
            max_value=limits.entailed.high,
            notes="balance of the two labels",
        ),
    ]


def prose(limits: ProseLimits) -> list[Expectation]:
    """Of `prose_frame`."""
    return [
        count_rows(limits.min_rows, "the product"),
        *unique("id"),
        *unique("form", "a sentence stands once"),
        *filled("source"),
        *between("words", limits.words.low, limits.words.high, "length of a sentence"),
        *between("characters", limits.characters.low, limits.characters.high, "length of a sentence"),
        absent("held_out", "no sentence that is measured on may be learnt from"),
    ]


def ratings(limits: RatingLimits) -> list[Expectation]:
    """Of `rating_frame`."""
    return [
        *unique("id"),
        *between("score", 0, 1, "a similarity"),
        *between("set_rows", limits.min_rows, None, "too few pairs of a set"),
        *filled("group"),
    ]


def _once(*columns: str) -> Expectation:
    return expect("CompoundColumnsToBeUnique", column_list=list(columns), notes="a triplet stands once")
