"""The gates of this pipeline: they stand inside the stages that make pairs and labels.

The rows are written, then checked, and only then does the product get its card: what did not pass is there to be looked
at, beside its Data Docs, and nothing reads it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa

from selfsown import quality
from selfsown.products import Card, CardInfo
from selfsown.shards import write_product

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

Looked = Mapping[str, tuple[pd.DataFrame, Sequence["Expectation"]]]
"""By name: rows, and what must hold of them."""


def write_checked(
    out: Path, rows: pa.Table, *, card: CardInfo, rejected: pa.Table, looked_at: Looked, report: Path
) -> Card:
    """Write a product of one table, checked before it has a card.

    Raises:
        GateError: an expectation failed.
    """

    def gated() -> Iterator[pa.Table]:
        yield rows
        frames = {name: frame for name, (frame, _) in looked_at.items()}  # asked for more tables: these rows are there
        quality.check(frames, {name: suite for name, (_, suite) in looked_at.items()}, report)

    return write_product(out, gated(), schema=rows.schema, card=card, rejected=rejected)
