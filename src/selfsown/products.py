"""Data products: folders of Parquet shards with a card, read only when whole and unchanged.

A product holds `part-00000.parquet` ... (`.arrow` where it is read at random places), a `README.md` for people and
`datasets`, and, written last, `card.json`; rows that were refused are in `rejected.parquet` with a `reason`. Until the
card exists nothing reads the product.
`selfsown.shards` writes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, TypedDict

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
from pydantic import Field, SerializerFunctionWrapHandler, model_serializer

from selfsown.errors import UserError
from selfsown.params import Params

REJECTED = "rejected.parquet"


class ProductError(UserError):
    """A product is missing, unfinished or damaged; the message names the file and what to do."""


class Credits(TypedDict):
    """What a card says of where its rows are from; `contaminated` as in `CardInfo`."""

    licence: str
    source: str
    contaminated: tuple[str, ...]


def joined(credits: Iterable[Credits]) -> Credits:
    """Of a product that is made of several sources or products; what they have in common is said once."""
    parts = list(credits)
    return {
        "licence": "; ".join(dict.fromkeys(each["licence"] for each in parts)),
        "source": "; ".join(dict.fromkeys(each["source"] for each in parts)),
        "contaminated": tuple(dict.fromkeys(name for each in parts for name in each["contaminated"])),
    }


class CardInfo(Params):
    """What the maker of a product says about it."""

    name: str
    licence: str
    source: str
    seed: int
    note: str = ""
    contaminated: tuple[str, ...] = Field((), description="benchmarks whose authors ask that this not be trained on")
    disjoint: dict[str, str] = Field({}, description="sources whose texts stand on several splits: what parts these")

    @model_serializer(mode="wrap")
    def _said(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the fields that say nothing of most products."""
        said: dict[str, Any] = serialize(self)
        return {key: value for key, value in said.items() if value or key not in ("contaminated", "disjoint")}


class ShardInfo(Params):
    """One finished Parquet file: its rows and the sha256 of its bytes."""

    file: str
    rows: int
    sha256: str


class Card(CardInfo):
    """`card.json`: the maker's words, what is in the product, and how many rows were dropped for which reason."""

    rows: int
    columns: dict[str, str]
    dropped: dict[str, int]
    shards: tuple[ShardInfo, ...]

    @property
    def credits(self) -> Credits:
        """For the card of what is made of this product."""
        return {"licence": self.licence, "source": self.source, "contaminated": self.contaminated}

    @property
    def losses(self) -> str:
        """How many rows were dropped for which reason, in words."""
        return losses(self.dropped)

    @property
    def digest(self) -> str:
        """Sha256 over the card, which names the sha256 of every shard: equal digests mean equal bytes."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


def losses(dropped: Mapping[str, int]) -> str:
    """Rows dropped by reason, most first, for the error of a stage that is left with too few.

    >>> losses({"digits": 3, "held out": 2700})
    'held out 2,700, digits 3'
    """
    ordered = sorted(dropped.items(), key=lambda item: (-item[1], item[0]))
    return ", ".join(f"{reason} {count:,}" for reason, count in ordered) or "none"


def read_card(product: Path) -> Card:
    """The card of a finished product.

    Raises:
        ProductError: the folder has no card (never made, or its stage was killed).
    """
    path = product / "card.json"
    if not path.is_file():
        raise ProductError(f"{product}: not a finished data product (no card.json); run its stage with `dvc repro`")
    return Card.model_validate_json(path.read_bytes())


def read_product(product: Path, columns: Sequence[str] | None = None) -> pa.Table:
    """All rows of a product, each shard checked against the card's sha256.

    Raises:
        ProductError: unfinished product, or a shard that is missing, truncated or changed.
    """
    return pa.concat_tables(list(iter_product(product, columns)))


def iter_product(product: Path, columns: Sequence[str] | None = None) -> Iterator[pa.Table]:
    """The shards of a product one after another, checked like `read_product`."""
    for shard in read_card(product).shards:
        path = product / shard.file
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            raise ProductError(
                f"{path}: missing, though the card lists it; make it again with `dvc repro -f`"
            ) from None
        if (found := hashlib.sha256(data).hexdigest()) != shard.sha256:
            raise ProductError(
                f"{path}: damaged: {len(data)} bytes with sha256 {found[:12]}..., the card says {shard.sha256[:12]}... "
                f"({shard.rows} rows); restore it with `dvc checkout --force` or make it again with `dvc repro -f`"
            )
        # From the path, not from `data`: Arrow's threads may still hold a Python buffer when the interpreter ends, and
        # letting go of it then aborts the process (apache/arrow#34314).
        if path.suffix == ".arrow":
            with pa.memory_map(str(path)) as mapped:
                table = pa.ipc.open_file(mapped).read_all()
            yield table.select(list(columns)) if columns is not None else table
            continue
        with pq.ParquetFile(path) as file:
            yield file.read(columns=list(columns) if columns is not None else None)
