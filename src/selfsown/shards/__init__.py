"""How data products are written: shard by shard, so that a killed writer resumes.

`map_shards` makes a product from a list of shards on the local or the Ray engine. A finished shard is renamed into
place in the work folder; after a kill only the missing ones are made, unless the identity (parameters, inputs, code)
has changed, in which case the folder starts clean. One shard is one unit of work with one seed, so the bytes do not
depend on the number of workers. Beside the card a product gets a `README.md`, which says the same to
people and, in its YAML header, to `datasets.load_dataset`.
"""

from __future__ import annotations

import hashlib
import shutil
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeVar

import pyarrow as pa
import pyarrow.ipc
import pyarrow.parquet as pq
import yaml
from tqdm import tqdm

from selfsown import unfinished, workers
from selfsown.files import clear_temporaries, write_atomic
from selfsown.identity import Identity
from selfsown.products import REJECTED, Card, CardInfo, ShardInfo

_AUDIO = pa.struct([("bytes", pa.binary()), ("path", pa.string())])  # as `datasets` lays out its Audio feature


@dataclass(frozen=True)
class ShardResult:
    """What a worker made of one shard; `rejected` has the kept schema plus a `reason` column."""

    kept: pa.Table
    rejected: pa.Table | None = None


Item = TypeVar("Item")


def parquet_bytes(table: pa.Table) -> bytes:
    """The table as one Parquet file; equal tables give equal bytes."""
    sink = pa.BufferOutputStream()
    pq.write_table(table.combine_chunks(), sink, compression="zstd", store_schema=True)
    return sink.getvalue().to_pybytes()


