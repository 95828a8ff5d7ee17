"""Pseudo-labels of a question: its right rationales, as many different ones as most questions have (step 2b)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from pydantic import Field

from selfsown.dpo_st.selection.samples import NEAR, Question, Reasons, Rules, right_texts, why_wrong
from selfsown.dpo_st.selection.similarity import TokenSets, distinct

OVER_CAP = "over the cap"


class LabelRules(Rules):
    """Which right rationales become labels."""

    percentile: float | None = Field(
        ge=0, le=100, description="a question has at most as many as this share of the questions has; null: no cap"
    )


def solutions(question: Question, tokens: TokenSets, rules: LabelRules) -> tuple[list[str], Reasons]:
    """The different right rationales of a question in their order, and why its other texts are not among them."""
    right, reasons = right_texts(question, rules)
    kept, near = distinct(right, tokens, rules.near_duplicate)
    wrong = {sample.text: why_wrong(sample.text) for sample in question.samples if not sample.correct}
    return kept, reasons | dict.fromkeys(near, NEAR) | wrong


def solution_cap(counts: Sequence[int], percentile: float | None) -> int | None:
    """How many solutions a question may have: a percentile, cut to a whole number, of how many it has where it has any.

    >>> solution_cap([1, 1, 2, 9], 90), solution_cap([1, 1, 2, 9], None)
    (6, None)
    """
    counted = [count for count in counts if count]
    if percentile is None or not counted:
        return None
    return max(1, int(np.percentile(counted, percentile)))
