"""Packed tokens as a model reads them: of each collection and split one stream, cut into sequences of any length.

A sequence of a model with context T is T + 1 tokens: those it sees and, one further on, those it must say. Sequences
do not overlap, so each token stands in one of them an epoch; a document may begin in one and end in the next. The last
tokens of a stream, fewer than a sequence, are left out: padding is never trained on.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from selfsown.errors import UserError
from selfsown.products import ProductError, read_card
from selfsown.tinyllama.vocabulary.forms import TokenArray

SPLITS = ("train", "validation")

PACKED = pa.schema(
    [("id", pa.string()), ("collection", pa.string()), ("split", pa.string()), ("input_ids", pa.list_(pa.uint16()))]
)
"""A row of a packed product: one document."""


@dataclass
class TokenStream:
    """The tokens of one collection and split, shard after shard, and where their documents begin."""

    name: str
    shards: list[TokenArray] = field(default_factory=list)
    offsets: list[NDArray[np.int32]] = field(default_factory=list)

    @property
    def tokens(self) -> int:
        """How many there are."""
        return sum(map(len, self.shards))

    def sequences(self, length: int) -> int:
        """How many whole sequences of `length` tokens there are.

        Raises:
            UserError: not even one.
        """
        if (count := self.tokens // length) == 0:
            raise UserError(
                f"{self.name}: {self.tokens:,} tokens do not fill one sequence of {length:,}: "
                "a shorter context, or more documents"
            )
        return count

    def read(self, indices: Iterable[int], length: int) -> NDArray[np.int64]:
        """Sequences by their number: `[indices, length]`."""
        return np.stack([self._cut(index * length, length) for index in indices])

    def _cut(self, start: int, length: int) -> NDArray[np.int64]:
        """Tokens from `start` on, over the borders of shards."""
        starts = self._starts
        shard = int(np.searchsorted(starts, start, side="right")) - 1
        pieces: list[TokenArray] = []
        while length > 0:
            piece = self.shards[shard][start - starts[shard] :][:length]
            pieces.append(piece)
            start, length, shard = start + len(piece), length - len(piece), shard + 1
        return np.concatenate(pieces).astype(np.int64)

    @cached_property
    def _starts(self) -> NDArray[np.int64]:
        return np.cumsum([0, *map(len, self.shards)])[:-1]

    def documents(self) -> tuple[TokenArray, NDArray[np.int64]]:
        """All tokens in one array, and the offsets `[documents + 1]` of the documents in it."""
        ends = [offsets[1:].astype(np.int64) + start for offsets, start in zip(self.offsets, self._starts, strict=True)]
        return np.concatenate(self.shards), np.concatenate([[0], *ends])


@dataclass(frozen=True)
class Packed:
    """A packed product: streams by split, then by collection."""

    streams: dict[str, dict[str, TokenStream]]

    @classmethod
    def open(cls, product: Path) -> Self:
        """Map every shard; its tokens are read when they are asked for.

        Raises:
            ProductError: unfinished product, or a shard that is missing or cut off.
        """
        streams: dict[str, dict[str, TokenStream]] = defaultdict(dict)
        for shard in read_card(product).shards:
            if not shard.rows:
                continue
            path = product / shard.file
            try:
                table = pa.ipc.open_file(pa.memory_map(str(path))).read_all()
            except (OSError, pa.ArrowInvalid) as error:
                raise ProductError(f"{path}: cannot be read: {error}; make it again with `dvc repro -f`") from None
            if table.num_rows != shard.rows:
                raise ProductError(f"{path}: {table.num_rows} documents, the card says {shard.rows}")
            collection, split = table["collection"][0].as_py(), table["split"][0].as_py()
            stream = streams[split].setdefault(collection, TokenStream(f"{product}: {collection}, {split}"))
            column = table["input_ids"].chunk(0)
            stream.shards.append(column.values.to_numpy())
            stream.offsets.append(column.offsets.to_numpy())
        return cls(dict(streams))

    def of(self, split: str, collections: Iterable[str]) -> dict[str, TokenStream]:
        """The streams of some collections.

        Raises:
            UserError: one has no document there.
        """
        there = self.streams.get(split, {})
        if missing := [name for name in collections if name not in there]:
            raise UserError(f"no document of {missing[0]!r} is on the split {split!r}; there: {', '.join(there)}")
        return {name: there[name] for name in collections}


def packed_table(ids: Sequence[str], collection: str, split: str, tokens: Sequence[TokenArray]) -> pa.Table:
    """Documents as rows of `PACKED`."""
    flat = np.concatenate(tokens) if tokens else np.zeros(0, np.uint16)
    offsets = np.cumsum([0, *map(len, tokens)], dtype=np.int32)
    column = pa.ListArray.from_arrays(pa.array(offsets), pa.array(flat))
    both = [pa.array([word] * len(ids), pa.string()) for word in (collection, split)]
    return pa.Table.from_arrays([pa.array(ids, pa.string()), *both, column], schema=PACKED)