def arrow_bytes(table: pa.Table) -> bytes:
    """The table as one Arrow file of one record batch, uncompressed: what is read where it lies, as a memory map."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return sink.getvalue().to_pybytes()


Format = Literal["parquet", "arrow"]
_WRITERS: dict[Format, Callable[[pa.Table], bytes]] = {"parquet": parquet_bytes, "arrow": arrow_bytes}


def with_reason(table: pa.Table, reasons: Sequence[str]) -> pa.Table:
    """Rejected rows: the table plus its `reason` column, one per row."""
    return table.append_column("reason", pa.array(reasons, pa.string()))


def write_product(
    out: Path, kept: Iterable[pa.Table], *, schema: pa.Schema, card: CardInfo, rejected: pa.Table | None = None
) -> Card:
    """Write a product whose tables are already at hand: one shard per table."""
    shutil.rmtree(out, ignore_errors=True)
    work = out / unfinished.WORK
    work.mkdir(parents=True)
    for index, table in enumerate(kept):
        _write_shard(work, index, ShardResult(table, rejected if index == 0 else None), schema)
        unfinished.place(work / f"part-{index:05d}.parquet", out)  # there to be looked at if no card follows
    return _finish(work, schema, card)


def map_shards(
    make_worker: Callable[[], workers.Worker[Item, ShardResult]],
    shards: Sequence[Item],
    out: Path,
    *,
    schema: pa.Schema,
    card: CardInfo,
    identity: Identity,
    file_format: Format = "parquet",
) -> Card:
    """Make a product, one shard per item, on the engine the settings name.

    Args:
        make_worker: picklable; called once per process, so a worker may hold a loaded model.
        shards: picklable work items; item i becomes `part-<i>.parquet`, or `.arrow`.
        out: the product's folder; unfinished work of the same identity in it is continued.
        schema: of the kept rows; each worker's table is cast to it.
        identity: of the stage that makes it.
        file_format: of the shards: `arrow` for what is read at random places, as a memory map.

    Returns:
        The card written last.
    """
    work = unfinished.begin(out, identity)
    clear_temporaries(out)
    clear_temporaries(work)
    todo = [index for index in range(len(shards)) if not (work / f"{index:05d}.json").is_file()]
    with tqdm(total=len(shards), initial=len(shards) - len(todo), desc=card.name, unit="shard") as bar:
        for index, result in workers.work(make_worker, [(index, shards[index]) for index in todo]):
            _write_shard(work, index, result, schema, file_format)
            bar.update()
    return _finish(work, schema, card, file_format)


def _write_shard(
    work: Path, index: int, result: ShardResult, schema: pa.Schema, file_format: Format = "parquet"
) -> None:
    name = f"part-{index:05d}.{file_format}"
    data = _WRITERS[file_format](result.kept.select(schema.names).cast(schema))
    if result.rejected is not None and result.rejected.num_rows:
        write_atomic(work / f"{index:05d}.rejected.parquet", parquet_bytes(result.rejected))
    write_atomic(work / name, data)
    info = ShardInfo(file=name, rows=result.kept.num_rows, sha256=hashlib.sha256(data).hexdigest())
    write_atomic(work / f"{index:05d}.json", info.model_dump_json().encode())


def _finish(work: Path, schema: pa.Schema, card: CardInfo, file_format: Format = "parquet") -> Card:
    """Put the shards into the output, join what they rejected, write README and card, drop the work folder."""
    out = work.parent
    for made in sorted(work.glob(f"part-*.{file_format}")):
        unfinished.place(made, out)
    infos = tuple(ShardInfo.model_validate_json(path.read_bytes()) for path in sorted(work.glob("[0-9]*.json")))
    rejected = [pq.read_table(path) for path in sorted(work.glob("*.rejected.parquet"))]
    dropped: Counter[str] = Counter()
    configs = {"default": (f"part-*.{file_format}", schema)}
    if rejected:
        table = pa.concat_tables(rejected, promote_options="permissive")
        dropped.update(reason.split(":")[0] for reason in table["reason"].to_pylist())
        write_atomic(out / REJECTED, parquet_bytes(table))
        configs["rejected"] = (REJECTED, table.schema)
    full = Card(
        **card.model_dump(),
        rows=sum(info.rows for info in infos),
        columns={field.name: str(field.type) for field in schema},
        dropped=dict(sorted(dropped.items())),
        shards=infos,
    )
    write_atomic(out / "README.md", _readme(full, configs).encode())
    write_atomic(out / "card.json", full.model_dump_json(indent=1).encode() + b"\n")
    unfinished.end(work)
    return full


def _readme(card: Card, configs: dict[str, tuple[str, pa.Schema]]) -> str:
    """What the card says, below the header in which `datasets` looks for configurations, their files and features."""
    header = {
        "configs": [{"config_name": name, "data_files": files} for name, (files, _) in configs.items()],
        "dataset_info": [
            {"config_name": name, "features": [{"name": field.name, **_feature(field.type)} for field in schema]}
            for name, (_, schema) in configs.items()
        ],
    }
    left_out = [f"- {reason}: {rows:,}" for reason, rows in card.dropped.items()]
    lines = [
        f"# {card.name}\n",
        *([f"{card.note}\n"] if card.note else []),
        f"- Rows: {card.rows:,}",
        f"- Licence: {card.licence}",
        f"- Source: {card.source}",
        *(f"- Contaminated: {name}: its authors ask not to train on it" for name in card.contaminated),
        *(f"- Texts of {name} stand on several splits, which {by} parts" for name, by in card.disjoint.items()),
        *([f"\nLeft out, and kept with the reason in `{REJECTED}` (configuration `rejected`):\n"] if left_out else []),
        *left_out,
    ]
    return f"---\n{yaml.safe_dump(header, sort_keys=False)}---\n\n" + "\n".join(lines) + "\n"


def _feature(kind: pa.DataType) -> dict[str, Any]:
    """An Arrow type as the header writes it."""
    if kind == _AUDIO:
        return {"dtype": "audio"}
    if pa.types.is_list(kind):
        return {"list": _feature(kind.value_type)}
    if pa.types.is_struct(kind):
        return {"struct": [{"name": field.name, **_feature(field.type)} for field in kind]}
    return {"dtype": str(kind)}
