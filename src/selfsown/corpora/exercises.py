"""Exercises to pre-train a small model on, so that it can calculate step by step before it is taught to reason.

MsAT's tasks, labelled rationales -> rows of `DOCUMENT`, such as

    W = 165 . 348 - Q = W . Q ?
    348 - 165 = <<348-165=183>>183
    #### 183

A document is one exercise, or some of one kind parted by a blank line: a question, its steps with calculator
annotations in the native form, its answer. Of the rationales the labelled ones alone are read, so nothing here tells
the answer of a question in the pool or on a test. Exercises are put on a split each; a document has those of one split.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Self

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field, model_validator

from selfsown.arithmetic import Expression, Refused, parse_decimal, parse_prefix, print_annotations
from selfsown.corpora.schemas.document import DOCUMENT, split_of
from selfsown.errors import UserError
from selfsown.products import CardInfo, read_card, read_product
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
    repeats: int = Field(ge=1, description="documents that a labelled rationale stands in")
    together: int = Field(ge=1, description="exercises in a document")
    validation: float = Field(gt=0, lt=1, description="share of the exercises that no model is trained on")

    @model_validator(mode="after")
    def _documents_differ(self) -> Self:
        if self.repeats > 1 and self.together == 1:
            raise ValueError("repeats: documents of one exercise would be the same: together must be 2 or more")
        return self


@dataclass(frozen=True)
class Exercise:
    """A question with its solution; `name` says where it is from."""

    name: str
    source: str
    licence: str
    text: str


@stage()
def exercises(params: ExercisesParams, *, tasks: In, rationales: In, documents: Out) -> Metrics:
    """Make the collection of exercises.

    Raises:
        UserError: there is not one labelled rationale.
    """
    solved = list(islice(_tasks(tasks, params.data_seed), params.tasks))
    labelled = list(_labelled(rationales))
    if not labelled:
        raise UserError(f"{rationales}: no labelled rationale")
    rows = [*_documents(solved, 1, params), *_documents(labelled, params.repeats, params)]
    rows = list({row["id"]: row for row in rows}.values())
    cards = [read_card(product) for product in (*_products(tasks), rationales)]
    write_product(
        documents,
        [
            pa.Table.from_pylist(rows[start : start + ROWS_PER_SHARD], DOCUMENT)
            for start in range(0, len(rows), ROWS_PER_SHARD)
        ],
        schema=DOCUMENT,
        card=CardInfo(
            name=f"corpora/documents/{documents.name}",
            licence="; ".join(dict.fromkeys(card.licence for card in cards)),
            source="; ".join(dict.fromkeys(card.source for card in cards)),
            seed=params.data_seed,
            note="Tasks of MsAT and labelled rationales. Splits train and validation, by exercise.",
        ),
    )
    counts = Counter(f"documents_{row['split']}" for row in rows)
    characters: Counter[str] = Counter()
    for row in rows:
        characters[f"characters_{row['split']}"] += len(row["text"])
    return {"tasks": len(solved), "labelled": len(labelled), **counts, **characters}


def _products(tasks: Path) -> list[Path]:
    return sorted(card.parent for card in tasks.glob("*/card.json"))


def _tasks(tasks: Path, seed: int) -> Iterator[Exercise]:
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
    for name in sorted(found, key=partial(rank, seed)):
        row, licence = found[name]
        numbers: list[str] = row["numbers"]
        try:
            solution = solve(parse_prefix(row["equation"]), numbers, row["answer"])
        except Refused:
            continue
        yield Exercise(name, row["source"], licence, f"{filled(row['question'], numbers)}\n{solution}")


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
            yield Exercise(row["id"], row["source"], licence, f"{row['question']}\n{in_native(row['rationale'])}")


def _documents(exercises: Sequence[Exercise], repeats: int, params: ExercisesParams) -> Iterator[dict[str, str]]:
    """Rows of documents; each repeat puts the exercises together in another order."""
    splits: dict[str, list[Exercise]] = {"train": [], "validation": []}
    for one in exercises:
        splits[split_of(text_id(one.text), params.validation, params.data_seed)].append(one)
    for again in range(repeats):
        for split, members in splits.items():
            order = sorted(members, key=lambda one: rank(params.data_seed, f"{again}:{one.name}"))
            for part in _parts(order, params.together):
                text = "\n\n".join(one.text for one in part)
                yield {
                    "id": text_id(text), "text": text, "source": part[0].source, "name": part[0].name, "domain": DOMAIN,
                    "licence": part[0].licence, "split": split,
                }  # fmt: skip


def _parts(exercises: Sequence[Exercise], together: int) -> Iterator[Sequence[Exercise]]:
    """So many exercises a document; the last one has what is left over too."""
    count = len(exercises) // together or min(1, len(exercises))
    for part in range(count):
        yield exercises[part * together : (part + 1) * together if part + 1 < count else None]
