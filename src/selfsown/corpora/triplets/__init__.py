"""Triplets of sentences: a premise, a claim that it entails, a claim that it contradicts (DiffAug, section 3).

sources, ratings -> rows of `TRIPLET`, on the splits train, dev and test.

Labelled pairs are joined by premise. No group (a page; else all that share a premise) is torn, and no sentence stands
on two splits: held-out splits are filled first, and what repeats one of their sentences, or a rated text, is dropped.
Every row that is dropped is in `rejected.parquet` with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import pyarrow as pa
from pydantic import Field, field_validator

from selfsown.corpora.readers.triplets import own, vitaminc
from selfsown.corpora.readers.triplets.triplet import SPLITS, Triplet
from selfsown.corpora.triplets.choice import Rows, assign, judge
from selfsown.errors import UserError
from selfsown.params import Range
from selfsown.products import CardInfo, joined, losses, read_product
from selfsown.shards import with_reason, write_product
from selfsown.sources import describe, fetch
from selfsown.stage import In, Metrics, Out, StageParams, stage

TRIPLET = pa.schema([
    (name, pa.string())
    for name in ("id", "premise", "entailment", "contradiction", "group", "source", "language", "split")
])  # fmt: skip
"""A row of the product; `split`: train, dev or test, and a group is on one."""

READERS = {"bigbench-vitaminc": vitaminc.read}
"""Readers by the name of the source; others hold files of rows."""

ROWS_PER_SHARD = 50_000


class TripletsParams(StageParams):
    """Section `corpora.triplets`."""

    data_seed: int = Field(ge=0)
    sources: tuple[str, ...] = Field(
        min_length=1, description=f"{', '.join(READERS)}, or registered folders and hub data sets of rows"
    )
    rows: Rows = Field(
        description="split: rows wanted of those without one of their own, in this order; null takes the rest"
    )
    words: Range = Field(description="of each of the three sentences")

    @field_validator("sources")
    @classmethod
    def _different(cls, sources: tuple[str, ...]) -> tuple[str, ...]:
        if again := [name for name, times in Counter(sources).items() if times > 1]:
            raise ValueError(f"{again[0]!r} stands twice")
        return sources


@stage()
def triplets(params: TripletsParams, *, ratings: In, corpus: Out) -> Metrics:
    """Make the triplets product.

    Raises:
        UserError: a source cannot be read, or no triplet is left on one of the splits.
    """
    rated = read_product(ratings, ["left", "right"])
    texts = [text for side in rated.columns for text in side.to_pylist()]
    judged = assign(judge(read(params.sources), params.words), params.rows, params.data_seed, texts)
    kept = [row for row in judged if not row.reason]
    dropped = [row for row in judged if row.reason]
    if missing := [split for split in SPLITS if not any(row.split == split for row in kept)]:
        reasons = Counter(row.reason.partition(":")[0] for row in dropped)
        raise UserError(
            f"params.yaml: corpora.triplets: no triplet is left for the split {missing[0]!r}: ask for fewer `rows` of "
            f"the others, or add sources; dropped: {losses(reasons)}"
        )
    origins = [describe(source) for source in params.sources]
    write_product(
        corpus,
        [_table(kept[start : start + ROWS_PER_SHARD]) for start in range(0, len(kept), ROWS_PER_SHARD)],
        schema=TRIPLET,
        card=CardInfo(
            name="corpora/triplets",
            **joined(origin.credits for origin in origins),
            seed=params.data_seed,
            note=" ".join(["Splits train, dev, test, by group.", *(o.note for o in origins)]),
        ),
        rejected=with_reason(_table(dropped), [row.reason for row in dropped]),
    )
    counts = Counter(row.split for row in kept)
    groups = Counter(split for split, _ in {(row.split, row.group) for row in kept})
    return {
        **{f"triplets_{split}": counts[split] for split in SPLITS},
        **{f"groups_{split}": groups[split] for split in SPLITS},
        **Counter(f"rejected_{row.reason.partition(':')[0].replace(' ', '_')}" for row in dropped),
    }


def read(sources: Sequence[str]) -> list[Triplet]:
    """The triplets of all sources."""
    return [row for name in sources for row in READERS.get(name, own.read)(name, fetch(name))]


def _table(rows: Sequence[Triplet]) -> pa.Table:
    return pa.Table.from_pylist([{name: getattr(row, name) for name in TRIPLET.names} for row in rows], TRIPLET)
