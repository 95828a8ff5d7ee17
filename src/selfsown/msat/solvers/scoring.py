"""Programs of a solver, executed: one answer or one reason for each problem.

Programs are read and evaluated by `selfsown.arithmetic` over the numbers of the question; nothing a model writes is
run.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import torch

from selfsown.arithmetic import Expression, Refused, evaluate
from selfsown.device import compute_dtype
from selfsown.msat.solvers.backbone import Backbone
from selfsown.msat.solvers.representation import Encoded, Problem, Unreadable, collate, encode

TOLERANCE = Fraction(1, 10000)
"""How far an answer may be off, as in the paper's protocol; predictions themselves are exact."""


@dataclass(frozen=True)
class Answered:
    """What a solver made of a problem: a program with its value, or why there is none."""

    expression: Expression | None = None
    value: Fraction | None = None
    reason: str = ""


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


def executed(program: Expression | Refused, numbers: Sequence[Fraction]) -> Answered:
    """The value of a program over a question's numbers."""
    if isinstance(program, Refused):
        return Answered(reason=str(program))
    try:
        return Answered(program, evaluate(program, numbers))
    except Refused as refused:
        return Answered(program, reason=str(refused))


def is_right(answered: Answered, problem: Problem) -> bool:
    """Whether the value is the problem's answer."""
    if answered.value is None or problem.answer is None:
        return False
    return abs(answered.value - problem.answer) <= TOLERANCE
