"""Samples as a product: every completion that models have written so far, and the labelled rationales before them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from selfsown.errors import UserError
from selfsown.products import read_card, read_product

SAMPLE = pa.schema([
    ("id", pa.string()), ("question", pa.string()), ("gold", pa.string()), ("rationale", pa.string()),
    ("model", pa.string()), ("k", pa.int32()), ("correct", pa.bool_()), ("tokens", pa.int32()),
    ("finished", pa.bool_()), ("order", pa.int32()),
])  # fmt: skip
"""One completion of a question.

id, question: the question's.
gold: its answer, exact, as `print_value` writes it.
rationale: what was written, calculator's results among it.
model: the name of the samples that it was written for; `gold` where people wrote it.
k: which of the model's completions of this question.
correct: whether it ends with the answer.
tokens: that it took, its end among them; 0 for `gold`.
finished: whether it ended by itself.
order: 0 for `gold`, and one more with each model: the newest is the greatest.
"""

GOLD = "gold"


def read_earlier(earlier: Path, name: str) -> pa.Table:
    """What the samples called `name` go on from, as `SAMPLE`: earlier samples, or the labelled of the rationales.

    Raises:
        UserError: the earlier samples hold a model of that name already.
    """
    if not set(SAMPLE.names) <= read_card(earlier).columns.keys():
        return _gold(read_product(earlier, ["id", "question", "answer", "rationale", "split"]))
    rows = read_product(earlier, SAMPLE.names)
    if name in {GOLD, *rows["model"].unique().to_pylist()}:
        raise UserError(f"{earlier}: has samples of a model {name!r} already: give these another --name")
    return rows


def next_order(earlier: pa.Table) -> int:
    """The `order` of the model that writes next."""
    return (pc.max(earlier["order"]).as_py() or 0) + 1


def _gold(rationales: pa.Table) -> pa.Table:
    """The labelled rationales; a problem whose rationale nobody wrote teaches nothing yet."""
    labelled = pc.and_(pc.equal(rationales["split"], "labelled"), pc.not_equal(rationales["rationale"], ""))
    rows = rationales.filter(labelled)
    count = len(rows)
    columns = {
        "id": rows["id"], "question": rows["question"], "gold": rows["answer"], "rationale": rows["rationale"],
        "model": [GOLD] * count, "k": [0] * count, "correct": [True] * count, "tokens": [0] * count,
        "finished": [True] * count, "order": [0] * count,
    }  # fmt: skip
    return pa.table(columns, schema=SAMPLE)
