"""An expression as a list of steps, and the two formats that solvers write: code style and deductive triples.

Code style (arXiv 2306.01707, section 3): each quantity is stated digit by digit where the steps first need it,
intermediates are m_1, m_2, ..., and the last step is named RES_:

    NUM2 = 6 6 <SEP> NUM3 = 1 7 2 7 <SEP> RES_ = NUM2 + NUM3

Deductive triples (Jie et al., 2022): `left right op`, one operation each, steps separated by <SEP>:

    number1 number2 /_rev <SEP> m_1 number0 +

The operands stand in one list: the intermediates, newest first (each new one goes to the front and shifts the indices
of all others), then constants by value, then the numbers of the question. Left never stands behind right in it, and
`-_rev`, `/_rev` say that the operator takes right before left. The order of the operands of + and * is therefore not
kept (`canonical` compares without it). An operation that occurs twice is one step, used twice. An expression without
operation is its operand alone.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TypeAlias

from selfsown.arithmetic.expression import (
    OPERATORS,
    Constant,
    Expression,
    Number,
    Operation,
    Operator,
    Refused,
    as_operator,
    parse_decimal,
    parse_leaf,
    print_decimal,
    print_leaf,
    shorten,
    tokens,
)

SEPARATOR = "<SEP>"
RESULT = "RES_"
DEDUCTIVE_OPERATORS = ("+", "-", "-_rev", "*", "/", "/_rev")

_QUANTITY = re.compile(r"NUM(0|[1-9][0-9]{0,2})")
_INTERMEDIATE = re.compile(r"m_([1-9][0-9]{0,2})")


@dataclass(frozen=True, slots=True)
class Intermediate:
    """The result of step `index`, counted from 1."""

    index: int


Operand: TypeAlias = Number | Constant | Intermediate


@dataclass(frozen=True, slots=True)
class Step:
    """One operation over quantities, constants and earlier results."""

    op: Operator
    left: Operand
    right: Operand


def to_steps(expression: Expression, *, shared: bool = False) -> list[Step]:
    """The operations in postfix order; none for an operand alone. `shared`: equal operations are one step."""
    result: list[Step] = []
    known: dict[Expression, Operand] = {}

    def visit(part: Expression) -> Operand:
        if not isinstance(part, Operation):
            return part
        if shared and part in known:
            return known[part]
        result.append(Step(part.op, visit(part.left), visit(part.right)))
        known[part] = Intermediate(len(result))
        return known[part]

    visit(expression)
    return result


def from_steps(steps: Sequence[Step]) -> Expression:
    """The expression that the last step is the result of.

    Raises:
        Refused: no step, a result used before it is there, or too large.
    """
    if not steps:
        raise Refused("no step")
    results: list[Expression] = []
    for step in steps:
        results.append(Operation(step.op, _resolve(step.left, results), _resolve(step.right, results)))
    return results[-1]


def _resolve(operand: Operand, results: Sequence[Expression]) -> Expression:
    if not isinstance(operand, Intermediate):
        return operand
    if not 1 <= operand.index <= len(results):
        raise Refused(f"m_{operand.index} is used before it is there")
    return results[operand.index - 1]


@dataclass(frozen=True, slots=True)
class Program:
    """What code-style text says: the expression, and the quantities as it states them, by index."""

    expression: Expression
    stated: dict[int, Fraction]


def parse_code(text: str) -> Expression:
    """The expression of code-style text; what it states of its quantities is in `parse_program`.

    Raises:
        Refused: a step that cannot be read, a name used before it is there, no RES_ at the end, or too large.
    """
    return parse_program(text).expression


def parse_program(text: str) -> Program:
    """Code-style text with its stated quantities. Digits may stand apart or together.

    Raises:
        Refused: as `parse_code`.
    """
    stated: dict[int, Fraction] = {}
    results: list[Expression] = []
    lines = _lines(text)
    for position, line in enumerate(lines, 1):
        if len(line) < 3 or line[1] != "=":
            raise Refused(f"step {position} is not `name = ...`: {shorten(' '.join(line))}")
        name, words = line[0], line[2:]
        if found := _QUANTITY.fullmatch(name):
            if int(found[1]) in stated:
                raise Refused(f"{name} is stated twice")
            stated[int(found[1])] = parse_decimal("".join(words))
            continue
        results.append(_code_step(words, results))
        if name == RESULT:
            if position < len(lines):
                raise Refused(f"{RESULT} is not the last step")
            return Program(results[-1], stated)
        if name != f"m_{len(results)}":
            raise Refused(f"step {position} names {shorten(name)}, m_{len(results)} or {RESULT} was expected")
    raise Refused(f"the last step is not {RESULT}")


def _code_step(words: Sequence[str], results: Sequence[Expression]) -> Expression:
    at = next((index for index, word in enumerate(words) if index and word in OPERATORS), None)
    if at is None:
        return _code_operand("".join(words), results)
    left, right = "".join(words[:at]), "".join(words[at + 1 :])
    return Operation(as_operator(words[at]), _code_operand(left, results), _code_operand(right, results))


def _code_operand(word: str, results: Sequence[Expression]) -> Expression:
    if found := _QUANTITY.fullmatch(word):
        return Number(int(found[1]))
    if found := _INTERMEDIATE.fullmatch(word):
        return _resolve(Intermediate(int(found[1])), results)
    return Constant(parse_decimal(word))


def print_code(expression: Expression, numbers: Sequence[Fraction] | None = None) -> str:
    """The expression as code-style text; with `numbers`, every quantity is stated where a step first needs it.

    Raises:
        Refused: a number that is not there, a number or constant without finite decimals.
    """
    lines: list[str] = []
    stated: set[int] = set()

    def name(operand: Operand) -> str:
        if isinstance(operand, Intermediate):
            return f"m_{operand.index}"
        if isinstance(operand, Constant):
            return print_leaf(operand)
        if numbers is not None and operand.index not in stated:
            if operand.index >= len(numbers):
                raise Refused(f"there is no number{operand.index}: the question has {len(numbers)}")
            stated.add(operand.index)
            lines.append(f"NUM{operand.index} = {' '.join(print_decimal(numbers[operand.index]))}")
        return f"NUM{operand.index}"

    if not isinstance(expression, Operation):
        line = f"{RESULT} = {name(expression)}"
        return f" {SEPARATOR} ".join([*lines, line])
    steps = to_steps(expression)
    for index, step in enumerate(steps, 1):
        result = RESULT if index == len(steps) else f"m_{index}"
        line = f"{result} = {name(step.left)} {step.op} {name(step.right)}"
        lines.append(line)
    return f" {SEPARATOR} ".join(lines)


def parse_deductive(text: str) -> Expression:
    """The expression of deductive triples.

    Raises:
        Refused: not triples, operands out of order, a result used before it is there, or too large.
    """
    lines = _lines(text)
    if len(lines) == 1 and len(lines[0]) == 1:
        return parse_leaf(lines[0][0])
    steps = []
    for position, line in enumerate(lines, 1):
        if len(line) != 3:
            raise Refused(f"step {position} is not `left right operator`: {shorten(' '.join(line))}")
        left, right = _deductive_operand(line[0]), _deductive_operand(line[1])
        if operand_rank(left) > operand_rank(right):
            raise Refused(f"step {position}: {line[0]} stands behind {line[1]} in the list of operands")
        if line[2] not in DEDUCTIVE_OPERATORS:
            raise Refused(f"step {position}: not an operator: {shorten(line[2])}")
        if line[2].endswith("_rev"):
            left, right = right, left
        steps.append(Step(as_operator(line[2].removesuffix("_rev")), left, right))
    return from_steps(steps)


def _deductive_operand(word: str) -> Operand:
    found = _INTERMEDIATE.fullmatch(word)
    return Intermediate(int(found[1])) if found else parse_leaf(word)


def print_deductive(expression: Expression) -> str:
    """The expression as deductive triples.

    Raises:
        Refused: a constant without finite decimals.
    """
    if not isinstance(expression, Operation):
        return print_leaf(expression)
    lines = []
    for left, right, op in deductive_steps(expression):
        names = [f"m_{part.index}" if isinstance(part, Intermediate) else print_leaf(part) for part in (left, right)]
        lines.append(" ".join([*names, op]))
    return f" {SEPARATOR} ".join(lines)


def deductive_steps(expression: Expression) -> list[tuple[Operand, Operand, str]]:
    """The triples (left, right, operator), operands in the order of the list; operators of `DEDUCTIVE_OPERATORS`."""
    triples: list[tuple[Operand, Operand, str]] = []
    for step in to_steps(expression, shared=True):
        if operand_rank(step.left) <= operand_rank(step.right):
            triples.append((step.left, step.right, step.op))
        else:
            triples.append((step.right, step.left, f"{step.op}_rev" if step.op in "-/" else step.op))
    return triples


def operand_rank(operand: Operand) -> tuple[int, Fraction | int]:
    """Place in the list of operands: intermediates, newest first, then constants by value, then numbers."""
    if isinstance(operand, Intermediate):
        return 0, -operand.index
    return (1, operand.value) if isinstance(operand, Constant) else (2, operand.index)


def _lines(text: str) -> list[list[str]]:
    """The words of each step."""
    lines: list[list[str]] = [[]]
    for word in tokens(text):
        if word == SEPARATOR:
            lines.append([])
        else:
            lines[-1].append(word)
    return lines
