"""MsAT, the tasks: multi-step arithmetic problems in letters, for continual pre-training (section 3.1).

parameters -> rows of `selfsown.arithmetic.PROBLEM`, such as

    I = number0 . B = number1 . M = number2 . M - K = B . K ?     numbers 7 12 40     equation - number2 number1

Equations are drawn first, all of them different, and each is put wholly into train or dev: in the authors' data
questions about one equation stand on both sides. Then each shard writes its questions with its own seed, so the bytes
depend on nothing but the parameters. An equation of S steps gives S questions about different numbers of it.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple, Self, TypeVar

import numpy as np
import pyarrow as pa
from pydantic import Field, model_validator

from selfsown.arithmetic import OPERATORS, PROBLEM
from selfsown.identity import Identity
from selfsown.msat.tasks.equations import (
    STEPS,
    Equations,
    apportion,
    commuted,
    mean_steps,
    sample_equations,
    step_counts,
)
from selfsown.msat.tasks.templates import Template, template
from selfsown.products import CardInfo
from selfsown.shards import ShardResult, map_shards
from selfsown.shards.seeds import purpose_seed, shard_seed
from selfsown.stage import Metrics, Out, StageParams, stage

Item = TypeVar("Item")

SOURCE = "msat"
LETTERS = "BCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_DISTRACTORS = {1: 4, 2: 3, 3: 2}
"""By number of steps."""

DISTRACTORS_BELOW = 1000


class GenerateParams(StageParams):
    """Section `msat.generate`; the defaults of the paper's code are size 85000, dev_size 5000 and difficulty 2.4."""

    data_seed: int = Field(ge=0)
    size: int = Field(ge=1, description="rows of train and dev together")
    dev_size: int = Field(ge=0)
    distractor_probability: float = Field(ge=0, le=1, description="that a task has numbers nobody needs")
    letter_probability: float = Field(ge=0, le=1, description="that a known number is named before the equation")
    maximum: int = Field(ge=100, le=9999, description="results are below it, divisors not above")
    shard_size: int = Field(ge=1, description="rows a shard, at least")

    @model_validator(mode="after")
    def _dev_within_size(self) -> Self:
        if self.dev_size >= self.size:
            raise ValueError(f"dev_size {self.dev_size} must be below size {self.size}, which counts both splits")
        return self


class Equation(NamedTuple):
    """One equation: operators as indices, innermost first; operands, then the result; how many questions it gives."""

    operators: tuple[int, ...]
    group: str
    values: tuple[int, ...]
    questions: int


@dataclass(frozen=True)
class Batch:
    """The work of one shard: equations of one split."""

    split: str
    index: int
    first_row: int
    equations: tuple[Equation, ...]


@stage()
def generate(params: GenerateParams, *, difficulty: str, tasks: Out, identity: Identity) -> Metrics:
    """Make the tasks product; `difficulty`: mean number of steps, 1 to 3.

    Raises:
        UserError: another difficulty.
    """
    batches = _batches(params, mean_steps(difficulty))
    map_shards(
        partial(Writer, params),
        batches,
        tasks,
        schema=PROBLEM,
        card=CardInfo(
            name="msat/tasks",
            licence="CC0-1.0",
            source="made here, after MsAT (arXiv 2306.01707)",
            seed=params.data_seed,
            note="Synthetic multi-step arithmetic; no equation has questions on both splits.",
        ),
        identity=identity,
    )
    counts = [
        sum(equation.questions for batch in batches for equation in batch.equations if len(equation.operators) == steps)
        for steps in STEPS
    ]
    return {
        "rows": sum(counts),
        "rows_dev": params.dev_size,
        **{f"rows_{steps}_steps": count for steps, count in zip(STEPS, counts, strict=True)},
        "mean_steps": sum(steps * count for steps, count in zip(STEPS, counts, strict=True)) / sum(counts),
    }


