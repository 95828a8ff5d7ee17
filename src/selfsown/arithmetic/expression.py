"""An arithmetic expression over the numbers of a question, its exact value, and the bounds of both.

Texts that models write are read by the parsers beside this file and evaluated here; nothing is ever executed.
Whatever cannot be read or is too large is `Refused`, before the work it would take: texts are bounded in characters
and tokens, numbers in digits, expressions in depth and size by construction, so no value of this type can make a
walk over it, or its evaluation, expensive.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import ClassVar, Literal, TypeAlias

MAX_CHARACTERS = 8192
MAX_TOKENS = 1024
MAX_DIGITS = 64
"""Of a number as written, and of numerator and denominator of every value on the way."""

MAX_DEPTH = 48
MAX_SIZE = 127
"""Operations and operands of one expression; 127 are 64 operands."""

Operator = Literal["+", "-", "*", "/"]
OPERATORS: tuple[Operator, ...] = ("+", "-", "*", "/")

_DECIMAL = re.compile(r"-?(?:[0-9]+(?:\.[0-9]+)?|\.[0-9]+)")
_NUMBER = re.compile(r"number(0|[1-9][0-9]{0,2})")
_BOUND = 10**MAX_DIGITS


class Refused(ValueError):
    """An expression that cannot be read, is too large, or has no value; `reason` says which and where."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Number:
    """The quantity `number<index>` of the question."""

    index: int
    depth: ClassVar[int] = 0
    size: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class Constant:
    """A number that the question does not state, such as the 100 of a percentage."""

    value: Fraction
    depth: ClassVar[int] = 0
    size: ClassVar[int] = 1


@dataclass(frozen=True, slots=True)
class Operation:
    """Two operands under one operator.

    Raises:
        Refused: deeper than `MAX_DEPTH` or larger than `MAX_SIZE`.
    """

    op: Operator
    left: Expression
    right: Expression
    depth: int = field(init=False, compare=False, repr=False)
    size: int = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        depth = 1 + max(self.left.depth, self.right.depth)
        size = 1 + self.left.size + self.right.size
        if depth > MAX_DEPTH:
            raise Refused(f"nested deeper than {MAX_DEPTH}")
        if size > MAX_SIZE:
            raise Refused(f"more than {MAX_SIZE} operators and operands")
        object.__setattr__(self, "depth", depth)
        object.__setattr__(self, "size", size)


Expression: TypeAlias = Number | Constant | Operation


def evaluate(expression: Expression, numbers: Sequence[Fraction] = ()) -> Fraction:
    """The exact value, `numbers[i]` standing for `number<i>`.

    Raises:
        Refused: division by zero, a number that is not there, a value of more than `MAX_DIGITS` digits.
    """
    if isinstance(expression, Number):
        if not 0 <= expression.index < len(numbers):
            raise Refused(f"there is no number{expression.index}: the question has {len(numbers)}")
        return numbers[expression.index]
    if isinstance(expression, Constant):
        return expression.value
    return _bounded(apply(expression.op, evaluate(expression.left, numbers), evaluate(expression.right, numbers)))


def apply(op: Operator, left: Fraction, right: Fraction) -> Fraction:
    """One operation, exact.

    Raises:
        Refused: division by zero.
    """
    if op == "+":
        return left + right
    if op == "-":
        return left - right
    if op == "*":
        return left * right
    if right == 0:
        raise Refused("division by zero")
    return left / right


def operators(expression: Expression) -> str:
    """The operators in prefix order, such as `-+` for `- + number0 number1 number2`."""
    return "".join(part.op for part in walk(expression) if isinstance(part, Operation))


def walk(expression: Expression) -> Iterator[Expression]:
    """The expression and its parts in prefix order."""
    stack = [expression]
    while stack:
        part = stack.pop()
        yield part
        if isinstance(part, Operation):
            stack += (part.right, part.left)


def canonical(expression: Expression) -> Expression:
    """The operands of + and * in a fixed order: equal results are the same expression up to commutation."""
    if not isinstance(expression, Operation):
        return expression
    left, right = canonical(expression.left), canonical(expression.right)
    if expression.op in "+*" and _order(right) < _order(left):
        left, right = right, left
    return Operation(expression.op, left, right)


def _order(expression: Expression) -> str:
    parts: list[str] = []
    for part in walk(expression):
        if isinstance(part, Operation):
            parts.append(part.op)
        else:
            parts.append(f"n{part.index:03d}" if isinstance(part, Number) else f"c{part.value}")
    return " ".join(parts)


