"""Files of many documents, a row each: JSON lines, plain or packed with zstd, and Parquet.

SlimPajama is `.jsonl.zst` or Parquet with `text` and `meta`; StarCoder's data is Parquet with `content`. Rows are read
one after another, never a whole file.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import pyarrow as pa
import zstandard

from selfsown.corpora.readers.documents.document import Document, decoded
from selfsown.corpora.readers.tables import RepeatedKeyError, json_line, open_parquet, refuse_pointer
from selfsown.corpora.readers.tables.values import missing, odd_sign
from selfsown.errors import UserError, first_line

COLUMNS = ("text", "content")
"""Where the text of a row stands: in the first of them that is there."""

GITHUB = "RedPajamaGithub"
"""TinyLlama leaves this part of SlimPajama out: its code comes from StarCoder's data (section 2.1)."""

_BATCH = 256  # rows of Parquet in memory at a time


def json_lines(path: Path) -> Iterator[Document]:
    """The rows of a `.jsonl` or `.jsonl.zst` file.

    Raises:
        UserError: a line is no JSON object, or has none of `COLUMNS`; or the file is cut short.
    """
    refuse_pointer(path)
    with path.open("rb") as file:
        try:
            for number, line in enumerate(_lines(file, path), start=1):
                if line.strip():
                    yield _from_line(line, f"{path} line {number}", f"line {number}")
        except zstandard.ZstdError as error:
            raise UserError(f"{path}: cannot be unpacked: {first_line(error)}") from None


def parquet(path: Path) -> Iterator[Document]:
    """The rows of a Parquet file.

    Raises:
        UserError: not Parquet, or without a column of `COLUMNS`.
    """
    try:
        with open_parquet(path) as file:
            column = text_column(path, file.schema_arrow)
            wanted = [column, *({"meta"} & set(file.schema_arrow.names))]
            number = 0
            for batch in file.iter_batches(_BATCH, columns=wanted):
                for row in batch.to_pylist():
                    number += 1
                    yield _document(row[column] or "", row.get("meta"), f"row {number}")
    except pa.ArrowException as error:
        raise UserError(f"{path}: cannot be read: {first_line(error)}") from None


def text_column(path: Path, schema: pa.Schema) -> str:
    """The column that holds the text.

    Raises:
        UserError: there is none.
    """
    for name in COLUMNS:
        if name in schema.names and (
            pa.types.is_string(schema.field(name).type) or pa.types.is_large_string(schema.field(name).type)
        ):
            return name
    found = ", ".join(f"{field.name} ({field.type})" for field in schema)
    raise UserError(f"{path}: no column of text: expected one named {' or '.join(COLUMNS)}, found {found}")


def _lines(file: IO[bytes], path: Path) -> Iterator[bytes]:
    if path.suffix != ".zst":
        yield from file
        return
    with zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True) as reader:
        yield from io.BufferedReader(reader, 1 << 20)


def _from_line(line: bytes, where: str, place: str) -> Document:
    text = decoded(line)
    if text.reason:
        return Document(text.text.strip(), place, reason=text.reason)
    try:
        row = json_line(text.text)
    except RepeatedKeyError as error:
        return Document(text.text.strip(), place, reason=str(error))
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not JSON: {error}") from None
    named = [name for name in COLUMNS if isinstance(row, dict) and name in row]
    column = next((name for name in named if isinstance(row[name], str)), None)
    column = column or next((name for name in named if missing(row[name])), None)
    if column is None:
        raise UserError(f"{where}: expected an object with a text under {' or '.join(COLUMNS)}, found {line[:60]!r}")
    said = row[column] if isinstance(row[column], str) else ""
    if fault := odd_sign(said):
        return Document(said.encode(errors="replace").decode(), place, reason=f"not a text: {column} {fault}")
    return _document(said, row.get("meta"), place)


def _document(text: str, meta: Any, place: str) -> Document:
    """`meta` is SlimPajama's: a mapping, or the same as JSON."""
    if isinstance(meta, str):
        try:
            meta = json.loads(meta)
        except json.JSONDecodeError:
            meta = None
    part = str(meta.get("redpajama_set_name") or "") if isinstance(meta, Mapping) else ""
    reason = f"left out: {GITHUB}, as TinyLlama does" if part == GITHUB else ""
    return Document(text, place, part, reason)
