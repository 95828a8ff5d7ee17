"""How readers open what people give them: text, rows of CSV, JSON and Parquet. Each mistake names file and line.

Nothing is read in part: a row with too many or too few fields, or with one key twice, is handed on with its fault, and
where quotes leave open which lines are rows, the whole file is refused.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
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
_SPLIT_OF = {word: split for split, words in _SPLITS.items() for word in words}


@dataclass(frozen=True)
class Row:
    """A row as its file has it: values by column, and the fault for which nobody may use them; `line` counts from 1."""

    line: int
    values: Mapping[str, Any]
    fault: str = ""

    def refusal(self, file: str) -> str:
        """The fault as the reason of a refusal, with its place; empty where there is none."""
        kind, _, detail = self.fault.partition(": ")
        return f"{kind}: {file} line {self.line}: {detail}" if kind else ""


class RepeatedKeyError(ValueError):
    """An object of JSON has one key twice, so that one of the two values would be lost."""


def read_text(path: Path, encoding: str = "UTF-8") -> str:
    """A text file, in UTF-8 with a byte order mark or without.

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
        return data.decode("utf-8-sig" if encoding == "UTF-8" else encoding)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{path} line {line}: not {encoding} (byte {error.object[error.start]:#x}): save the file as {encoding}"
        ) from None


def read_json(path: Path) -> Any:
    """A file that is one JSON value.

    Raises:
        UserError: as `read_text`, or not JSON.
    """
    return _json(read_text(path), str(path))


def json_rows(path: Path) -> list[Row]:
    """The objects of a file of JSON lines; one with a key that stands twice has a fault.

    Raises:
        UserError: as `read_text`, or a line that is no JSON object.
    """
    rows = []
    for number, line in enumerate(read_text(path).split("\n"), start=1):
        if line.strip():
            fault = ""
            try:
                values = _json(line, f"{path} line {number}", json_line)
            except RepeatedKeyError as error:
                values, fault = _json(line, f"{path} line {number}"), str(error)
            if not isinstance(values, dict):
                raise UserError(f"{path} line {number}: expected an object of columns, found {line[:40]!r}")
            rows.append(Row(number, values, fault))
    return rows


def json_line(line: str | bytes) -> Any:
    """The value of a line of JSON.

    Raises:
        ValueError, RecursionError: it is not JSON, or, as `RepeatedKeyError`, an object in it has one key twice.
    """
    return json.loads(line, object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for number, name in enumerate(names) if name in names[:number])
        raise RepeatedKeyError(f"repeated key: {twice[:40]!r} stands twice; name each key once")
    return values


def csv_rows(path: Path, columns: Sequence[str] = ()) -> tuple[list[str], list[Row]]:
    """The columns of a CSV file and its rows; one with too many or too few fields has a fault instead of values.

    Args:
        columns: their names, of a file without a header.

    Raises:
        UserError: as `read_text`; a column that stands twice; or quotes that leave open which lines are rows.
    """
    lines = io.StringIO(read_text(path), newline="").readlines()
    reader = csv.reader(lines, strict=True)
    names = list(columns) or None
    rows: list[Row] = []
    start = 0
    try:
        for fields in reader:
            if fields and names is None:
                names = _columns(path, fields)
            elif fields and names is not None:
                _check_one_row(path, lines[start + 1 : reader.line_num], start + 1, len(names))
                rows.append(_row(names, fields, start + 1, "expected" if columns else "the header has"))
            start = reader.line_num
    except csv.Error as error:
        raise UserError(
            f"{path}: cannot be read: {first_line(error)}: lines {start + 1} to {reader.line_num}: "
            "a quote is missing there, or is one too many; inside quotes a quote is written twice"
        ) from None
    return names or [], rows


def _columns(path: Path, fields: list[str]) -> list[str]:
    """The header's names; spreadsheets leave empty ones at its end."""
    names = [field.strip() for field in fields]
    while names and not names[-1]:
        names.pop()
    if twice := [name for number, name in enumerate(names) if name in names[:number]]:
        raise UserError(f"{path} line 1: column {twice[0]!r} stands twice: name each column once")
    return names


def _row(columns: list[str], fields: list[str], line: int, but: str) -> Row:
    if len(fields) < len(columns) or any(field.strip() for field in fields[len(columns) :]):
        found = f"{len(fields)} field{'s' if len(fields) != 1 else ''}, {but} {len(columns)}"
        return Row(line, {}, f"wrong number of fields: {found}; a text with commas stands in double quotes")
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


def _json(text: str, where: str, read: Callable[[str], Any] = json.loads) -> Any:
    try:
        return read(text)
    except RepeatedKeyError:
        raise
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


def split_of(word: str) -> str:
    """The split that a word names: `train`, `validation` or `test`, however it is put; else it in small letters.

    >>> split_of("TEST"), split_of("val"), split_of("dev"), split_of("Seed")
    ('test', 'validation', 'validation', 'seed')
    """
    small = word.strip().lower()
    return _SPLIT_OF.get(small, small)


def named_split(path: Path, root: Path) -> str:
    """`train`, `validation` or `test`, where the name of a file says so, or else that of its folder; else empty."""
    place = path.relative_to(root)
    for name in (place.stem, *reversed(place.parts[:-1])):
        found = {_SPLIT_OF[word] for word in re.split(r"[^a-z]+", name.lower()) if word in _SPLIT_OF}
        if found:
            return found.pop() if len(found) == 1 else ""
    return ""
