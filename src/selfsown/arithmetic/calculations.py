"""Calculations as people write them between the signs of an annotation, in the notation that `read_infix` reads.

`.5`, `$`, commas between thousands, percents, and `x`, `×` and `÷` as signs are read.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction

from selfsown.arithmetic.expression import parse_decimal
from selfsown.examples import examples

PERCENT = "percent"
"""What stands for the 100 that a percentage is divided by: it is no number of anybody's."""

_USUAL = re.compile(r"[0-9.+*/() -]*")
_SIGNS = str.maketrans({"×": "*", "·": "*", "÷": "/", "−": "-", "–": "-", "$": " ", "\t": " "})
_THOUSANDS = re.compile(r"(?<![0-9.,])[0-9]{1,3}(?:,[0-9]{3})+(?![0-9,])")
_PERCENT = re.compile(r"([0-9.]+) *%")
_TIMES = re.compile(r"(?<=[0-9.)]) *[xX] *(?=[0-9.(])")
_POINT_AT_THE_END = re.compile(r"(?<=[0-9])\.(?![0-9])")
_NEEDLESS_PLUS = re.compile(r"(^|[-+*/(]) *\+(?= *[0-9.(])")
_NEGATED_GROUP = re.compile(r"(^|\() *- *\(")


_UNSAID = str.maketrans("", "", ",$€£¥ ")


@dataclass(frozen=True, slots=True)
class Stated:
    """A value that a stated result may mean, and one in its last decimal."""

    value: Fraction
    unit: Fraction


def stated_values(text: str) -> list[Stated]:
    """What a stated result may mean, whatever currency, separators and needless point it has: `50%` is 50 or a half.

    Raises:
        Refused: no number.

    >>> [str(stated.value) for text in ("$1,024.", "66.7 %") for stated in stated_values(text)]
    ['1024', '667/10', '667/1000']
    """
    plain = text.translate(_UNSAID)
    number = plain.removesuffix("%").removesuffix(".")
    value, unit = parse_decimal(number), Fraction(1, 10 ** len(number.partition(".")[2]))
    return [Stated(value / parts, unit / parts) for parts in ((1, 100) if plain.endswith("%") else (1,))]


@examples(
    ("1,200 x $5", "1200*5"),
    ("20%*50", "(20/percent)*50"),
    ("-(3+4)÷2", "0-(3+4)/2"),
    ("5.*+2", "5*2"),
)
def plain_calculation(text: str) -> str:
    """The calculation in that notation, where it can be said in it."""
    if not _USUAL.fullmatch(text):
        text = _THOUSANDS.sub(lambda found: found[0].replace(",", ""), text.translate(_SIGNS))
        text = _TIMES.sub("*", _PERCENT.sub(rf"(\1/{PERCENT})", text))
    text = text.strip()
    if "." in text:
        text = _POINT_AT_THE_END.sub("", text)
    if "+" in text:
        text = _NEEDLESS_PLUS.sub(r"\1", text)
    return _NEGATED_GROUP.sub(r"\g<1>0-(", text) if "(" in text else text
