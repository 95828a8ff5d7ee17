"""The toy's quality control: nothing is trained on words unless every expectation over them holds."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from selfsown import quality
from selfsown.params import Range
from selfsown.products import read_product
from selfsown.quality.expectations import between, count_rows, one_of
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.toy.languages.words import LETTERS, SPLITS

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation


class GateParams(StageParams):
    """Section `toy.gate`: thresholds."""

    min_rows: int = Field(ge=1)
    letters: Range


@stage()
def gate(params: GateParams, *, words: In, report: Out) -> Metrics:
    """Check the words.

    Raises:
        GateError: an expectation failed; `report` says which, and shows rows.
    """
    rows = read_product(words).to_pandas()
    rows["letters"] = rows["word"].str.len()
    quality.check({"words": rows}, {"words": suite(params)}, report)
    return {f"words_{split}": int(count) for split, count in rows["split"].value_counts().items()}


def suite(params: GateParams) -> list[Expectation]:
    """Enough words, of known languages and splits, as long as they should be."""
    return [
        count_rows(params.min_rows, "words"),
        *one_of("language", tuple(LETTERS)),
        *one_of("split", SPLITS),
        *between("letters", params.letters.low, params.letters.high, "a word is too short or too long"),
    ]
