"""What an answer in plain text must be, whichever solver gave it: worked out again from what it shows."""

from __future__ import annotations

import re

from selfsown.arithmetic import OPERATORS, apply, evaluate, operators, parse_infix, parse_value, print_value
from selfsown.msat.commands.solve import Solution

NUMBER = r"-?[\d./]+"
STEP = re.compile(rf"({NUMBER}) ([{re.escape(''.join(OPERATORS))}]) ({NUMBER}) = ({NUMBER})")
REASONS = re.compile(
    r"division by zero|a value of more than \d+ digits|no step was the last"
    r"|a number lies behind the first \d+ tokens|number\d+ is not mentioned in the question"
)
"""Why a solver of the kind `dag` may have no answer to a question that could be read."""


def faults(solution: Solution) -> list[str]:
    """What does not fit together: the equation must give the answer, and the steps must lead there."""
    if not solution.answer:
        expected = () if REASONS.search(solution.reason) else (f"unknown reason {solution.reason!r}",)
        shown = [f"{part!r} without an answer" for part in (solution.equation, solution.steps) if part]
        return [*expected, *shown]
    found = ["a reason beside an answer"] if solution.reason else []
    program = parse_infix(solution.equation)
    if (value := print_value(evaluate(program))) != solution.answer:
        found.append(f"{solution.equation} is {value}, not {solution.answer}")
    if not len(solution.steps) <= len(operators(program)) or bool(solution.steps) != bool(operators(program)):
        found.append(f"{len(solution.steps)} steps for {solution.equation}")
    last = solution.equation
    for step in solution.steps:
        left, sign, right, last = STEP.fullmatch(step).groups()
        if apply(sign, parse_value(left), parse_value(right)) != parse_value(last):
            found.append(f"{step} is wrong")
    if last != solution.answer:
        found.append(f"the last step ends in {last}, not in {solution.answer}")
    return found
