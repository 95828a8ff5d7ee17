"""A question with its numbers masked, and a rationale as a program over them.

A rationale says values, not names: where a value is both an earlier result and a number of the question, a result that
no later step has used yet is meant, then a number that is not used yet. Half of what a question calls `50%` is written
as `number / 100`.
"""

from __future__ import annotations

import re
from collections import defaultdict, deque
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from fractions import Fraction

from selfsown.arithmetic import (
    Constant,
    Expression,
    Number,
    Operation,
    Refused,
    evaluate,
    find_annotations,
    parse_decimal,
    print_prefix,
    print_value,
    walk,
)
from selfsown.arithmetic.calculations import PERCENT, plain_calculation, stated_values
from selfsown.arithmetic.expression import MAX_DIGITS
from selfsown.arithmetic.notations import read_infix

# no backtracking into a number: in "3pm" and "1.5x" there is none
_NUMBER = re.compile(r"(?<![\w.])(?P<value>(?>(?:[0-9]{1,3}(?:,[0-9]{3})+(?![0-9])|[0-9]+)(?:\.[0-9]+)?))(?![^\W_])")
_PERCENT = re.compile(r"\s?%")
_WORD = re.compile(r"number[0-9]+|\w+(?:['’-]\w+)*|[^\w\s]")
_MASK = re.compile(r"number[0-9]")


@dataclass(frozen=True)
class Masked:
    """A question as `PROBLEM` has it; `percentages` are the places of numbers with a `%` behind them."""

    text: str
    numbers: tuple[str, ...]
    percentages: frozenset[int] = frozenset()


def mask(question: str) -> Masked:
    """The question's words, parted by spaces, with `number0`, `number1`, ... for its numbers.

    What is part of a word (`3rd`) is no number. A question that says `number0` itself, or a number of endless digits,
    has none that can be told.
    """
    if _MASK.search(question) or any(len(found[0]) > MAX_DIGITS for found in _NUMBER.finditer(question)):
        return Masked("", ())
    numbers: list[str] = []
    percentages: set[int] = set()
    parts: list[str] = []
    end = 0
    for found in _NUMBER.finditer(question):
        if _PERCENT.match(question, found.end()):
            percentages.add(len(numbers))
        parts.append(f"{question[end : found.start()]} number{len(numbers)} ")
        numbers.append(print_value(parse_decimal(found["value"].replace(",", ""))))
        end = found.end()
    text = " ".join(_WORD.findall("".join(parts) + question[end:]))
    return Masked(text, tuple(numbers), frozenset(percentages))


def program(rationale: str, masked: Masked, answer: Fraction, constants: Collection[Fraction]) -> str:
    """The prefix expression that the rationale's annotations are over the question's numbers.

    Empty where there is none: no annotation, a value from nowhere (neither said before nor in `constants`), no number
    of the question, another result than the answer, or one too large.
    """
    numbers = [parse_decimal(number) for number in masked.numbers]
    values = _Values(numbers, masked.percentages, constants)
    last: Expression | None = None
    try:
        for annotation in find_annotations(rationale):
            last = read_infix(plain_calculation(annotation.calculation), values.operand)
            values.add(_meant(annotation.stated, evaluate(last, numbers)), last)
        if last is None or not any(isinstance(part, Number) for part in walk(last)):
            return ""
        return print_prefix(last) if evaluate(last, numbers) == answer else ""
    except Refused:
        return ""


def _meant(stated: str, value: Fraction) -> Fraction:
    """What is stated, as later steps will say it: of `50%` whichever of 50 and a half is nearer to what it comes to."""
    return min((each.value for each in stated_values(stated)), key=lambda each: abs(each - value))


class _Values:
    """What a value in a rationale stands for."""

    def __init__(self, numbers: Sequence[Fraction], percentages: Collection[int], constants: Collection[Fraction]):
        self._numbers, self._percentages, self._constants = numbers, percentages, constants
        self._unused = set(range(len(numbers)))
        self._results: dict[Fraction, Expression] = {}
        self._waiting: defaultdict[Fraction, deque[Expression]] = defaultdict(deque)

    def add(self, stated: Fraction, result: Expression) -> None:
        """A step's result, which later ones may use."""
        self._results[stated] = result
        self._waiting[stated].append(result)

    def operand(self, word: str) -> Expression:
        """What a word of a calculation stands for.

        Raises:
            Refused: no number, or a value from nowhere.
        """
        if word == PERCENT:
            return Constant(Fraction(100))
        value = parse_decimal(word)
        if self._waiting[value]:
            return self._waiting[value].popleft()
        places = [index for index, number in enumerate(self._numbers) if number == value]
        fresh = next((index for index in places if index in self._unused), None)
        if fresh is not None:
            self._unused.discard(fresh)
            return Number(fresh)
        if value in self._results:
            return self._results[value]
        if places:
            return Number(places[0])
        for index in sorted(self._percentages):
            if self._numbers[index] == value * 100:
                return Operation("/", Number(index), Constant(Fraction(100)))
        if value in self._constants:
            return Constant(value)
        raise Refused(f"value from nowhere: {word}")