def parse_decimal(text: str) -> Fraction:
    """A number as questions write it: digits, at most one point, a leading minus; `.5` too.

    Raises:
        Refused: anything else (exponents, separators, digits of other scripts), or more than `MAX_DIGITS` digits.
    """
    if len(text) > MAX_DIGITS + 2:  # a minus and a point
        raise Refused(f"a number of more than {MAX_DIGITS} digits: {shorten(text)}")
    if not _DECIMAL.fullmatch(text):
        raise Refused(f"not a number: {shorten(text)}")
    whole, _, decimals = text.partition(".")
    if len(whole.removeprefix("-")) + len(decimals) > MAX_DIGITS:
        raise Refused(f"a number of more than {MAX_DIGITS} digits: {shorten(text)}")
    return Fraction(int(whole + decimals), 10 ** len(decimals)) if decimals else Fraction(int(whole))


def parse_value(text: str) -> Fraction:
    """What `print_value` writes: a decimal, or a fraction such as `1/3`.

    Raises:
        Refused: as `parse_decimal`, or a denominator of zero.
    """
    numerator, slash, denominator = text.partition("/")
    if not slash:
        return parse_decimal(text)
    return apply("/", parse_decimal(numerator), parse_decimal(denominator))


def print_value(value: Fraction) -> str:
    """The value exactly, as a decimal where it has one of at most `MAX_DIGITS` digits, else as a fraction.

    >>> print_value(Fraction(5, 2)), print_value(Fraction(-7)), print_value(Fraction(1, 3))
    ('2.5', '-7', '1/3')
    """
    places = _decimal_places(value.denominator)
    if places is None:
        return str(value)
    scaled = str(abs(value.numerator) * (10**places // value.denominator)).rjust(places + 1, "0")
    if len(scaled) > MAX_DIGITS:
        return str(value)
    sign = "-" if value < 0 else ""
    return f"{sign}{scaled[:-places]}.{scaled[-places:]}" if places else f"{sign}{scaled}"


def _decimal_places(denominator: int) -> int | None:
    """How many decimals 1/denominator has; None when they do not end, or not within `MAX_DIGITS`."""
    if denominator == 1:
        return 0
    twos = (denominator & -denominator).bit_length() - 1
    rest, fives = denominator >> twos, 0
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    places = max(twos, fives)
    return places if rest == 1 and places <= MAX_DIGITS else None


def parse_leaf(token: str) -> Number | Constant:
    """`number<i>` or a decimal.

    Raises:
        Refused: neither.
    """
    if found := _NUMBER.fullmatch(token):
        return Number(int(found[1]))
    return Constant(parse_decimal(token))


def print_leaf(leaf: Number | Constant) -> str:
    """`number<i>`, or the constant as a decimal.

    Raises:
        Refused: a constant whose decimals do not end: no format here can write it.
    """
    if isinstance(leaf, Number):
        return f"number{leaf.index}"
    return print_decimal(leaf.value)


def print_decimal(value: Fraction) -> str:
    """`print_value` for values that are decimals.

    Raises:
        Refused: the decimals do not end.
    """
    text = print_value(value)
    if "/" in text:
        raise Refused(f"{text} has no decimals that end within {MAX_DIGITS} digits")
    return text


def as_operator(token: str) -> Operator:
    """The token as an operator.

    Raises:
        Refused: it is none.
    """
    if token not in OPERATORS:
        raise Refused(f"not an operator: {shorten(token)}")
    return token


def tokens(text: str) -> list[str]:
    """The words of a text, bounded.

    Raises:
        Refused: no word, or too many, or too long a text.
    """
    check_length(text)
    words = text.split(maxsplit=MAX_TOKENS)
    if not words:
        raise Refused("an empty text")
    if len(words) > MAX_TOKENS:
        raise Refused(f"more than {MAX_TOKENS} tokens")
    return words


def check_length(text: str) -> None:
    """Refuse a text of more than `MAX_CHARACTERS` before anything looks at it.

    Raises:
        Refused: it is longer.
    """
    if len(text) > MAX_CHARACTERS:
        raise Refused(f"{len(text)} characters, allowed are {MAX_CHARACTERS}")


def shorten(text: str) -> str:
    """The text as an error message shows it."""
    return repr(text if len(text) <= 40 else f"{text[:37]}...")


def _bounded(value: Fraction) -> Fraction:
    if abs(value.numerator) >= _BOUND or value.denominator >= _BOUND:
        raise Refused(f"a value of more than {MAX_DIGITS} digits")
    return value
