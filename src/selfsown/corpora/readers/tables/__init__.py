"""How readers open what people give them: text, rows of CSV, JSON and Parquet. Each mistake names file and line.

Nothing is read in part: a row with too many or too few fields is handed on with its fault, and where quotes leave open
which lines are rows, the whole file is refused.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from selfsown.errors import UserError, first_line

_POINTER = b"version https://git-lfs.github.com/spec/"
_FILE = re.compile(r"\S+\.[A-Za-z]\w{1,4}")
_SPLITS = {
    "train": ("train", "training"),
    "validation": ("validation", "valid", "dev", "val"),
    "test": ("test", "testing", "eval", "evaluation"),
}  # as `datasets` finds them in the names of files and folders


@dataclass(frozen=True)
class Row:
    """A row as its file has it: values by column, or the fault that keeps it from being read; `line` counts from 1."""

    line: int
    values: Mapping[str, Any]
    fault: str = ""


def read_text(path: Path) -> str:
    """A text file in UTF-8, with a byte order mark or without.

    Raises:
        UserError: no such file, a Git LFS pointer, or another encoding; the message names the line.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read: {error.strerror}") from None
    if data.startswith(_POINTER):
        raise UserError(f"{path}: {unlike(data)}")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path} line {line}: not UTF-8 (byte {error.object[error.start]:#x}): save the file as UTF-8"
        ) from None


def read_json(path: Path) -> Any:
    """A file that is one JSON value.

    Raises:
        UserError: as `read_text`, or not JSON.
    """
    return _json(read_text(path), str(path))


def json_rows(path: Path) -> list[Row]:
    """The objects of a file of JSON lines.

    Raises:
        UserError: as `read_text`, or a line that is no JSON object.
    """
    rows = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            values = _json(line, f"{path} line {number}")
            if not isinstance(values, dict):
                raise UserError(f"{path} line {number}: expected an object of columns, found {line[:40]!r}")
            rows.append(Row(number, values))
    return rows


def csv_rows(path: Path) -> tuple[list[str], list[Row]]:
    """The columns of a CSV file and its rows; one with too many or too few fields has a fault instead of values.

    Raises:
        UserError: as `read_text`; a column that stands twice; or quotes that leave open which lines are rows.
    """
    lines = io.StringIO(read_text(path), newline="").readlines()
    reader = csv.reader(lines, strict=True)
    columns: list[str] | None = None
    rows: list[Row] = []
    start = 0
    try:
        for fields in reader:
            if fields and columns is None:
                columns = _columns(path, fields)
            elif fields and columns is not None:
                _check_one_row(path, lines[start + 1 : reader.line_num], start + 1, len(columns))
                rows.append(_row(columns, fields, start + 1))
            start = reader.line_num
    except csv.Error as error:
        raise UserError(
            f"{path}: cannot be read: {first_line(error)}: lines {start + 1} to {reader.line_num}: "
            "a quote is missing there, or is one too many; inside quotes a quote is written twice"
        ) from None
    return columns or [], rows


def _columns(path: Path, fields: list[str]) -> list[str]:
    """The header's names; spreadsheets leave empty ones at its end."""
    names = [field.strip() for field in fields]
    while names and not names[-1]:
        names.pop()
    if twice := [name for number, name in enumerate(names) if name in names[:number]]:
        raise UserError(f"{path} line 1: column {twice[0]!r} stands twice: name each column once")
    return names


def _row(columns: list[str], fields: list[str], line: int) -> Row:
    if len(fields) < len(columns) or any(field.strip() for field in fields[len(columns) :]):
        found = f"{len(fields)} field{'s' if len(fields) != 1 else ''}, the header has {len(columns)}"
        return Row(line, {}, f"{found}; a text with commas stands in double quotes")
    return Row(line, dict(zip(columns, fields, strict=False)))


def _check_one_row(path: Path, more: list[str], line: int, count: int) -> None:
    """Refuse quotes that hold what looks like another row: a quote too many swallows the rows up to the next one."""
    for number, text in enumerate(more, start=line + 1):
        fields = next(csv.reader([text]), [])
        if len(fields) >= count or (fields and _FILE.fullmatch(fields[0].strip())):
            raise UserError(
                f"{path} line {number}: it reads like a row of its own, and stands inside the quotes that line {line} "
                "opens: close them there, or write that text in one line"
            )


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UserError(f"{where}: not JSON: {error}") from None


def open_parquet(path: Path) -> pq.ParquetFile:
    """A Parquet file.

    Raises:
        UserError: it is none.
    """
    try:
        return pq.ParquetFile(path)
    except (pa.ArrowException, OSError) as error:
        with path.open("rb") as file:
            data = file.read(len(_POINTER))
        raise UserError(f"{path}: {unlike(data) or f'cannot be read: {first_line(error)}'}") from None


def refuse_pointer(path: Path) -> None:
    """A look at how a file begins, for who reads it line by line.

    Raises:
        UserError: it is a Git LFS pointer.
    """
    with path.open("rb") as file:
        if (data := file.read(len(_POINTER))).startswith(_POINTER):
            raise UserError(f"{path}: {unlike(data)}")


def unlike(data: bytes) -> str:
    """Why a file that begins so cannot be what its name says; empty where that is not known."""
    if data.startswith(_POINTER):
        return "a Git LFS pointer stands in place of the file: `git lfs pull`, where it came from, brings it"
    return "" if data else "the file is empty: copy it again"


def own_paths(root: Path, ends: Collection[str] = ("",)) -> Iterator[Path]:
    """The files below a folder whose names end so, by name; hidden ones, such as macOS's `._a.wav`, are passed over."""
    for path in sorted(root.rglob("*")):
        hidden = any(part.startswith(".") or part == "__MACOSX" for part in path.relative_to(root).parts)
        if not hidden and path.name.lower().endswith(tuple(ends)) and path.is_file():
            yield path


def named_split(path: Path, root: Path) -> str:
    """`train`, `validation` or `test`, where the name of a file says so, or else that of its folder; else empty."""
    place = path.relative_to(root)
    for name in (place.stem, *reversed(place.parts[:-1])):
        words = set(re.split(r"[^a-z]+", name.lower()))
        found = [split for split, keywords in _SPLITS.items() if words.intersection(keywords)]
        if found:
            return found[0] if len(found) == 1 else ""
    return ""
