"""What documents must be to be trained on, and the thresholds it takes from `params.yaml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from selfsown.params import Params, Range
from selfsown.quality.expectations import absent, between, count_rows, expect, filled, one_of, unique, where

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

SPLITS = ("train", "validation")
"""What a document may be for."""


class DocumentLimits(Params):
    """Thresholds of each collection."""

    min_rows: int = Field(ge=1)
    min_validation_rows: int = Field(ge=1)
    characters: Range = Field(description="of a document")
    validation: Range = Field(description="share of the documents on the split of that name")
    max_source_share: float = Field(gt=0, le=1, description="of a collection's characters")
    max_domain_share: float = Field(gt=0, le=1, description="of a collection's characters")


class PackedLimits(Params):
    """Thresholds of each packed product; `min_tokens`: of every document, its beginning and end token among them."""

    min_rows: int = Field(ge=1)
    min_tokens: int = Field(ge=3)


def packed(limits: PackedLimits) -> list[Expectation]:
    """One packed product: rows of `packed.packed_frames`."""
    return [
        count_rows(limits.min_rows, "the packed documents"),
        expect("CompoundColumnsToBeUnique", column_list=["id", "collection"], notes="a document must be packed once"),
        *one_of("split", SPLITS),
        *(count_rows(1, f"split {split!r}", where("split") == split) for split in SPLITS),
        *between("tokens", limits.min_tokens, None, "a document is too short"),
        absent("fault", "a document must be the text its id names, between the beginning and the end token"),
    ]


def documents(limits: DocumentLimits) -> list[Expectation]:
    """One collection: rows of `frames.document_frames`."""
    return [
        count_rows(limits.min_rows, "the collection"),
        *unique("id"),
        *filled("source"),
        *filled("domain"),
        *filled("licence"),
        *one_of("split", SPLITS),
        count_rows(limits.min_validation_rows, "split 'validation'", where("split") == "validation"),
        absent("fault", "a text must be whole: not empty, decoded as it was written, the one its id names"),
        absent("elsewhere", "a text must stand on one split of one collection: the validation would leak"),
        *between("characters", limits.characters.low, limits.characters.high, "a document is too short or too long"),
        expect(
            "ColumnMeanToBeBetween",
            column="validation",
            min_value=limits.validation.low,
            max_value=limits.validation.high,
            notes="share of documents that no model is trained on",
        ),
        *between("source_share", None, limits.max_source_share, "too much of the collection is from one source"),
        *between("domain_share", None, limits.max_domain_share, "too much of the collection is of one domain"),
    ]
