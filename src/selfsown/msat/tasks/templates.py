"""Left-deep templates of MsAT tasks, and what each asks for when one of its numbers is the unknown.

A template is its operators, innermost first: `("+", "*")` is ( number0 + number1 ) * number2 = number3. Asked for
number3 the task is the expression itself; asked for another number it is inverse, and the equation is solved for it
(MsAT, section 3.1, and the authors' generator).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from selfsown.arithmetic import Expression, Number, Operation, Operator, operators, print_infix, print_prefix, walk

_UNDO: dict[Operator, Operator] = {"+": "-", "-": "+", "*": "/", "/": "*"}

Slots = tuple[str | int, ...]
"""Tokens in which a number stands for the quantity of that index."""


@dataclass(frozen=True)
class Template:
    """One left-deep equation: its text, and its solution for every quantity; the last quantity is the result."""

    infix: Slots
    solutions: tuple[Slots, ...]
    operators: tuple[str, ...]
    """Operators of each solution, in prefix order."""


@cache
def template(ops: tuple[Operator, ...]) -> Template:
    """The template with these operators, innermost first."""
    chain = left_deep(ops)
    result = len(ops) + 1
    solutions = [solve_for(chain, asked, result) for asked in range(result + 1)]
    return Template(
        infix=(*_slots(print_infix(chain)), "=", result),
        solutions=tuple(_slots(print_prefix(solution)) for solution in solutions),
        operators=tuple(operators(solution) for solution in solutions),
    )


def left_deep(ops: Sequence[Operator]) -> Expression:
    """number0 op number1 op number2 ..., worked from the left."""
    chain: Expression = Number(0)
    for index, op in enumerate(ops, 1):
        chain = Operation(op, chain, Number(index))
    return chain


def solve_for(expression: Expression, asked: int, result: int) -> Expression:
    """What number`asked` is, given that the expression comes to number`result`; each number occurs once in it.

    >>> print_prefix(solve_for(left_deep("+*"), 0, 3))
    '- / number3 number2 number1'
    """
    if asked == result:
        return expression
    solution: Expression = Number(result)
    while isinstance(expression, Operation):
        op, left, right = expression.op, expression.left, expression.right
        if Number(asked) in walk(left):
            solution, expression = Operation(_UNDO[op], solution, right), left
        elif op in "-/":
            solution, expression = Operation(op, left, solution), right
        else:
            solution, expression = Operation(_UNDO[op], solution, left), right
    return solution


def _slots(text: str) -> Slots:
    return tuple(int(word.removeprefix("number")) if word.startswith("number") else word for word in text.split())
