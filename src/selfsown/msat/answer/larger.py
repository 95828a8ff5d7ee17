"""The same problem with larger numbers: SVAMP (hard)'s transformation, for any set of problems.

That set asks SVAMP's questions with larger numbers where the equation needs them; a look at its first rows shows most
of two to five digits, dividends of up to seven. How they were drawn was not found out, so this draws by rules of its
own: the equation stays, its numbers are larger, the answer is recomputed.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from fractions import Fraction
from typing import Any

from selfsown.arithmetic import (
    Expression,
    Number,
    Operation,
    Refused,
    apply,
    evaluate,
    parse_decimal,
    parse_prefix,
    print_value,
    walk,
)

TRIALS = 200
"""Draws before a problem is given up: few products of two factors are divisible by 100, as a percentage may need."""

TERM_DIGITS = (3, 5)
"""Fewest and most digits of a number that is added, subtracted or a quotient, as in SVAMP (hard)'s first rows."""

FACTOR_DIGITS = (2, 3)
"""Of a number that is multiplied or divided by: the product of two larger ones is beyond what the set has."""


def harder(problem: Mapping[str, Any], rng: random.Random) -> dict[str, Any] | None:
    """The problem (a row of `PROBLEM`) with larger numbers in its equation, and the new answer.

    Numbers that the equation does not use, and constants, stay. None of the new numbers is smaller than the one it
    replaces, and one at least is larger. What was whole or positive on the way to the answer is so again, and the
    answer is positive.

    Returns:
        The new row, or None where no draw gives one: a share of a whole such as `1 - number0 / number1` cannot grow.
    """
    expression = parse_prefix(problem["equation"])
    old = [parse_decimal(number) for number in problem["numbers"]]
    used = sorted({part.index for part in walk(expression) if isinstance(part, Number)})
    for _ in range(TRIALS):
        draw = _Draw(rng, old)
        try:
            draw.value(expression, TERM_DIGITS)
            numbers = [draw.numbers.get(index, number) for index, number in enumerate(old)]
            answer = evaluate(expression, numbers)
            sound = _as_sound(expression, numbers, old)
        except Refused:
            continue
        grown = all(numbers[i] >= old[i] for i in used) and any(numbers[i] > old[i] for i in used)
        if grown and sound and answer > 0:
            return {**problem, "numbers": [print_value(number) for number in numbers], "answer": print_value(answer)}
    return None


def _as_sound(expression: Expression, numbers: list[Fraction], old: list[Fraction]) -> bool:
    """Whether every part of the equation is whole where it was, and positive where it was.

    Raises:
        Refused: the equation has no value over the old numbers.
    """
    for part in walk(expression):
        before, after = evaluate(part, old), evaluate(part, numbers)
        if (before.denominator == 1 and after.denominator != 1) or (before > 0 and after <= 0):
            return False
    return True


class _Draw:
    """Draws the numbers of an expression from its leaves up, so that differences are positive and quotients whole.

    That holds where one operand is a number drawn for the first time; other draws are left to chance.
    """

    def __init__(self, rng: random.Random, old: Sequence[Fraction]) -> None:
        self.numbers: dict[int, Fraction] = {}
        self._rng, self._old = rng, old

    def value(self, expression: Expression, digits: tuple[int, int]) -> Fraction:
        """The value of the expression; its numbers get as many digits as `digits` says, and more where they must.

        Raises:
            Refused: division by zero.
        """
        if not isinstance(expression, Operation):
            if isinstance(expression, Number) and expression.index < len(self._old):
                return self.numbers.setdefault(expression.index, self._drawn(digits, self._old[expression.index]))
            return evaluate(expression, self._old)
        op, left, right = expression.op, expression.left, expression.right
        below = FACTOR_DIGITS if op in "*/" else digits
        if op in "-/" and self._is_new(left):
            assert isinstance(left, Number)
            subtrahend = self.value(right, below)
            other = self._drawn(digits)
            # a number on both sides, as in x - x, was drawn on the right
            made = subtrahend * other if op == "/" else subtrahend + other
            return apply(op, self.numbers.setdefault(left.index, made), subtrahend)
        minuend = self.value(left, below)
        if op == "-" and self._is_new(right) and minuend > 1:
            assert isinstance(right, Number)
            most = max(1, int(minuend) - 1)
            self.numbers[right.index] = Fraction(self._rng.randint(min(most, int(self._old[right.index]) + 1), most))
        elif op == "/" and self._is_new(right) and minuend > 1 and minuend.denominator == 1:
            assert isinstance(right, Number)
            self.numbers[right.index] = Fraction(self._divisor(int(minuend)))
        return apply(op, minuend, self.value(right, below))

    def _is_new(self, part: Expression) -> bool:
        return isinstance(part, Number) and part.index < len(self._old) and part.index not in self.numbers

    def _drawn(self, digits: tuple[int, int], old: Fraction = Fraction(0)) -> Fraction:
        """A whole number of so many digits, or of one more than `old` if that would be less than `old`."""
        count = self._rng.randint(*digits)
        drawn = self._rng.randrange(10 ** (count - 1), 10**count)
        if drawn < old:
            count = len(str(int(old))) + 1
            drawn = self._rng.randrange(10 ** (count - 1), 10**count)
        return Fraction(drawn)

    def _divisor(self, value: int) -> int:
        """A divisor of `value` from 2 to 999, or 1 where there is none."""
        divisors = [divisor for divisor in range(2, min(value, 10 ** FACTOR_DIGITS[1])) if value % divisor == 0]
        return self._rng.choice(divisors) if divisors else 1
