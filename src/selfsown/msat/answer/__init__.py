"""A test set through a solver: one program and its executed answer per problem.

Input: a solver's folder, and the tasks (their dev split) or the word problems (a set's test rows) and questions in
plain English. Output: rows of `ANSWERS`, the problems as they are and, of word problems, with larger numbers too.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from selfsown.arithmetic import (
    QUESTIONS,
    Program,
    members,
    parse_prefix,
    print_infix,
    print_value,
    read_questions,
    set_rows,
)
from selfsown.device import compute_device
from selfsown.errors import UserError
from selfsown.msat.answer.larger import harder
from selfsown.msat.questions import read_question
from selfsown.msat.solvers.kinds import load_solver
from selfsown.msat.solvers.representation import Problem, problem_of
from selfsown.msat.solvers.scoring import Answered, executed, is_right, is_right_as_written, solve
from selfsown.products import CardInfo, read_card, read_product
from selfsown.shards import write_product
from selfsown.stage import In, Metrics, Out, StageParams, stage

ANSWERS = pa.schema([
    ("id", pa.string()), ("group", pa.string()), ("problem_set", pa.string()), ("enlarged", pa.bool_()),
    ("question", pa.string()), ("numbers", pa.list_(pa.string())), ("gold", pa.string()),
    ("gold_answer", pa.string()), ("program", pa.string()), ("answer", pa.string()), ("reason", pa.string()),
    ("correct", pa.float64()), ("as_written", pa.float64()), ("majority", pa.float64()), ("steps", pa.int32()),
    ("operators", pa.string()),
])  # fmt: skip
"""`problem_set`: the one that the problem is of, where a solver learnt from several that are joined.
`gold` and `program` are infix; `answer` is exact; `reason` says why there is none; `steps` and `operators` are gold. Of
questions in plain English nobody says a gold program: it is empty, and they have 0 steps.

`correct`, `as_written` and `majority` are 1 or 0, numbers so that they can be means over seeds: whether the answer is
right, whether it would be over the numbers that the solver wrote (the authors' scoring of the seq2seq solver), and
whether the training rows' most frequent program gives it, for which nobody needs to read the question.
"""


class AnswerParams(StageParams):
    """`limit`: how many problems of a set at most; `enlarge`: ask word problems with larger numbers too."""

    data_seed: int = Field(ge=0)
    limit: int | None = Field(None, ge=1)
    batch_size: int = Field(ge=1)
    enlarge: bool


class Asked(NamedTuple):
    """A problem and the set it is of; `row` is what its product says of it."""

    problem_set: str
    row: Mapping[str, Any]
    problem: Problem
    enlarged: bool = False


@stage()
def answer(
    params: AnswerParams,
    *,
    problem_set: str,
    solver: In,
    problems: In | None = None,
    tasks: In | None = None,
    questions: In | None = None,
    answers: Out,
) -> Metrics:
    """Answer the sets of problems that a name joins, or the tasks; returns the share of right answers."""
    if (product := tasks or problems) is None:
        raise UserError("--problems or --tasks: one of them is needed")
    network = load_solver(solver).to(compute_device()).eval()
    everything = read_product(product)
    if tasks is None:
        learnt = set_rows(everything, problem_set, test=False)
        asked = [each for name in members(problem_set) for each in _asked(name, everything, questions, params)]
    else:
        tested, learnt = (everything.filter(pc.field("split") == split) for split in ("dev", "train"))
        asked = [Asked(problem_set, row, problem_of(row)) for row in limited(tested.sort_by("id"), params)]
    answered = solve(network, [each.problem for each in asked], params.batch_size)
    common = majority_program(learnt)
    made = [
        {
            **_row(each.row, each.problem, found),
            "majority": float(is_right(executed(common, each.problem.numbers), each.problem)),
            "problem_set": each.problem_set,
            "enlarged": each.enlarged,
        }
        for each, found in zip(asked, answered, strict=True)
    ]
    table = pa.Table.from_pylist(made, ANSWERS)
    about = read_card(product)
    plain = [row["correct"] for row in made if not row["enlarged"]]
    card = CardInfo(
        name=f"answers to {problem_set}", licence=about.licence, source=about.source, seed=params.data_seed,
        note=f"{table.num_rows} problems, {len(made) - len(plain)} of them with larger numbers",
        contaminated=about.contaminated,
    )  # fmt: skip
    write_product(answers, [table], schema=ANSWERS, card=card)
    return {"accuracy": float(np.mean(plain))}


def _asked(name: str, everything: pa.Table, questions: Path | None, params: AnswerParams) -> Iterator[Asked]:
    """The problems of one set, as they are and then with larger numbers."""
    if name == QUESTIONS:
        if questions is None:
            raise UserError(f"--questions: needed for the set {name!r}")
        yield from _plain(questions)
        return
    rows = limited(set_rows(everything, name, test=True), params)
    yield from (Asked(name, row, problem_of(row)) for row in rows)
    if params.enlarge:
        yield from (Asked(name, row, problem_of(row), True) for row in enlarged(rows, params.data_seed))


def _plain(questions: Path) -> Iterator[Asked]:
    """Questions as `selfsown solve` reads them; one that it cannot read has no number, and so no answer."""
    for place, question in enumerate(read_questions(questions)):
        try:
            problem = read_question(question.text)
        except UserError:
            problem = Problem(question.text, question.text, ())
        name = f"{QUESTIONS}/{place}"
        row = {
            "id": name, "group": name, "question": question.text, "steps": 0, "operators": "",
            "numbers": [print_value(number) for number in problem.numbers],
        }  # fmt: skip
        yield Asked(QUESTIONS, row, replace(problem, answer=question.answer))


def limited(table: pa.Table, params: AnswerParams) -> Sequence[Mapping[str, Any]]:
    """So many rows as may be asked, the same ones for every solver and seed of training."""
    if params.limit is not None and table.num_rows > params.limit:
        chosen = np.random.default_rng(params.data_seed).choice(table.num_rows, params.limit, replace=False)
        table = table.take(np.sort(chosen))
    return table.to_pylist()


def majority_program(rows: pa.Table) -> Program:
    """The most frequent program; of several the first in the alphabet."""
    counts = Counter(rows["equation"].to_pylist())
    return Program(parse_prefix(min(counts, key=lambda equation: (-counts[equation], equation))), {})


def enlarged(rows: Sequence[Mapping[str, Any]], seed: int) -> list[dict[str, Any]]:
    """The problems that can be asked with larger numbers; each is drawn by itself, so a limit changes none of them."""
    made = []
    for row in rows:
        if (larger := harder(row, random.Random(f"{seed}:{row['id']}"))) is not None:
            made.append(larger)
    return made


def _row(row: Mapping[str, Any], problem: Problem, found: Answered) -> dict[str, Any]:
    assert problem.answer is not None
    return {
        **{name: row[name] for name in ("id", "group", "question", "numbers", "steps", "operators")},
        "gold": "" if problem.expression is None else print_infix(problem.expression),
        "gold_answer": print_value(problem.answer),
        "program": "" if found.expression is None else print_infix(found.expression),
        "answer": "" if found.value is None else print_value(found.value),
        "reason": found.reason,
        "correct": float(is_right(found, problem)),
        "as_written": float(is_right_as_written(found, problem)),
    }
