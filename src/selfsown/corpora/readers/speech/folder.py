"""A folder of the user's own: `manifest.csv`, `metadata.jsonl`, or Parquet with a Hugging Face `Audio` column.

Columns, under any of their names: audio (audio, file_name, path) and text (text, sentence, transcription); and, where
they are there, language, speaker, split and group. Audio paths are relative to the folder.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from selfsown.corpora.readers.speech.clips import SPLITS, Clip
from selfsown.errors import UserError, first_line
from selfsown.sources import fetch

AUDIO = ("audio", "file_name", "path")
TEXT = ("text", "sentence", "transcription")
SPLIT_NAMES = {**{split: split for split in SPLITS}, "train": "seed", "validation": "dev"}


class NoLanguageError(UserError):
    """Several languages are asked for, and no column says which a row is in."""


def clips(source: str, asked: Sequence[str], languages: Sequence[str]) -> Iterator[Clip]:
    """The rows of a registered folder that are in `languages`; where several are `asked` for, rows must name theirs."""
    found = read(fetch(source), source, asked)
    yield from (clip for clip in found if clip.language in languages)


def read(folder: Path, source: str, languages: Sequence[str]) -> Iterator[Clip]:
    """The rows of `folder`; a row that lacks something is refused, a file that lacks a column is an error.

    Raises:
        UserError: no manifest in the folder, or one that cannot be read or lacks a column that it needs.
    """
    manifests = [path for name in ("manifest.csv", "metadata.jsonl") if (path := folder / name).is_file()]
    files = manifests[:1] or sorted(folder.rglob("*.parquet"))
    if not files:
        raise UserError(f"{folder}: expected a manifest.csv, a metadata.jsonl or *.parquet files in it")
    for file in files:
        try:
            rows = _rows(file, languages)
        except (csv.Error, pa.ArrowException) as error:
            raise UserError(f"{file}: cannot be read: {first_line(error)}") from None
        for row, values in enumerate(rows):
            yield _clip(folder, file, row, values, source, languages)


def _rows(file: Path, languages: Sequence[str]) -> Iterable[Mapping[str, Any]]:
    """Rows as mappings, after a look at the columns."""
    rows: Iterable[Mapping[str, Any]]
    if file.suffix == ".parquet":
        schema = pq.read_schema(file)
        columns = [name for name in schema.names if name != "audio"]
        if "audio" not in schema.names or not pa.types.is_struct(schema.field("audio").type):
            found = schema.field("audio").type if "audio" in schema.names else "no such column"
            raise UserError(f"{file}: column 'audio': expected a struct of bytes and path, found {found}")
        rows = pq.read_table(file, columns=columns).to_pylist()
        columns.append("audio")
    elif file.suffix == ".csv":
        reader = csv.DictReader(io.StringIO(_text(file), newline=""))
        columns, rows = list(reader.fieldnames or ()), list(reader)
    else:
        lines = _text(file).split("\n")
        rows = [_json(file, number, line) for number, line in enumerate(lines, start=1) if line.strip()]
        columns = sorted({key for row in rows for key in row})
    wanted: dict[str, tuple[str, ...]] = {"audio": AUDIO, "text": TEXT}
    if len(languages) > 1:
        wanted["language"] = ("language",)
    for what, names in wanted.items():
        if not set(names) & set(columns):
            found = ", ".join(columns) or "none"
            kind = NoLanguageError if what == "language" else UserError
            raise kind(f"{file}: no column for {what}: expected one named {' or '.join(names)}, found {found}")
    return rows


def _text(file: Path) -> str:
    data = file.read_bytes()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        raise UserError(
            f"{file} line {line}: not UTF-8 (byte {error.object[error.start]:#x}): save the file as UTF-8"
        ) from None


def _json(file: Path, number: int, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise UserError(f"{file} line {number}: not JSON: {error}") from None
    if not isinstance(row, dict):
        raise UserError(f"{file} line {number}: expected an object of columns, found {line[:40]!r}")
    return row


def _clip(folder: Path, file: Path, row: int, values: Mapping[str, Any], source: str, languages: Sequence[str]) -> Clip:
    def first(names: Sequence[str]) -> str:
        return next((str(values[name]).strip() for name in names if values.get(name)), "")

    where = f"{file.name} row {row + 1}"
    in_parquet = file.suffix == ".parquet"
    audio, text, split = "" if in_parquet else first(AUDIO), first(TEXT), first(("split",))
    path = file if in_parquet else folder / audio
    reason = ""
    if not in_parquet and not audio:
        reason = f"missing field: {where} has no {AUDIO[0]}"
    elif not path.resolve().is_relative_to(folder.resolve()):
        reason = f"outside its folder: {where}: {audio}"
    elif not text:
        reason = f"missing field: {where} has no {TEXT[0]}"
    elif len(languages) > 1 and not values.get("language"):
        reason = f"missing field: {where} has no language"
    elif split and split not in SPLIT_NAMES:
        reason = f"unknown split: {where}: {split!r}, expected one of {', '.join(SPLIT_NAMES)}"
    return Clip(
        id=f"{source}/{file.relative_to(folder).with_suffix('')}/{row:06d}",
        group=first(("group",)) or f"{row:06d}",
        file=str(path),
        row=row if in_parquet else None,
        text=text,
        # a row that does not say is refused once, under the first language
        language=first(("language",)) or languages[0],
        speaker=first(("speaker",)) or f"{source}-unknown",
        source=source,
        split=SPLIT_NAMES.get(split, ""),
        reason=reason,
    )
