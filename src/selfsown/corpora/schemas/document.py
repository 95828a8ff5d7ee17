"""The row of a collection of documents, and the split that a document is on."""

from __future__ import annotations

import pyarrow as pa

from selfsown.shards.seeds import chance

DOCUMENT = pa.schema([(name, pa.string()) for name in ("id", "text", "source", "name", "domain", "licence", "split")])
"""A row of a collection.

id: `text_id` of the text. name: file and place in the source. split: train or validation.
"""

EXERCISE = pa.schema([*DOCUMENT, *((name, pa.string()) for name in ("question", "rationale"))])
"""A row of a collection of exercises: its text is the question, a line break, the rationale."""


def split_of(name: str, validation: float, seed: int) -> str:
    """The split of a document by its id, whatever other documents there are."""
    return "validation" if chance(f"validation:{name}", seed) < validation else "train"
