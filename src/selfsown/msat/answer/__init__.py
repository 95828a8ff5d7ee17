"""A test set through a solver: one program and its executed answer per problem.

Input: a solver's folder, and the tasks (their dev split) or the word problems (a set's test rows). Output: rows of
`ANSWERS`, the problems as they are and, of word problems, with larger numbers (`harder`).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from selfsown.arithmetic import Expression, parse_prefix, print_infix, print_value, set_rows
from selfsown.device import compute_device
from selfsown.errors import UserError
from selfsown.msat.answer.larger import harder
from selfsown.msat.solvers.kinds import load_solver
from selfsown.msat.solvers.representation import Problem, problem_of
from selfsown.msat.solvers.scoring import Answered, executed, is_right, solve
from selfsown.products import CardInfo, read_card, read_product
from selfsown.shards import write_product
from selfsown.stage import In, Metrics, Out, StageParams, stage

ANSWERS = pa.schema([
    ("id", pa.string()), ("group", pa.string()), ("problem_set", pa.string()), ("enlarged", pa.bool_()),
    ("question", pa.string()), ("numbers", pa.list_(pa.string())), ("gold", pa.string()),
    ("gold_answer", pa.string()), ("program", pa.string()), ("answer", pa.string()), ("reason", pa.string()),
    ("correct", pa.float64()), ("majority", pa.float64()), ("steps", pa.int32()), ("operators", pa.string()),
])  # fmt: skip
"""`gold` and `program` are infix; `answer` is exact; `reason` says why there is none; `steps` and `operators` are gold.

`correct` and `majority` are 1 or 0, numbers so that they can be means over seeds: whether the answer is right, and
whether the training rows' most frequent program would give it, for which nobody needs to read the question.
"""


class AnswerParams(StageParams):
    """`limit`: how many problems of a set at most; `enlarge`: ask word problems with larger numbers too."""

    data_seed: int = Field(ge=0)
    limit: int | None = Field(None, ge=1)
    batch_size: int = Field(ge=1)
    enlarge: bool


@stage()
def answer(
    params: AnswerParams,
    *,
    problem_set: str,
    solver: In,
    problems: In | None = None,
    tasks: In | None = None,
    answers: Out,
) -> Metrics:
    """Answer one set of the problems, or the tasks; returns the share of right answers."""
    if (product := tasks or problems) is None:
        raise UserError("--problems or --tasks: one of them is needed")
    network = load_solver(solver).to(compute_device()).eval()
    everything = read_product(product)
    if tasks is None:
        tested, learnt = (set_rows(everything, problem_set, test=test) for test in (True, False))
    else:
        tested, learnt = (everything.filter(pc.field("split") == split) for split in ("dev", "train"))
    rows = limited(tested.sort_by("id"), params)
    asked = [(row, False) for row in rows]
    if params.enlarge and tasks is None:
        asked += [(larger, True) for larger in enlarged(rows, params.data_seed)]
    known = [problem_of(row) for row, _ in asked]
    answered = solve(network, known, params.batch_size)
    common = majority_program(learnt)
    made = [
        {
            **_row(row, problem, found),
            "majority": float(is_right(executed(common, problem.numbers), problem)),
            "problem_set": problem_set,
            "enlarged": larger,
        }
        for (row, larger), problem, found in zip(asked, known, answered, strict=True)
    ]
    table = pa.Table.from_pylist(made, ANSWERS)
    about = read_card(product)
    card = CardInfo(
        name=f"answers to {problem_set}", licence=about.licence, source=about.source, seed=params.data_seed,
        note=f"{table.num_rows} problems, {len(asked) - len(rows)} of them with larger numbers",
        contaminated=about.contaminated,
    )  # fmt: skip
    write_product(answers, [table], schema=ANSWERS, card=card)
    return {"accuracy": float(np.mean([row["correct"] for row in made[: len(rows)]]))}


def limited(table: pa.Table, params: AnswerParams) -> Sequence[Mapping[str, Any]]:
    """So many rows as may be asked, the same ones for every solver and seed of training."""
    if params.limit is not None and table.num_rows > params.limit:
        chosen = np.random.default_rng(params.data_seed).choice(table.num_rows, params.limit, replace=False)
        table = table.take(np.sort(chosen))
    return table.to_pylist()


def majority_program(rows: pa.Table) -> Expression:
    """The most frequent program; of several the first in the alphabet."""
    counts = Counter(rows["equation"].to_pylist())
    return parse_prefix(min(counts, key=lambda equation: (-counts[equation], equation)))


def enlarged(rows: Sequence[Mapping[str, Any]], seed: int) -> list[dict[str, Any]]:
    """The problems that can be asked with larger numbers; each is drawn by itself, so a limit changes none of them."""
    made = []
    for row in rows:
        if (larger := harder(row, random.Random(f"{seed}:{row['id']}"))) is not None:
            made.append(larger)
    return made


def _row(row: Mapping[str, Any], problem: Problem, found: Answered) -> dict[str, Any]:
    assert problem.expression is not None and problem.answer is not None
    return {
        **{name: row[name] for name in ("id", "group", "question", "numbers", "steps", "operators")},
        "gold": print_infix(problem.expression),
        "gold_answer": print_value(problem.answer),
        "program": "" if found.expression is None else print_infix(found.expression),
        "answer": "" if found.value is None else print_value(found.value),
        "reason": found.reason,
        "correct": float(is_right(found, problem)),
    }
