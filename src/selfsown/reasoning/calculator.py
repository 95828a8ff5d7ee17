"""The calculator that a model leans on while it writes a rationale: exact values, written as GSM8K writes them.

    Natalia sold 48/2 = <<48/2=          the calculator goes on with   24>>
    Natalia sold 48/2 = [ 48 / 2 =       the calculator goes on with   ` 24]`

What a model writes is hostile text: it is read by the grammar of this package, in bounded time, and never executed.
"""

from __future__ import annotations

import re
from fractions import Fraction

from selfsown.arithmetic.calculations import PERCENT, plain_calculation
from selfsown.arithmetic.expression import Constant, Expression, Refused, evaluate, parse_decimal, print_value
from selfsown.arithmetic.notations import read_infix

MAX_CALCULATION = 256
"""Characters; the longest of GSM8K's 23,716 has 30."""
MAX_RESULT = 32
"""Characters; the longest of GSM8K's has 10."""
EXACT_PLACES = 6
"""Decimals of a result that is written out; GSM8K's are all exact, with at most three."""
ROUNDED_PLACES = 2
"""Decimals of any other, as in the paper's code (DPO-ST, arXiv 2407.18248)."""

_BARE_POINT = re.compile(r"(?<![0-9.])\.[0-9]")
_ZERO_POINT = re.compile(r"(?<![0-9.])0\.[0-9]")
_ROUND_CENTS = re.compile(r"\.[0-9]0(?![0-9])")


def calculate(text: str) -> str | None:
    """The value of a calculation, exact, as GSM8K writes it; None where it cannot be read, or is too long.

    `.5`, `$`, commas between thousands, percents (`20%` is 20/100), and `x`, `×` and `÷` as signs are read.

    A result looks like its operands: `.25` where they have no zero before the point, `4.50` where one of them names
    cents like `1.50`. One whose decimals do not end soon is rounded.

    >>> calculate("48/2"), calculate("1,200 x 20%"), calculate("10/3"), calculate("3*1.50"), calculate("3/0")
    ('24', '240', '3.33', '4.50', None)
    """
    if len(text) > MAX_CALCULATION:
        return None
    plain = plain_calculation(text)
    try:
        value = evaluate(read_infix(plain.replace("//", "/"), _operand))
    except Refused:
        return None
    if "//" in plain and value.denominator != 1:  # who writes it means a whole number; which one, is not said
        return None
    return _written(value, plain)


def _operand(word: str) -> Expression:
    return Constant(Fraction(100) if word == PERCENT else parse_decimal(word))


def _written(value: Fraction, calculation: str) -> str | None:
    text = print_value(value)
    if "/" in text or len(text.partition(".")[2]) > EXACT_PLACES:
        text = print_value(_rounded(value))
    if _BARE_POINT.search(calculation) and not _ZERO_POINT.search(calculation):
        text = re.sub(r"^(-?)0\.", r"\1.", text)
    if len(text.partition(".")[2]) == 1 and _ROUND_CENTS.search(calculation):
        text += "0"
    return text if len(text) <= MAX_RESULT else None


def _rounded(value: Fraction) -> Fraction:
    """To the usual decimals, or as many more as it takes not to make nothing of something."""
    places = ROUNDED_PLACES
    while abs(value) * 10**places < 1 and places < MAX_RESULT:
        places += 1
    return Fraction(round(value * 10**places), 10**places)


class Calculator:
    """What the calculator knows of one text while it is written: whether a calculation is open, and what it says.

    Both forms of annotation are read. The newest `<<` or `[` counts; what is never closed, or too long, is dropped.
    """

    __slots__ = ("_closing", "_half", "_said")

    def __init__(self) -> None:
        self._closing: str | None = None
        self._said: list[str] = []
        self._half = False

    @property
    def listening(self) -> bool:
        """Whether a calculation is open, or half of its sign is there."""
        return self._half or self._closing is not None

    def feed(self, piece: str) -> str | None:
        """Take the next piece of the text, and say what must follow it: a result and its closing sign.

        Takes time in proportion to the piece. Where the piece itself begins the result, the rest of it follows; where
        it says another, nothing does.
        """
        if not self.listening and "<" not in piece and "[" not in piece:
            return None
        due: str | None = None
        for sign in piece:
            if due is not None:
                due = due[1:] if due.startswith(sign) else None
            if sign == "[" or (sign == "<" and self._half):
                self._closing, self._said = ("]" if sign == "[" else ">>"), []
            elif self._closing is not None:
                if sign == "=":
                    due = self._result()
                if sign in ("=", "\n", self._closing[0]) or len(self._said) == MAX_CALCULATION:
                    self._closing = None
                else:
                    self._said.append(sign)
            self._half = sign == "<"
        return due or None

    def _result(self) -> str | None:
        result = calculate("".join(self._said))
        spaced = " " if self._said and self._said[-1] == " " else ""
        return None if result is None else f"{spaced}{result}{self._closing}"