def _batches(params: GenerateParams, difficulty: float) -> list[Batch]:
    """The equations of every split in random order, cut into shards."""
    totals = step_counts(params.size, difficulty)
    dev = apportion(params.dev_size, totals) if params.dev_size else (0, 0, 0)
    counts = {"dev": dev, "train": tuple(total - held for total, held in zip(totals, dev, strict=True))}
    chosen: dict[str, list[Equation]] = {"train": [], "dev": []}
    for steps in STEPS:
        wanted = {split: -(-counts[split][steps - 1] // steps) for split in counts}
        rng = np.random.default_rng(purpose_seed(params.data_seed, f"equations of {steps} steps"))
        found = sample_equations(steps, sum(wanted.values()), params.maximum, rng)
        found = found[rng.permutation(len(found))]
        start = 0
        for split, number in wanted.items():
            equations = list(_described(found[start : start + number], steps))
            if equations:
                left_over = number * steps - counts[split][steps - 1]
                equations[-1] = equations[-1]._replace(questions=steps - left_over)
            chosen[split] += equations
            start += number
    batches: list[Batch] = []
    row = 0
    for split, equations in chosen.items():
        random.Random(purpose_seed(params.data_seed, f"order of {split}")).shuffle(equations)
        first = 0
        while first < len(equations):
            last, rows = first, 0
            while last < len(equations) and rows < params.shard_size:
                rows += equations[last].questions
                last += 1
            batches.append(Batch(split, len(batches), row, tuple(equations[first:last])))
            first, row = last, row + rows
    return batches


def _described(equations: Equations, steps: int) -> Iterator[Equation]:
    ordered = commuted(equations.operators, equations.operands).tolist()
    values = np.hstack([equations.operands, equations.results[:, None]]).tolist()
    for ops, operands, numbers in zip(equations.operators.tolist(), ordered, values, strict=True):
        signs = " ".join(OPERATORS[op] for op in reversed(ops))
        yield Equation(tuple(ops), f"{signs} {' '.join(map(str, operands))}", tuple(numbers), steps)


class Writer:
    """Writes the questions of one shard after another."""

    def __init__(self, params: GenerateParams) -> None:
        self.params = params

    def __call__(self, batch: Batch) -> ShardResult:
        """The rows of a shard, in random order."""
        rng = random.Random(shard_seed(self.params.data_seed, batch.index))
        rows = [row for equation in batch.equations for row in self._rows(equation, rng)]
        rng.shuffle(rows)
        question, numbers, program, answer, steps, ops, group = zip(*rows, strict=True)
        count = len(rows)
        columns = {
            "id": [f"msat-{batch.first_row + index:07d}" for index in range(count)],
            "question": question,
            "numbers": numbers,
            "equation": program,
            "answer": answer,
            "steps": steps,
            "operators": ops,
            "group": group,
            "fold": [-1] * count,
            "source": [SOURCE] * count,
            "split": [batch.split] * count,
        }
        return ShardResult(pa.table(columns, schema=PROBLEM))

    def _rows(self, equation: Equation, rng: random.Random) -> Iterator[tuple[str, list[str], str, str, int, str, str]]:
        ops, group, numbers, questions = equation
        steps = len(ops)
        values = [str(number) for number in numbers]
        if rng.random() < self.params.distractor_probability:
            for _ in range(1 + int(rng.random() * MOST_DISTRACTORS[steps])):
                values.append(str(1 + int(rng.random() * (DISTRACTORS_BELOW - 1))))
        form = template(tuple(OPERATORS[op] for op in ops))
        for asked in drawn(range(steps + 2), questions, rng):
            question, given, program = write_question(form, values, asked, self.params.letter_probability, rng)
            yield question, given, program, values[asked], steps, form.operators[asked], group


def write_question(
    form: Template, values: Sequence[str], asked: int, letter_probability: float, rng: random.Random
) -> tuple[str, list[str], str]:
    """The question for value `asked` of an equation, the numbers in its order, and the prefix equation that answers it.

    Args:
        values: of the equation with its result, then the distractors.
    """
    letters = drawn(LETTERS, len(values), rng)
    named: list[int] = []
    body: list[str | int] = []
    for token in form.infix:
        if isinstance(token, str):
            body.append(token)
        elif token == asked:
            body.append(letters[token])
        elif rng.random() < letter_probability:
            body.append(letters[token])
            named.append(token)
        else:
            body.append(token)
    named += range(len(form.solutions), len(values))
    named = drawn(named, len(named), rng)
    order = [*named, *(token for token in body if isinstance(token, int))]
    name = {value: f"number{place}" for place, value in enumerate(order)}
    context = [f"{letters[value]} = {name[value]} . " for value in named]
    words = [name[token] if isinstance(token, int) else token for token in body]
    program = [name[token] if isinstance(token, int) else token for token in form.solutions[asked]]
    question = f"{''.join(context)}{' '.join(words)} . {letters[asked]} ?"
    return question, [values[value] for value in order], " ".join(program)


def drawn(pool: Sequence[Item], count: int, rng: random.Random) -> list[Item]:
    """`count` of the pool in random order: three times as fast as `Random.sample`, which is half of all the work."""
    items = list(pool)
    for index in range(count):
        other = index + int(rng.random() * (len(items) - index))
        items[index], items[other] = items[other], items[index]
    return items[:count]
