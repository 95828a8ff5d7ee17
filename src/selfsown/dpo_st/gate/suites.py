"""What must hold of pairs and labels before anything is trained on them; the thresholds come from `params.yaml`."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from selfsown.params import Params, Range
from selfsown.quality.expectations import absent, between, count_rows, expect, filled, one_of, where

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation


class Limits(Params):
    """Thresholds that pairs and labels have both."""

    min_rows: int = Field(ge=1)
    min_share: float = Field(ge=0, le=1, description="of the questions asked, those with a row")
    min_rationales: float = Field(ge=1, description="different rationales of a question with a row, on average")
    max_wrong_calculations: float = Field(ge=0, le=1, description="share of rationales with one that does not come out")


class PairLimits(Limits):
    """Thresholds of pairs."""

    min_eval_rows: int = Field(ge=0)
    chosen_tokens: Range
    rejected_tokens: Range


class LabelLimits(Limits):
    """Thresholds of labels."""

    tokens: Range


def pairs(limits: PairLimits) -> list[Expectation]:
    """Of `pair_frame`."""
    return [
        count_rows(limits.min_rows, "the product"),
        count_rows(limits.min_eval_rows, "split 'eval'", where("split") == "eval"),
        *one_of("split", ("train", "eval")),
        absent("chosen_fault", "a chosen rationale must end with the answer"),
        absent("rejected_fault", "a rejected rationale must not end with the answer"),
        *_calculations(limits),
        *between("chosen_tokens", limits.chosen_tokens.low, limits.chosen_tokens.high, "length of a chosen rationale"),
        *between(
            "rejected_tokens", limits.rejected_tokens.low, limits.rejected_tokens.high, "length of a rejected rationale"
        ),
        *between("similarity", 0, 1, "overlap of two sets"),
        *between("ref_chosen_logps", None, 0, "log-probability of a chosen rationale"),
        *between("ref_rejected_logps", None, 0, "log-probability of a rejected rationale"),
        _held_out(),
        absent("shared", "pairs of one question must be on one split: the eval pairs would not be new"),
        _once("id", "chosen", "rejected"),
    ]


def labels(limits: LabelLimits) -> list[Expectation]:
    """Of `label_frame`."""
    return [
        count_rows(limits.min_rows, "the product"),
        *filled("model"),
        absent("fault", "a label must end with the answer"),
        *_calculations(limits),
        *between("tokens", limits.tokens.low, limits.tokens.high, "length of a label"),
        _held_out(),
        _once("id", "rationale"),
    ]


def questions(limits: Limits) -> list[Expectation]:
    """Of `question_frame`."""
    return [
        _mean("learnt", limits.min_share, "too few of the questions have a row"),
        _mean("rationales", limits.min_rationales, "too few different rationales a question"),
    ]


def _calculations(limits: Limits) -> list[Expectation]:
    """All but the share allowed come out when they are worked out again."""
    notes, mostly = "calculations that are learnt must come out", 1 - limits.max_wrong_calculations
    return [expect("ColumnValuesToBeNull", column="wrong_calculation", mostly=mostly, notes=notes)]


def _held_out() -> Expectation:
    return absent("held_out", "no question of dev, test or unseen may be learnt from")


def _once(*columns: str) -> Expectation:
    return expect("CompoundColumnsToBeUnique", column_list=list(columns), notes="a row stands once")


def _mean(column: str, low: float, notes: str) -> Expectation:
    return expect("ColumnMeanToBeBetween", column=column, min_value=low, notes=notes)
