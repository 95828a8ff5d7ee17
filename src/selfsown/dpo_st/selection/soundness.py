"""Whether the calculations in a rationale come out: a right answer may stand at the end of wrong steps."""

from __future__ import annotations

from fractions import Fraction

from selfsown.arithmetic import Refused, find_annotations, parse_value
from selfsown.arithmetic.calculations import stated_values
from selfsown.reasoning.calculator import calculate

ROUNDED = Fraction(1, 100)
"""How far a stated result may be from the calculator's, which writes two decimals where more do not end."""


def annotation_fault(rationale: str) -> str | None:
    """What is wrong with the first annotation that does not come out; None where all do.

    >>> annotation_fault("48/2 = <<48/2=24>>24"), annotation_fault("48/2 = <<48/2=25>>25")
    (None, '48/2 is 24, stated is 25')
    """
    try:
        annotations = find_annotations(rationale)
    except Refused as refused:
        return refused.reason
    for annotation in annotations:
        result = calculate(annotation.calculation)
        if result is None:
            return f"{annotation.calculation!r} cannot be worked out"
        try:
            off = min(abs(parse_value(result) - stated.value) for stated in stated_values(annotation.stated))
        except Refused:
            return f"{annotation.calculation} is {result}, stated is no number"
        if off >= ROUNDED:
            return f"{annotation.calculation} is {result}, stated is {annotation.stated}"
    return None
