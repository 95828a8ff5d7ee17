"""Data products: folders of Parquet shards with a card, written so that a killed writer resumes.

A product holds `part-00000.parquet` ... and, written last, `card.json`; rows that were refused are in
`rejected.parquet` with a `reason`. Until the card exists the product is unfinished and nothing reads it.

`map_shards` makes a product from a list of shards on the local or the Ray engine. A finished shard is renamed into
place and recorded under `.work/`; after a kill only the missing ones are made, unless the identity (parameters,
inputs, code) has changed, in which case the folder starts clean. One shard is one unit of work with one seed, so
the bytes do not depend on the number of workers.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from selfsown import workers
from selfsown.errors import UserError
from selfsown.params import Params

REJECTED = "rejected.parquet"
_WORK = ".work"


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


@dataclass(frozen=True)
class ShardResult:
    """What a worker made of one shard; `rejected` has the kept schema plus a `reason` column."""

    kept: pa.Table
    rejected: pa.Table | None = None


Item = TypeVar("Item")


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
        with pq.ParquetFile(path) as file:
            yield file.read(columns=list(columns) if columns is not None else None)


def write_atomic(path: Path, data: bytes) -> None:
    """Write under a temporary name, fsync, rename: after a kill the path holds the old bytes or the new, whole."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def write_json(path: Path, value: object) -> None:
    """Write one of the files that people and DVC read, whole or not at all, its folder made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n")


def clear_temporaries(folder: Path, name: str = "*") -> None:
    """Remove what a killed `write_atomic` left, of one name or all, where nothing else writes at the time."""
    for path in folder.glob(f".{name}.*.tmp"):
        path.unlink()


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """An empty folder to fill, which then takes the place of `out`; what a killed one left is cleared first."""
    made = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    try:
        yield made
        shutil.rmtree(out, ignore_errors=True)
        made.rename(out)
    finally:
        shutil.rmtree(made, ignore_errors=True)


def parquet_bytes(table: pa.Table) -> bytes:
    """The table as one Parquet file; equal tables give equal bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(table.combine_chunks(), sink, compression="zstd", store_schema=True)
    return sink.getvalue().to_pybytes()


def with_reason(table: pa.Table, reasons: Sequence[str]) -> pa.Table:
    """Rejected rows: the table plus its `reason` column, one per row."""
    return table.append_column("reason", pa.array(reasons, pa.string()))


@cache
def code_digest() -> str:
    """Sha256 over this package's sources: half-made work of other code is never continued."""
    digest = hashlib.sha256()
    root = Path(__file__).parent
    for path in sorted(root.rglob("*.py")):
        digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def identity_digest(identity: Mapping[str, Any]) -> str:
    """Sha256 over what decides the bytes: the given identity (JSON-able) and the code."""
    text = json.dumps({"identity": identity, "code": code_digest()}, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def shard_seed(seed: int, index: int) -> int:
    """The seed of shard `index`: independent of worker count and order."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{index}".encode()).digest()[:4], "big")


def write_product(
    out: Path,
    kept: Iterable[pa.Table],
    *,
    schema: pa.Schema,
    card: CardInfo,
    rejected: pa.Table | None = None,
) -> Card:
    """Write a product whose tables are already at hand: one shard per table."""
    shutil.rmtree(out, ignore_errors=True)
    work = out / _WORK
    work.mkdir(parents=True)
    for index, table in enumerate(kept):
        _write_shard(out, index, ShardResult(table, rejected if index == 0 else None), schema)
    return _finish(out, schema, card)


def map_shards(
    make_worker: Callable[[], workers.Worker[Item, ShardResult]],
    shards: Sequence[Item],
    out: Path,
    *,
    schema: pa.Schema,
    card: CardInfo,
    identity: Mapping[str, Any],
) -> Card:
    """Make a product, one shard per item, on the engine the settings name.

    Args:
        make_worker: picklable; called once per process, so a worker may hold a loaded model.
        shards: picklable work items; item i becomes `part-<i>.parquet`.
        out: the product's folder; unfinished work of the same identity in it is continued.
        schema: of the kept rows; each worker's table is cast to it.
        identity: JSON-able; all that decides the result: parameters and the digests of the inputs' cards.

    Returns:
        The card written last.
    """
    fingerprint = identity_digest({**identity, "shards": len(shards)})
    work = out / _WORK
    mark = work / "identity"
    if not (mark.is_file() and mark.read_text() == fingerprint):
        shutil.rmtree(out, ignore_errors=True)
        work.mkdir(parents=True)
        write_atomic(mark, fingerprint.encode())
    clear_temporaries(out)
    todo = [index for index in range(len(shards)) if not (work / f"{index:05d}.json").is_file()]
    with tqdm(total=len(shards), initial=len(shards) - len(todo), desc=card.name, unit="shard") as bar:
        for index, result in workers.work(make_worker, [(index, shards[index]) for index in todo]):
            _write_shard(out, index, result, schema)
            bar.update()
    return _finish(out, schema, card)


def _write_shard(out: Path, index: int, result: ShardResult, schema: pa.Schema) -> None:
    name = f"part-{index:05d}.parquet"
    data = parquet_bytes(result.kept.select(schema.names).cast(schema))
    work = out / _WORK
    if result.rejected is not None and result.rejected.num_rows:
        write_atomic(work / f"{index:05d}.rejected.parquet", parquet_bytes(result.rejected))
    write_atomic(out / name, data)
    info = ShardInfo(file=name, rows=result.kept.num_rows, sha256=hashlib.sha256(data).hexdigest())
    write_atomic(work / f"{index:05d}.json", info.model_dump_json().encode())


def _finish(out: Path, schema: pa.Schema, card: CardInfo) -> Card:
    """Join what the shards rejected, write the card, drop the work folder."""
    work = out / _WORK
    infos = tuple(ShardInfo.model_validate_json(path.read_bytes()) for path in sorted(work.glob("[0-9]*.json")))
    rejected = [pq.read_table(path) for path in sorted(work.glob("*.rejected.parquet"))]
    dropped: Counter[str] = Counter()
    if rejected:
        table = pa.concat_tables(rejected, promote_options="permissive")
        dropped.update(reason.split(":")[0] for reason in table["reason"].to_pylist())
        write_atomic(out / REJECTED, parquet_bytes(table))
    full = Card(
        **card.model_dump(),
        rows=sum(info.rows for info in infos),
        columns={field.name: str(field.type) for field in schema},
        dropped=dict(sorted(dropped.items())),
        shards=infos,
    )
    write_atomic(out / "card.json", full.model_dump_json(indent=1).encode() + b"\n")
    (work / "identity").unlink(missing_ok=True)  # first: half a work folder must not be gone on with
    shutil.rmtree(work)
    return full
