"""Prefix, infix and postfix: `- + number0 number1 100`, `number0 + number1 - 100`, `number0 number1 + 100 -`.

Parsers walk the tokens once with a stack, no recursion. Infix needs no spaces; the four operators bind as usual, from
the left; parentheses, and a minus before a numeral, are read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable

from selfsown.arithmetic.expression import (
    MAX_TOKENS,
    OPERATORS,
    Expression,
    Operation,
    Refused,
    as_operator,
    check_length,
    parse_leaf,
    print_leaf,
    shorten,
    tokens,
    walk,
)

_PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2, "(": 0}
_SPACE = re.compile(r"[ \t\n]*")
_OPERAND = re.compile(r"-?[ ]?[0-9.]+|[A-Za-z_][A-Za-z0-9_]*")


def parse_prefix(text: str) -> Expression:
    """An expression from prefix tokens, separated by spaces.

    Raises:
        Refused: not one whole expression, an unknown token, or too large.
    """
    return _from_stack(reversed(tokens(text)), swapped=True)


def print_prefix(expression: Expression) -> str:
    """The expression as prefix tokens, separated by spaces.

    Raises:
        Refused: a constant without finite decimals.
    """
    return " ".join(part.op if isinstance(part, Operation) else print_leaf(part) for part in walk(expression))


def parse_postfix(text: str) -> Expression:
    """An expression from postfix tokens, separated by spaces.

    Raises:
        Refused: not one whole expression, an unknown token, or too large.
    """
    return _from_stack(tokens(text), swapped=False)


def print_postfix(expression: Expression) -> str:
    """The expression as postfix tokens, separated by spaces.

    Raises:
        Refused: a constant without finite decimals.
    """
    if isinstance(expression, Operation):
        return f"{print_postfix(expression.left)} {print_postfix(expression.right)} {expression.op}"
    return print_leaf(expression)


def _from_stack(words: Iterable[str], *, swapped: bool) -> Expression:
    """One expression from postfix order; from prefix order backwards, which meets the right operand first."""
    stack: list[Expression] = []
    for word in words:
        if word in OPERATORS:
            if len(stack) < 2:
                raise Refused(f"operator {word!r} lacks an operand")
            last, before = stack.pop(), stack.pop()
            left, right = (last, before) if swapped else (before, last)
            stack.append(Operation(as_operator(word), left, right))
        else:
            stack.append(parse_leaf(word))
    if len(stack) != 1:
        raise Refused(f"{len(stack)} expressions where one was expected")
    return stack[0]


def parse_infix(text: str) -> Expression:
    """An expression from infix text.

    Raises:
        Refused: not one whole expression, an unknown token, or too large.
    """
    return read_infix(text, parse_leaf)


def read_infix(text: str, operand: Callable[[str], Expression]) -> Expression:
    """Infix whose operands are read by `operand`.

    Raises:
        Refused: as `parse_infix`, and what `operand` refuses.
    """
    check_length(text)
    output: list[Expression] = []
    pending: list[str] = []
    position, wants_operand = _skip(text, 0), True
    for _ in range(MAX_TOKENS):
        if position == len(text):
            break
        sign = text[position]
        if wants_operand and sign == "(":
            pending.append(sign)
            position += 1
        elif wants_operand:
            found = _OPERAND.match(text, position)
            if not found:
                raise Refused(f"a number was expected at {shorten(text[position : position + 50])}")
            output.append(operand(found[0].replace(" ", "")))
            position, wants_operand = found.end(), False
        elif sign == ")":
            _reduce(output, pending, 1)
            if not pending:
                raise Refused("a closing parenthesis without its opening one")
            pending.pop()
            position += 1
        elif sign in OPERATORS:
            _reduce(output, pending, _PRECEDENCE[sign])
            pending.append(sign)
            position, wants_operand = position + 1, True
        else:
            raise Refused(f"an operator was expected at {shorten(text[position : position + 50])}")
        position = _skip(text, position)
    else:
        raise Refused(f"more than {MAX_TOKENS} tokens")
    if wants_operand:
        raise Refused("the text ends where a number was expected")
    _reduce(output, pending, 1)
    if pending:
        raise Refused("an opening parenthesis without its closing one")
    return output[0]


def _skip(text: str, position: int) -> int:
    found = _SPACE.match(text, position)
    return found.end() if found else position


def _reduce(output: list[Expression], pending: list[str], precedence: int) -> None:
    """Apply the pending operators that bind at least as strongly, back to an open parenthesis."""
    while pending and _PRECEDENCE[pending[-1]] >= precedence:
        right, left = output.pop(), output.pop()
        output.append(Operation(as_operator(pending.pop()), left, right))


def print_infix(expression: Expression) -> str:
    """The expression as infix tokens separated by spaces, with the parentheses it needs and no others.

    Raises:
        Refused: a constant without finite decimals.
    """
    if not isinstance(expression, Operation):
        return print_leaf(expression)
    binds = _PRECEDENCE[expression.op]
    left, right = print_infix(expression.left), print_infix(expression.right)
    if isinstance(expression.left, Operation) and _PRECEDENCE[expression.left.op] < binds:
        left = f"( {left} )"
    if isinstance(expression.right, Operation) and _PRECEDENCE[expression.right.op] <= binds:
        right = f"( {right} )"
    return f"{left} {expression.op} {right}"
