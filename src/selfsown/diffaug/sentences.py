"""Sentences of a file, one after another: lines of text, or a column of a Parquet or JSONL file."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from selfsown.errors import UserError, first_line

MAX_CHARACTERS = 100_000


@dataclass(frozen=True)
class Sentence:
    """A row of a file, counted from 1; `reason`: why it is refused, empty where it is not."""

    row: int
    text: str
    reason: str = ""


def read_sentences(file: Path, column: str) -> Iterator[Sentence]:
    """Every row of the file.

    Args:
        column: of a `.parquet` or `.jsonl` file; any other has a sentence a line.

    Raises:
        UserError: the file cannot be read, or has no such column.
    """
    readers = {".parquet": _parquet, ".jsonl": _jsonl}
    values = readers.get(file.suffix.lower(), _lines)(file, column)
    for row, value in enumerate(values, start=1):
        yield _checked(row, value)


def _checked(row: int, value: object) -> Sentence:
    if not isinstance(value, str):
        return Sentence(row, "", "no text" if value is None else f"no text but {type(value).__name__}")
    if not value.strip():
        return Sentence(row, value, "empty")
    if len(value) > MAX_CHARACTERS:
        return Sentence(row, value[:MAX_CHARACTERS], f"too long: {len(value)} characters, at most {MAX_CHARACTERS}")
    return Sentence(row, value)


def _lines(file: Path, column: str) -> Iterator[object]:
    try:
        with file.open(encoding="utf-8") as opened:
            for line in opened:
                yield line.rstrip("\r\n")
    except UnicodeDecodeError as error:
        raise UserError(
            f"{file}: not UTF-8 text ({error.reason} at byte {error.start}); convert it, or name a .parquet or .jsonl"
        ) from None


def _jsonl(file: Path, column: str) -> Iterator[object]:
    for row, line in enumerate(_lines(file, column), start=1):
        try:
            found = json.loads(str(line))
        except ValueError:
            raise UserError(f"{file}: line {row} is not JSON") from None
        if not isinstance(found, dict) or column not in found:
            there = ", ".join(map(str, found)) if isinstance(found, dict) else type(found).__name__
            raise UserError(f"{file}: line {row}: no {column!r} there ({there}); give --column")
        yield found[column]


def _parquet(file: Path, column: str) -> Iterator[object]:
    try:
        with pq.ParquetFile(file) as opened:
            if column not in opened.schema_arrow.names:
                raise UserError(
                    f"{file}: no column {column!r}; there are: {', '.join(opened.schema_arrow.names)}; give --column"
                )
            for batch in opened.iter_batches(columns=[column]):
                yield from batch.column(0).to_pylist()
    except (pa.ArrowInvalid, OSError) as error:
        raise UserError(f"{file}: not readable as Parquet: {first_line(error)}") from None
