"""Programs of a solver, executed: one answer or one reason for each problem.

Programs are read and evaluated by `selfsown.arithmetic`; nothing a model writes is run. A program has two values: over
the numbers of the question, and over those that the solver wrote, which is how the authors score the seq2seq solver.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch

from selfsown.arithmetic import Expression, Program, Refused, evaluate
from selfsown.device import compute_dtype
from selfsown.msat.solvers.backbone import Backbone
from selfsown.msat.solvers.representation import Encoded, Problem, Unreadable, collate, encode

TOLERANCE = Fraction(1, 10000)
"""How far an answer may be off, as in the authors' scoring of the DAG solver; predictions themselves are exact."""

TOLERANCE_AS_WRITTEN = Fraction(1, 100)
"""The same of the seq2seq solver, which writes numbers with at most three decimals."""


@dataclass(frozen=True)
class Answered:
    """What a solver made of a problem: a program with its value, or why there is none.

    `as_written`: its value over the numbers that the solver wrote, None where there is none.
    """

    expression: Expression | None = None
    value: Fraction | None = None
    reason: str = ""
    as_written: Fraction | None = None


def solve(solver: Backbone, problems: Sequence[Problem], batch_size: int) -> list[Answered]:
    """Answers in the problems' order; batches hold questions of like length and change nothing else."""
    encoded = encode(solver.tokenizer, problems, solver.settings.style, solver.settings.max_tokens)
    answers = [Answered(reason=str(item)) if isinstance(item, Unreadable) else Answered() for item in encoded]
    readable = [(len(item.input_ids), i, item) for i, item in enumerate(encoded) if isinstance(item, Encoded)]
    readable.sort(key=lambda entry: entry[:2])
    dtype = compute_dtype()
    for start in range(0, len(readable), batch_size):
        part = readable[start : start + batch_size]
        batch = collate([item for _, _, item in part], solver.tokenizer.pad_token_id)
        batch = {name: tensor.to(solver.device) for name, tensor in batch.items()}
        with torch.autocast(solver.device.type, dtype, enabled=dtype != torch.float32):
            programs = solver.decode(batch)
        for (_, index, _), program in zip(part, programs, strict=True):
            answers[index] = executed(program, problems[index].numbers)
    return answers


def executed(program: Program | Refused, numbers: Sequence[Fraction]) -> Answered:
    """The value of a program over a question's numbers, and over those that it states."""
    if isinstance(program, Refused):
        return Answered(reason=str(program))
    value, reason = _value(program.expression, numbers)
    as_written, _ = _value(program.expression, stated(numbers, program.stated))
    return Answered(program.expression, value, reason, as_written)


def stated(numbers: Sequence[Fraction], by_program: Mapping[int, Fraction]) -> list[Fraction]:
    """The numbers as a program states them; one that it does not state is the question's own.

    The authors run it where the right program has just run, whose numbers are then still known.

    >>> stated([Fraction(3), Fraction(5)], {1: Fraction(50), 2: Fraction(7)})
    [Fraction(3, 1), Fraction(50, 1), Fraction(7, 1)]
    """
    known = list(numbers)
    for index, number in sorted(by_program.items()):
        if index <= len(known):
            known[index : index + 1] = [number]
    return known


def _value(expression: Expression, numbers: Sequence[Fraction]) -> tuple[Fraction | None, str]:
    """The value, or why there is none."""
    try:
        return evaluate(expression, numbers), ""
    except Refused as refused:
        return None, str(refused)


def is_right(answered: Answered, problem: Problem) -> bool:
    """Whether the value over the question's numbers is the problem's answer."""
    return _meets(answered.value, problem, TOLERANCE)


def is_right_as_written(answered: Answered, problem: Problem) -> bool:
    """Whether the value over the numbers that the solver wrote is: a number copied wrong is an error."""
    return _meets(answered.as_written, problem, TOLERANCE_AS_WRITTEN)


def _meets(value: Fraction | None, problem: Problem, tolerance: Fraction) -> bool:
    return value is not None and problem.answer is not None and abs(value - problem.answer) <= tolerance
