"""Answer math word problems: the answer, the equation and its steps.

    selfsown solve "A box holds 12 pens. How many pens do 7 boxes hold?"
    Solver.load(folder).solve(["A box holds 12 pens. How many pens do 7 boxes hold?"])

Numbers are found in the text as digits (`12`, `3.5`, `1,000`, `5kg`; a name such as `B12` stays); the solver writes a
program over them, which is evaluated exactly by `selfsown.arithmetic`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import click
import numpy as np

from selfsown.arithmetic import Expression, Operation, Refused, evaluate, parse_decimal, print_infix, print_value
from selfsown.checkpoint import model_folder, model_options
from selfsown.device import compute_device
from selfsown.errors import UserError
from selfsown.msat.solvers.backbone import CONFIG, Backbone
from selfsown.msat.solvers.kinds import load_solver
from selfsown.msat.solvers.representation import Problem
from selfsown.msat.solvers.scoring import Answered, solve

BATCH_SIZE = 32
MAX_CHARACTERS = 4000
NUMBER = re.compile(
    r"(?<!\w)(?<![0-9][.,])(?:(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?|\.[0-9]+)(?!\w*[0-9])(?![.,][0-9])"
)
NEGATIVE = re.compile(r"(?<![\w)])[-−]\.?[0-9][0-9.,]*")
RESERVED = re.compile(r"\bnumber[0-9]+\b")
MARKS = re.compile(r"([?!.,;:()\"])(?=\s|$)")


@click.command()
@click.argument("questions", nargs=-1, required=True)
@model_options("selfsown-msat-dag")
def command(questions: tuple[str, ...], model: str, alias: str, folder: Path | None) -> None:
    """Answer math word problems: the answer, the equation and its steps."""
    with model_folder(model, alias, folder, marked_by=CONFIG) as found:
        solver = Solver.load(found)
    for solution in solver.solve(questions):
        click.echo(solution)


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
        if not self.answer:
            return f"no answer: {self.reason}"
        steps = [f"step      {step}" for step in self.steps]
        return "\n".join([f"answer    {self.answer}", f"equation  {self.equation}", *steps])


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
        """Answers, in the questions' order.

        Raises:
            UserError: a question without a number, or one that is too long.
        """
        problems = [read_question(question) for question in questions]
        answers = solve(self.network, problems, BATCH_SIZE)
        return [_solution(*known) for known in zip(questions, problems, answers, strict=True)]


def read_question(question: str) -> Problem:
    """A question with its numbers taken out, as the products hold it.

    Raises:
        UserError: no number, one below zero, of too many digits or in signs that are not read, a word that stands for
            one, half a character, or too long a question.

    >>> read_question("1,000 pens at $0.5 each?").question
    'number0 pens at $ number1 each ?'
    """
    shown = question if len(question) <= 60 else f"{question[:57]}..."
    try:
        question.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{shown!r}: {question[error.start]!r} is no character of any text") from None
    if len(question) > MAX_CHARACTERS:
        raise UserError(f"{shown!r}: {len(question)} characters; a question may have {MAX_CHARACTERS}")
    if reserved := RESERVED.search(question):
        raise UserError(f"{shown!r}: {reserved[0]!r} stands for a number inside the solver; write another word")
    if negative := NEGATIVE.search(question):
        raise UserError(f"{shown!r}: {negative[0]!r}: numbers below zero are not read; say it in words")
    if odd := next(filter(_unread, NUMBER.sub(" ", question).split()), None):
        raise UserError(f"{shown!r}: {odd!r} is not read as a number; write it as 1000 or 1,000 or 12.5")
    found = list(NUMBER.finditer(question))
    if not found:
        raise UserError(f"{shown!r}: no number in it; numbers are read as digits: 12, 3.5 or 1,000")
    try:
        numbers = tuple(parse_decimal(match[0].replace(",", "")) for match in found)
    except Refused as refused:
        raise UserError(f"{shown!r}: {refused.reason}") from None
    places = iter(range(len(numbers)))
    masked = NUMBER.sub(lambda _: f" number{next(places)} ", question)
    return Problem(question, " ".join(MARKS.sub(r" \1 ", masked).split()), numbers)


def _unread(word: str) -> bool:
    """Whether a word has digits and is no name: those of `B12` may stay, those of `1e5` may not."""
    parts = (part for part in re.findall(r"\w+", word) if not part[0].isalpha())
    return any(unicodedata.category(sign).startswith("N") for part in parts for sign in part)


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
    return re.sub(r"number(\d+)", lambda match: numbers[int(match[1])], tight)


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
