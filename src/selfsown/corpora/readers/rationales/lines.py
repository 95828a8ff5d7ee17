"""Calculator annotations for reasoning that people wrote: `40 pens / 8 pens/box = 5 boxes` has one computed value.

A line is cut into tokens. Before each `=` the longest run of tokens is sought that is a calculation; words between its
numbers are their units. The calculation is executed and must give exactly what stands after the `=`, where the
annotation is put:

    40 pens / 8 pens/box = <<40/8=5>>5 boxes

A `%` after a number divides it by 100 where the line is right only so. A line that only repeats a number (`8 = 8`) or
names one (`Sarah = 404 points`) computes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Literal

from selfsown.arithmetic import Refused, evaluate, parse_decimal, parse_infix, print_value
from selfsown.examples import examples

_TOKEN = re.compile(
    r"(?P<bullet>^\s*(?:[-•*]|[0-9]+[.)])\s)"
    r"|(?P<currency>[$€£¥])"
    r"|(?P<number>(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)(?P<percent>\s?%)?"
    r"|(?P<unit>(?<=[0-9])[-/](?=[^\W\d_]))"
    r"|(?P<times>[xX](?![^\W_]))"
    r"|(?P<word>[^\W\d_]+(?:['’/-][^\W\d_]+)*)"
    r"|(?P<operator>[-+*/×÷−–])"
    r"|(?P<bracket>[()])"
    r"|(?P<equals>=)"
    r"|(?P<other>\S)"
)
_WHOLE = re.compile(r"(?<![0-9.])([0-9][0-9,]*)\.0+(?![0-9])")
_SIGNS = {"×": "*", "÷": "/", "−": "-", "–": "-", "x": "*", "X": "*"}

_BEFORE, _BEHIND = 50, 30  # characters of a line that the reason of a refusal shows around an `=`

Kind = Literal["number", "operator", "bracket", "equals", "word", "other"]


@dataclass(frozen=True)
class _Token:
    """`text` is what an annotation writes of it; `start` is where in the line it stands, its currency before it."""

    kind: Kind
    text: str
    start: int
    percent: bool = False


@examples(
    ("So 40 pens / 8 pens/box = 5 boxes.", "So 40 pens / 8 pens/box = <<40/8=5>>5 boxes."),
    ("$1,000 x 5% = $50.00", "$1,000 x 5% = $<<1000*5/100=50>>50"),
    ("2(11 + 4) = 30 and 30 - 1 = 29", "2(11 + 4) = <<2*(11+4)=30>>30 and 30 - 1 = <<30-1=29>>29"),
    ("8 = 8", "8 = 8"),
    ("Sarah = 404 points", "Sarah = 404 points"),
)
def annotate(line: str) -> str:
    """The line with an annotation for each value that it computes; whole numbers lose their `.0`.

    Raises:
        Refused: a calculation cannot be read, or gives another value than the line says.
    """
    line = _WHOLE.sub(r"\1", line)
    tokens = list(_tokens(line))
    places = [index for index, token in enumerate(tokens) if token.kind == "equals"]
    added: list[tuple[int, str]] = []
    bounds = [-1, *places, len(tokens)]
    for before, place, after in zip(bounds, bounds[1:], bounds[2:], strict=False):
        shown = _shown(line, tokens[place].start)
        calculation, following = _calculation(tokens[before + 1 : place], shown), tokens[place + 1 : after]
        goes_on = _parsed(following) if after < len(tokens) else []
        if calculation and _computes(goes_on):  # as in `5 * 4 = 18 + 2 = 20`
            _check_equal(calculation, goes_on, shown)
        elif _computes(calculation):
            added.append(_annotation(calculation, following, shown))
        elif calculation and following and following[0].kind == "number":
            _check_equal(calculation, following[:1], shown)
    for start, annotation in reversed(added):
        line = f"{line[:start]}{annotation}{line[start:]}"
    return line


def _tokens(line: str) -> Iterator[_Token]:
    for found in _TOKEN.finditer(line):
        kind, text, start = found.lastgroup, found[0], found.start()
        if kind in ("bullet", "currency"):
            continue
        if found["number"]:
            plain = print_value(parse_decimal(found["number"].replace(",", "")))
            yield _Token("number", plain, start, bool(found["percent"]))
        elif kind in ("operator", "times"):
            yield _Token("operator", _SIGNS.get(text, text), start)
        elif kind in ("unit", "word"):
            yield _Token("word", text, start)
        else:
            yield _Token("bracket" if kind == "bracket" else "equals" if kind == "equals" else "other", text, start)


def _calculation(tokens: Sequence[_Token], shown: str) -> list[_Token]:
    """The longest calculation, or a number alone, that ends these tokens; empty where there is none.

    Raises:
        Refused: an operator among the last words has no number on one of its sides.
    """
    for start, token in enumerate(tokens):
        opens = token.kind == "number" or token.text == "("
        if opens and (parsed := _parsed(tokens[start:])):
            if start and tokens[start - 1].kind == "operator":
                break
            return parsed
    last = max((index for index, token in enumerate(tokens) if token.kind == "other"), default=-1)
    if any(token.kind == "operator" for token in tokens[last + 1 :]):
        raise Refused(f"unreadable line: {shown}")
    return []


def _computes(calculation: Sequence[_Token]) -> bool:
    return any(token.kind == "operator" for token in calculation)


def _parsed(tokens: Sequence[_Token]) -> list[_Token]:
    """The numbers, operators and brackets of a calculation that is all of these tokens; empty where it is not one.

    A number before a bracket multiplies it. Brackets around a number alone are left out.
    """
    parts: list[_Token] = []
    depth, wants = 0, True
    for token, before in zip(tokens, [None, *tokens], strict=False):
        if wants and token.kind == "number":
            wants = False
        elif token.text == "(" and (wants or (before and before.kind == "number")):
            if not wants:
                parts.append(_Token("operator", "*", token.start))
            depth, wants = depth + 1, True
        elif not wants and token.text == ")" and depth:
            depth -= 1
        elif not wants and token.kind == "operator":
            wants = True
        elif not wants and token.kind == "word":
            continue
        else:
            return []
        parts.append(token)
        if [part.text for part in parts[-3::2]] == ["(", ")"]:
            parts[-3:] = parts[-2:-1]
    return [] if wants or depth else parts


def _check_equal(left: Sequence[_Token], right: Sequence[_Token], shown: str) -> None:
    """Both sides of an `=` that says no new value.

    Raises:
        Refused: they differ.
    """
    if evaluate(parse_infix(_written(left))) != evaluate(parse_infix(_written(right))):
        raise Refused(f"wrong line: {shown}: the two sides of an = differ")


def _annotation(calculation: Sequence[_Token], after: Sequence[_Token], shown: str) -> tuple[int, str]:
    """Where in the line the annotation stands, and the annotation.

    Raises:
        Refused: no value is stated, or another.
    """
    if not after or after[0].kind != "number" or (len(after) > 1 and after[1].kind == "operator"):
        raise Refused(f"unreadable line: {shown}")
    stated = after[0]
    for text in _readings(calculation, stated):
        if evaluate(parse_infix(text)) == Fraction(stated.text):
            return stated.start, f"<<{text}={stated.text}>>"
    value = print_value(evaluate(parse_infix(_written(calculation))))
    raise Refused(f"wrong line: {shown}: {_written(calculation)} is {value}")


def _readings(calculation: Sequence[_Token], stated: _Token) -> Iterator[str]:
    """What the calculation may mean: its numbers as they stand; percentages as hundredths; the result a percentage."""
    plain = _written(calculation)
    yield plain
    hundredths = _written(calculation, "/100")
    if hundredths != plain:
        yield hundredths
    if stated.percent:
        loose = any(part.text in "+-" for part in calculation if part.kind == "operator")
        yield f"({hundredths})*100" if loose else f"{hundredths}*100"


def _written(calculation: Sequence[_Token], percent: str = "") -> str:
    """As an annotation writes it; a percentage that is divided by stands in brackets."""
    parts = []
    for before, token in pairwise([None, *calculation]):
        text = f"{token.text}{percent if token.percent else ''}" if token else ""
        parts.append(f"({text})" if before and before.text == "/" and "/" in text else text)
    return "".join(parts)


def _shown(line: str, sign: int) -> str:
    """What stands around an `=`, for the reason of a refusal."""
    start, end = max(0, sign - _BEFORE), sign + _BEHIND
    return f"{'...' if start else ''}{line[start:end].strip()}{'...' if end < len(line) else ''}"
