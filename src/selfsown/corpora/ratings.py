"""Human ratings of how similar two texts are: what embeddings are measured against, and nothing is trained on.

sets -> rows of `RATING`. Pairs that share a text, however indirectly, are a group: they are no independent items. Rows
that are dropped are in `rejected.parquet` with their reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import pyarrow as pa
from pydantic import Field, field_validator

from selfsown.corpora.readers.ratings import SETS, Rating
from selfsown.params import check_known
from selfsown.products import CardInfo, joined
from selfsown.shards import with_reason, write_product
from selfsown.sources import describe, fetch
from selfsown.stage import Metrics, Out, StageParams, stage
from selfsown.text.documents.encoding import text_id
from selfsown.text.written.normal import normalize_for_comparison

RATING = pa.schema([
    (name, pa.float64() if name == "score" else pa.string())
    for name in ("id", "left", "right", "score", "set", "group", "source", "language")
])  # fmt: skip
"""A row of the product; `score`: from 0 to 1, more is more similar."""


class RatingsParams(StageParams):
    """Section `corpora.ratings`."""

    data_seed: int = Field(ge=0, description="of the card; nothing is drawn")
    sets: tuple[str, ...] = Field(min_length=1, description=f"of {', '.join(SETS)}")

    @field_validator("sets")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        check_known(names, SETS)
        return names


@stage()
def ratings(params: RatingsParams, *, corpus: Out) -> Metrics:
    """Make the ratings product.

    Raises:
        UserError: a set cannot be read.
    """
    rows: list[dict[str, object]] = []
    dropped: list[dict[str, object]] = []
    reasons: list[str] = []
    for name in params.sets:
        judged = list(judge(SETS[name].read(fetch(SETS[name].source))))
        groups = grouped(rating for rating in judged if not rating.reason)
        for rating in judged:
            row = {
                "id": f"{name}/{rating.id}", "left": rating.left, "right": rating.right, "score": rating.score,
                "set": name, "group": f"{name}/{groups.get(rating.id, '')}", "source": SETS[name].source,
                "language": "en",
            }  # fmt: skip
            (dropped if rating.reason else rows).append(row)
            reasons += [rating.reason] if rating.reason else []
    origins = [describe(SETS[name].source) for name in params.sets]
    write_product(
        corpus,
        [pa.Table.from_pylist(rows, RATING)],
        schema=RATING,
        card=CardInfo(
            name="corpora/ratings",
            **joined(origin.credits for origin in origins),
            seed=params.data_seed,
            note=" ".join(["To measure on, not to train on.", *(o.note for o in origins)]),
        ),
        rejected=with_reason(pa.Table.from_pylist(dropped, RATING), reasons),
    )
    return {**Counter(f"pairs_{row['set']}" for row in rows), "rejected": len(dropped)}


def judge(rows: Iterable[Rating]) -> Iterator[Rating]:
    """Each rating; dropped if a text is empty, the score is none, or the same two texts were rated before."""
    first: dict[frozenset[str], str] = {}
    for row in rows:
        pair = frozenset(map(normalize_for_comparison, (row.left, row.right)))
        reason = row.reason or ("empty text" if "" in pair else "")
        if not reason and not 0 <= row.score <= 1:
            reason = f"score: {row.score:g}, expected 0 to 1"
        if not reason and (same := first.setdefault(pair, row.id)) != row.id:
            reason = f"duplicate: of {same}"
        yield replace(row, reason=reason)


def grouped(rows: Iterable[Rating]) -> dict[str, str]:
    """The group of each pair, by its id: pairs that a chain of shared texts joins have one."""
    leader: dict[str, str] = {}
    texts: dict[str, str] = {}

    def root(text: str) -> str:
        while leader.setdefault(text, text) != text:
            text = leader[text]
        return text

    for row in rows:
        first, second = sorted((root(text_id(row.left)), root(text_id(row.right))))
        leader[second] = first
        texts[row.id] = first
    return {name: root(text) for name, text in texts.items()}
