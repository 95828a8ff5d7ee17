"""Answer math word problems: the answer, the numbers that were read, the equation and its steps.

    selfsown solve "A box holds 12 pens. How many pens do 7 boxes hold?"
    Solver.load(folder).solve(["A box holds 12 pens. How many pens do 7 boxes hold?"])

Numbers are found in the text as digits (`12`, `3.5`, `1/2`, `1,000`, `5kg`; a name such as `B12` stays); the solver
writes a program over them, which is evaluated exactly by `selfsown.arithmetic`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
import numpy as np

from selfsown.arithmetic import Expression, Operation, evaluate, print_infix, print_value
from selfsown.checkpoint import Asking, answer_for, model_folder, model_options
from selfsown.device import compute_device
from selfsown.errors import UserError
from selfsown.msat.questions import read_question
from selfsown.msat.solvers.backbone import CONFIG, Backbone
from selfsown.msat.solvers.kinds import load_solver
from selfsown.msat.solvers.representation import Problem
from selfsown.msat.solvers.scoring import Answered, solve

BATCH_SIZE = 32
UNREAD = "not read: "
"""How the reason begins where the question itself could not be read."""


@click.command(cls=Asking)
@click.argument("questions", nargs=-1, required=True)
@model_options("selfsown-msat-dag")
def command(questions: tuple[str, ...], model: str, alias: str, folder: Path | None) -> None:
    """Answer math word problems: the answer, the equation and its steps."""
    with model_folder(model, alias, folder, marked_by=CONFIG) as found:
        solver = Solver.load(found)
    solutions = solver.solve(questions)
    for solution in solutions:
        click.echo(solution)
    answer_for(solution.reason.removeprefix(UNREAD) for solution in solutions if solution.reason.startswith(UNREAD))


@dataclass(frozen=True)
class Solution:
    """The answer to a question, and how it comes about.

    `answer` is exact, a decimal or a fraction; `equation` is over the question's numbers, `steps` are its operations
    with their values, such as `12 * 7 = 84`. All three are empty where the program had no value; `reason` says why.
    """

    question: str
    numbers: tuple[str, ...]
    answer: str
    equation: str
    steps: tuple[str, ...]
    reason: str = ""

    def __str__(self) -> str:
        read = f"numbers   {', '.join(self.numbers)}"
        if not self.answer:
            return f"no answer: {self.reason}" + (f"\n{read}" if self.numbers else "")
        steps = [f"step      {step}" for step in self.steps]
        return "\n".join([f"answer    {self.answer}", read, f"equation  {self.equation}", *steps])


class Solver:
    """A trained solver, ready to be asked."""

    def __init__(self, network: Backbone) -> None:
        self.network = network.to(compute_device()).eval()

    @classmethod
    def load(cls, folder: Path) -> Solver:
        """The solver of a folder.

        Raises:
            UserError: not a whole solver's folder.
        """
        return cls(load_solver(folder))

    def solve(self, questions: Sequence[str]) -> list[Solution]:
        """Answers, in the questions' order; one that cannot be read has none, and does not stop the others."""
        solutions: dict[int, Solution] = {}
        problems: dict[int, Problem] = {}
        for place, question in enumerate(questions):
            try:
                problems[place] = read_question(question)
            except UserError as error:
                solutions[place] = Solution(question, (), "", "", (), f"{UNREAD}{error}")
        answers = solve(self.network, list(problems.values()), BATCH_SIZE)
        for (place, problem), answered in zip(problems.items(), answers, strict=True):
            solutions[place] = _solution(questions[place], problem, answered)
        return [solutions[place] for place in range(len(questions))]


def _solution(question: str, problem: Problem, answered: Answered) -> Solution:
    numbers = tuple(print_value(number) for number in problem.numbers)
    if answered.expression is None or answered.value is None:
        return Solution(question, numbers, "", "", (), answered.reason)
    return Solution(
        question,
        numbers,
        print_value(answered.value),
        _with_values(print_infix(answered.expression), numbers),
        tuple(_steps(answered.expression, problem.numbers)),
    )


def _with_values(equation: str, numbers: Sequence[str]) -> str:
    """`( number0 + number1 ) / 2` with the numbers themselves, as people write it."""
    tight = equation.replace("( ", "(").replace(" )", ")")
    shown = [f"({number})" if "/" in number else number for number in numbers]
    return re.sub(r"number(\d+)", lambda match: shown[int(match[1])], tight)


def _steps(expression: Expression, numbers: Sequence[Fraction]) -> list[str]:
    """Each operation with the values it takes and gives, inner ones first."""
    steps: list[str] = []

    def value(part: Expression) -> Fraction:
        if isinstance(part, Operation):
            left, right = value(part.left), value(part.right)
            made = evaluate(part, numbers)
            step = f"{print_value(left)} {part.op} {print_value(right)} = {print_value(made)}"
            if step not in steps:
                steps.append(step)
            return made
        return evaluate(part, numbers)

    value(expression)
    return steps


def serve(folder: str) -> Any:
    """What a registered model does with a batch of questions: their answers as text."""
    solver = Solver.load(Path(folder))
    return lambda questions: [solution.answer for solution in solver.solve(np.ravel(questions).astype(str).tolist())]
