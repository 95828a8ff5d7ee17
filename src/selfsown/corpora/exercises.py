"""Exercises to pre-train a small model on, so that it can calculate step by step before it is taught to reason.

MsAT's tasks, labelled rationales -> two collections of documents, rows of `EXERCISE`, a question and its solution each:

    W = 165 . 348 - Q = W . Q ?
    348 - 165 = <<348-165=183>>183
    #### 183

A solution is steps with calculator annotations in the native form, then the answer. Of the rationales the labelled ones
alone are read, so nothing here tells the answer of a question in the pool or on a test.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import islice
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from selfsown.arithmetic import Expression, Refused, parse_decimal, parse_prefix, print_annotations
from selfsown.corpora.schemas.document import EXERCISE, split_of
from selfsown.errors import UserError
from selfsown.products import CardInfo, joined, read_card, read_product
from selfsown.reasoning.rationale import ANNOTATION, MARK, filled, in_native
from selfsown.shards import write_product
from selfsown.shards.seeds import rank
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.text.documents.encoding import text_id

DOMAIN = "exercise"
ROWS_PER_SHARD = 20_000

_SIGN = re.compile(r"(?<=[0-9])[-+*/]")


class ExercisesParams(StageParams):
    """Section `corpora.exercises`."""

    data_seed: int = Field(ge=0)
    tasks: int = Field(ge=0, description="training tasks of MsAT, drawn by seed from all difficulties that were made")
    largest: int = Field(ge=1, description="a task with a larger number in its question is left out")
    validation: float = Field(gt=0, lt=1, description="share of the exercises that no model is trained on")


@stage()
def exercises(params: ExercisesParams, *, tasks: In, rationales: In, solved: Out, labelled: Out) -> Metrics:
    """Make both collections: `solved` tasks, and `labelled` rationales.

    Raises:
        UserError: there is not one labelled rationale.
    """
    made = {
        solved: ([*islice(_tasks(tasks, params), params.tasks)], _products(tasks)),
        labelled: ([*_labelled(rationales)], [rationales]),
    }
    if not made[labelled][0]:
        raise UserError(f"{rationales}: no labelled rationale")
    counts: Counter[str] = Counter()
    for folder, (found, products) in made.items():
        rows = _rows(found, params)
        write_product(
            folder,
            [
                pa.Table.from_pylist(rows[start : start + ROWS_PER_SHARD], EXERCISE)
                for start in range(0, len(rows), ROWS_PER_SHARD)
            ],
            schema=EXERCISE,
            card=CardInfo(
                name=f"corpora/documents/{folder.name}",
                **joined(read_card(product).credits for product in products),
                seed=params.data_seed,
                note="Questions and their solutions. Splits train and validation, by exercise.",
            ),
        )
        counts.update(f"{folder.name}_{row['split']}" for row in rows)
    return dict(counts)


Exercise = dict[str, str]
"""What is known of a row: `name`, `source`, `licence`, `question`, `rationale`."""


def _rows(found: Iterable[Exercise], params: ExercisesParams) -> list[Exercise]:
    """Rows of `EXERCISE`, each text once."""
    rows = {}
    for each in found:
        text = f"{each['question']}\n{each['rationale']}"
        name = text_id(text)
        split = split_of(name, params.validation, params.data_seed)
        rows[name] = each | {"id": name, "text": text, "domain": DOMAIN, "split": split}
    return list(rows.values())


def _products(tasks: Path) -> list[Path]:
    return sorted(card.parent for card in tasks.glob("*/card.json"))


def _tasks(tasks: Path, params: ExercisesParams) -> Iterator[Exercise]:
    """Training tasks of all difficulties in an order drawn by the seed, solved.

    One whose values have no finite decimals is left out.
    """
    columns = ["id", "question", "numbers", "equation", "answer", "source", "split"]
    found = {
        f"{product.name}/{row['id']}": (row, licence)
        for product in _products(tasks)
        for licence in [read_card(product).licence]
        for row in read_product(product, columns).filter(pc.field("split") == "train").to_pylist()
    }
    for name in sorted(found, key=partial(rank, params.data_seed)):
        row, licence = found[name]
        numbers: list[str] = row["numbers"]
        if any(parse_decimal(number) > params.largest for number in numbers):
            continue
        try:
            solution = solve(parse_prefix(row["equation"]), numbers, row["answer"])
        except Refused:
            continue
        question = filled(row["question"], numbers)
        yield {
            "name": name, "source": row["source"], "licence": licence, "question": question, "rationale": solution
        }  # fmt: skip


def solve(equation: Expression, numbers: Sequence[str], answer: str) -> str:
    """The steps of an equation as a rationale: a line an operation, `348 - 165 = <<348-165=183>>183`.

    Raises:
        Refused: as `print_annotations`.
    """
    annotations = print_annotations(equation, [parse_decimal(number) for number in numbers])
    lines = [
        f"{_SIGN.sub(lambda sign: f' {sign[0]} ', step[1])} = {step[0]}{step[2]}"
        for step in ANNOTATION.finditer(annotations)
    ]
    return "\n".join([*lines, f"{MARK} {answer}"])


def _labelled(rationales: Path) -> Iterator[Exercise]:
    licence = read_card(rationales).licence
    columns = ["id", "question", "rationale", "source", "split"]
    for row in read_product(rationales, columns).to_pylist():
        if row["split"] == "labelled":
            yield {
                "name": row["id"], "source": row["source"], "licence": licence, "question": row["question"],
                "rationale": in_native(row["rationale"]),
            }  # fmt: skip
