"""What readers of rationales yield: a problem with its answer and, where its source has one, how it comes about."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Literal

SPLITS = ("labelled", "pool", "dev", "test", "unseen")
"""What a problem may be for; `selfsown.reasoning.rationale` says of each."""

Split = Literal["labelled", "pool", "dev", "test", "unseen"]


@dataclass(frozen=True)
class Worked:
    """A problem as its source has it; `reason` says why it is dropped, if it is.

    Attributes:
        rationale: in the native form, its last line `#### <answer>`; empty where the source has none.
        masked, numbers, equation: where the source itself states the problem's program.
        group: a template, where the source has templates.
        split: where the source has splits.
    """

    id: str
    source: str
    question: str = ""
    rationale: str = ""
    answer: Fraction = Fraction(0)
    masked: str = ""
    numbers: tuple[str, ...] = ()
    equation: str = ""
    group: str = ""
    split: str = ""
    reason: str = ""
