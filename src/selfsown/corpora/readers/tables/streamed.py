"""Rows of files with named columns (CSV, JSON lines, Parquet), one after another: no file has to fit into memory."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from selfsown.corpora.readers.tables import RepeatedKeyError, csv_rows, json_line, open_parquet, refuse_pointer
from selfsown.errors import UserError, first_line

Found = Mapping[str, Any] | str
"""A row, or why it is none."""


def columns_of(path: Path) -> set[str]:
    """The columns of a file: of JSON lines, the keys of the first row; empty where that is no object.

    Raises:
        UserError: as `open_parquet` and `csv_rows`; a Git LFS pointer.
    """
    end = path.suffix.lower()
    if end == ".parquet":
        with open_parquet(path) as table:
            return set(table.schema_arrow.names)
    if end == ".csv":
        return set(csv_rows(path)[0])
    refuse_pointer(path)
    with path.open("rb") as file:
        first = next((line for line in file if line.strip()), b"")
    try:
        row = json.loads(first)
    except (ValueError, RecursionError):
        return set()
    return set(row) if isinstance(row, dict) else set()


def rows_of(path: Path) -> Iterator[tuple[str, Found]]:
    """The rows of a file, each with its place: "line 7", "row 7".

    Raises:
        UserError: the file as a whole cannot be read.
    """
    kinds = {".csv": _csv, ".jsonl": _json_lines, ".parquet": _parquet}
    yield from kinds[path.suffix.lower()](path)


def _csv(path: Path) -> Iterator[tuple[str, Found]]:
    for row in csv_rows(path)[1]:
        yield f"line {row.line}", row.fault or row.values


def _json_lines(path: Path) -> Iterator[tuple[str, Found]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.strip():
                continue
            try:
                row = json_line(line)
            except RepeatedKeyError as error:
                yield f"line {number}", str(error)
                continue
            except (ValueError, RecursionError) as error:
                yield f"line {number}", f"not JSON: {first_line(error)}"
                continue
            yield f"line {number}", row if isinstance(row, dict) else f"not an object: {line[:40]!r}"


def _parquet(path: Path) -> Iterator[tuple[str, Found]]:
    try:
        with open_parquet(path) as file:
            number = 0
            for batch in file.iter_batches():
                for row in batch.to_pylist():
                    number += 1
                    yield f"row {number}", row
    except pa.ArrowException as error:
        raise UserError(f"{path}: cannot be read: {first_line(error)}") from None
