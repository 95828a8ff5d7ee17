"""Data products: folders of Parquet shards with a card, read only when whole and unchanged.

A product holds `part-00000.parquet` ... (`.arrow` where it is read at random places), a `README.md` for people and
`datasets`, and, written last, `card.json`; rows that were refused are in `rejected.parquet` with a `reason`. Until the
card exists nothing reads the product.
`selfsown.shards` writes them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq

from selfsown.errors import UserError
from selfsown.params import Params

REJECTED = "rejected.parquet"


class ProductError(UserError):
    """A product is missing, unfinished or damaged; the message names the file and what to do."""


class CardInfo(Params):
    """What the maker of a product says about it."""

    name: str
    licence: str
    source: str
    seed: int
    note: str = ""


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
    def digest(self) -> str:
        """Sha256 over the card, which names the sha256 of every shard: equal digests mean equal bytes."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()


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
