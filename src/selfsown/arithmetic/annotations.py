"""Calculator annotations: `<<48/2=24>>` as in GSM8K, and the bracket form of the T5 recipe, `[ 48 / 2 = 24]`.

A rationale is read as one expression: the last annotation, in which a value that an earlier annotation came to stands
for that annotation. Words around the annotations are not looked at. Values cannot tell a number of the question from
an equal constant, so printed with `numbers` only the value survives the way back; printed without, operands and
results keep their names (`<<number0/2=m_1>>`) and so does the expression.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from selfsown.arithmetic.calculations import PERCENT, plain_calculation, stated_values
from selfsown.arithmetic.expression import (
    Constant,
    Expression,
    Operation,
    Refused,
    check_length,
    evaluate,
    parse_leaf,
    print_decimal,
    print_leaf,
    print_value,
    shorten,
)
from selfsown.arithmetic.notations import read_infix
from selfsown.arithmetic.steps import Intermediate, Operand, to_steps

_ANNOTATION = re.compile(r"<<([^<>=]*)=([^<>=]*)>>|\[([^\[\]=]*)=([^\[\]=]*)\]")
_BEGUN = re.compile(r"<<|\[[^\[\]<\n=]*=")
"""Where an annotation begins, whole or not."""
_NAME = re.compile(r"m_([1-9][0-9]{0,2})")
MAX_ANNOTATIONS = 128


@dataclass(frozen=True, slots=True)
class Annotation:
    """One annotation as it stands in the text: what is calculated, and the result that is stated."""

    calculation: str
    stated: str


def find_annotations(text: str) -> list[Annotation]:
    """The annotations of a rationale in both forms, unread.

    Raises:
        Refused: too long a text, more than `MAX_ANNOTATIONS`, or one that is not whole.
    """
    check_length(text)
    found: list[Annotation] = []
    place = 0
    while begun := _BEGUN.search(text, place):
        match = _ANNOTATION.match(text, begun.start())
        if match is None and not begun[0].startswith("<<") and not any(sign.isdigit() for sign in begun[0]):
            place = begun.end()  # words in brackets
            continue
        if match is None:
            raise Refused(f"a malformed annotation: {shorten(text[begun.start() : begun.start() + 50])}")
        if len(found) == MAX_ANNOTATIONS:
            raise Refused(f"more than {MAX_ANNOTATIONS} annotations")
        place = match.end()
        calculation, stated = (match[1], match[2]) if match[1] is not None else (match[3], match[4])
        found.append(Annotation(calculation.strip(), stated.strip()))
    return found


def parse_annotations(text: str) -> Expression:
    """The calculation of a rationale as one expression.

    Raises:
        Refused: no annotation, one that cannot be read or states another result than its calculation has (rounded to
            the decimals it states), or too large.
    """
    by_name: dict[str, Expression] = {}
    by_value: dict[Fraction, Expression] = {}
    last: Expression | None = None

    def operand(word: str) -> Expression:
        if word == PERCENT:
            return Constant(Fraction(100))
        if _NAME.fullmatch(word):
            if word not in by_name:
                raise Refused(f"{word} is used before it is there")
            return by_name[word]
        leaf = parse_leaf(word)
        return by_value.get(leaf.value, leaf) if isinstance(leaf, Constant) else leaf

    for annotation in find_annotations(text):
        last = read_infix(plain_calculation(annotation.calculation), operand)
        if _NAME.fullmatch(annotation.stated):
            by_name[annotation.stated] = last
        else:
            by_value[_stated(last, annotation)] = last
    if last is None:
        raise Refused("no annotation")
    return last


def _stated(expression: Expression, annotation: Annotation) -> Fraction:
    """The result as a value, within half of its last decimal: `<<1/3=0.33>>` is right, `<<1/3=0.34>>` is not."""
    value = evaluate(expression)
    for stated in stated_values(annotation.stated):
        away = abs(value - stated.value)
        if away == 0 or (away * 2 <= stated.unit and value.denominator != 1):
            return stated.value
    right, wrong = shorten(print_value(value)), shorten(annotation.stated)
    raise Refused(f"{shorten(annotation.calculation)} is {right}, stated is {wrong}")


def print_annotations(
    expression: Expression, numbers: Sequence[Fraction] | None = None, *, brackets: bool = False
) -> str:
    """One annotation per operation, with the values of `numbers`, or with names where there are none.

    Raises:
        Refused: with `numbers`, what `evaluate` refuses; a value without finite decimals.
    """
    values: list[Fraction] = []

    def value(operand: Operand, given: Sequence[Fraction]) -> Fraction:
        return values[operand.index - 1] if isinstance(operand, Intermediate) else evaluate(operand, given)

    def name(operand: Operand) -> str:
        if numbers is not None:
            return print_decimal(value(operand, numbers))
        return f"m_{operand.index}" if isinstance(operand, Intermediate) else print_leaf(operand)

    def annotation(calculation: str, result: str) -> str:
        return f"[ {calculation} = {result}]" if brackets else f"<<{calculation}={result}>>"

    if not isinstance(expression, Operation):
        return annotation(name(expression), "m_1" if numbers is None else name(expression))
    lines: list[str] = []
    for index, step in enumerate(to_steps(expression), 1):
        sign = f" {step.op} " if brackets else step.op
        calculation, result = f"{name(step.left)}{sign}{name(step.right)}", f"m_{index}"
        if numbers is not None:
            left, right = Constant(value(step.left, numbers)), Constant(value(step.right, numbers))
            values.append(evaluate(Operation(step.op, left, right)))
            result = print_decimal(values[-1])
        lines.append(annotation(calculation, result))
    return " ".join(lines)
