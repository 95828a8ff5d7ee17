"""A folder of the user's own: `manifest.csv`, `metadata.jsonl`, or Parquet with a Hugging Face `Audio` column.

Columns, under any of their names: audio (audio, file_name, path) and text (text, sentence, transcription); and, where
they are there, language, speaker, split and group. Audio paths are relative to the folder. A Parquet file whose name
says its split, as `test-00000-of-00001.parquet` does, says it for all its rows. In a name and in the column alike,
`Train`, `training`, `val`, `valid`, `eval` and their like are the splits that they mean.
"""

from __future__ import annotations

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

import pyarrow as pa

from selfsown.audio import unnamed_speaker
from selfsown.corpora.readers.speech.clips import SPLITS, Clip
from selfsown.corpora.readers.tables import Row, csv_rows, json_rows, named_split, open_parquet, own_paths, split_of
from selfsown.corpora.readers.tables.values import NotTextError, missing, text_of
from selfsown.errors import UserError
from selfsown.sources import fetch
from selfsown.text.written.alphabets import language_of

AUDIO = ("audio", "file_name", "path")
TEXT = ("text", "sentence", "transcription")
SPLIT_NAMES = {**{split: split for split in SPLITS}, "train": "seed", "validation": "dev"}


class NoLanguageError(UserError):
    """Several languages are asked for, and no column says which a row is in."""


def clips(source: str, asked: Sequence[str], languages: Sequence[str]) -> Iterator[Clip]:
    """The rows of a registered folder that are in `languages`; where several are `asked` for, rows must name theirs."""
    found = read(fetch(source), source, asked)
    yield from (clip for clip in found if clip.language in languages)


def counts(source: str, asked: Sequence[str]) -> Counter[str]:
    """How many rows of a registered folder are in each language, asked for or not."""
    return Counter(clip.language for clip in read(fetch(source), source, asked))


def read(folder: Path, source: str, languages: Sequence[str]) -> Iterator[Clip]:
    """The rows of `folder`; a row that lacks something is refused, a file that lacks a column is an error.

    Raises:
        UserError: no manifest in the folder, or one that cannot be read or lacks a column that it needs.
    """
    manifests = [path for name in ("manifest.csv", "metadata.jsonl") if (path := folder / name).is_file()]
    files = manifests[:1] or list(own_paths(folder, [".parquet"]))
    if not files:
        raise UserError(f"{folder}: expected a manifest.csv, a metadata.jsonl or *.parquet files in it")
    names = _Names(folder)
    for file in files:
        manifest = _Manifest(names, file, source, tuple(languages))
        for number, row in enumerate(_rows(file, languages)):
            yield manifest.clip(number, row)


def _rows(file: Path, languages: Sequence[str]) -> list[Row]:
    """Rows, after a look at the columns."""
    if file.suffix == ".csv":
        columns, rows = csv_rows(file)
    elif file.suffix == ".jsonl":
        rows = json_rows(file)
        columns = sorted({key for row in rows for key in row.values})
    else:
        with open_parquet(file) as opened:
            schema = opened.schema_arrow
            columns = schema.names
            if "audio" not in columns or not pa.types.is_struct(schema.field("audio").type):
                found = schema.field("audio").type if "audio" in columns else "no such column"
                raise UserError(f"{file}: column 'audio': expected a struct of bytes and path, found {found}")
            table = opened.read([name for name in columns if name != "audio"])
            count = opened.metadata.num_rows
        values = table.to_pylist() if table.num_columns else [{}] * count
        rows = [Row(number, each) for number, each in enumerate(values, start=1)]
    wanted: dict[str, tuple[str, ...]] = {"audio": AUDIO, "text": TEXT}
    if len(languages) > 1:
        wanted["language"] = ("language",)
    for what, names in wanted.items():
        if not set(names) & set(columns):
            found = ", ".join(columns) or "none"
            kind = NoLanguageError if what == "language" else UserError
            raise kind(f"{file}: no column for {what}: expected one named {' or '.join(names)}, found {found}")
    return rows


@dataclass(frozen=True)
class _Names:
    """The files below a folder. Disks and manifests write an accented letter in one of two ways, and mean the same."""

    folder: Path

    def find(self, name: str) -> Path:
        """The file of that name, or the path where it should be."""
        path = self.folder / name
        return path if os.path.exists(path) else self._composed.get(_composed(name), path)  # noqa: PTH110 - never raises

    def holds(self, path: Path) -> bool:
        """Whether a path stays in the folder, its links followed."""
        return path.resolve().is_relative_to(self._resolved)

    @cached_property
    def _resolved(self) -> Path:
        return self.folder.resolve()

    @cached_property
    def _composed(self) -> dict[str, Path]:
        return {_composed(path.relative_to(self.folder).as_posix()): path for path in own_paths(self.folder)}


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", os.path.normpath(name))


@dataclass(frozen=True)
class _Manifest:
    """A file of rows, and what its rows share."""

    names: _Names
    file: Path
    source: str
    languages: tuple[str, ...]

    def clip(self, number: int, row: Row) -> Clip:
        """A row as a clip, with the reason if it is refused."""
        where, in_parquet = f"{self.file.name} row {number + 1}", self.file.suffix == ".parquet"
        say = partial(text_of, row.values, typed=self.file.suffix != ".csv")
        text = audio = speaker = group = split = language = reason = ""
        try:
            audio, text = "" if in_parquet else say(AUDIO), say(TEXT)
            speaker, group, split = say(("speaker",)), say(("group",)), say(("split",))
            language = language_of(say(("language",)))
        except NotTextError as error:
            reason = f"not a text: {where}: {error}"
        path = self.file if in_parquet or not audio else self.names.find(audio)
        split = split or (named_split(self.file, self.names.folder) if in_parquet else "")
        if row.fault:
            reason = row.refusal(self.file.name)
        elif not reason and not in_parquet and not audio:
            reason = f"missing field: {where} has no {AUDIO[0]}{self._instead(row, AUDIO)}"
        elif not reason and not self.names.holds(path):
            reason = f"outside its folder: {where}: {audio}"
        elif not reason and not text:
            reason = f"missing field: {where} has no {TEXT[0]}{self._instead(row, TEXT)}"
        elif not reason and len(self.languages) > 1 and not language:
            reason = f"missing field: {where} has no language"
        elif not reason and split and split_of(split) not in SPLIT_NAMES:
            reason = f"unknown split: {where}: {split!r}, expected one of {', '.join(SPLIT_NAMES)}"
        return Clip(
            id=f"{self.source}/{self.file.relative_to(self.names.folder).with_suffix('')}/{number:06d}",
            group=group or f"{number:06d}",
            file=str(path),
            row=number if in_parquet else None,
            text=text,
            # a row that does not say is refused once, under the first language
            language=language or self.languages[0],
            speaker=speaker or unnamed_speaker(self.source),
            source=self.source,
            split=SPLIT_NAMES.get(split_of(split), ""),
            reason=reason,
        )

    def _instead(self, row: Row, names: Sequence[str]) -> str:
        """What a CSV file has in place of a value, where that is not nothing."""
        signs = (str(row.values[name]).strip() for name in names if not missing(row.values.get(name)))
        sign = next(signs, "") if self.file.suffix == ".csv" else ""
        return f": {sign!r} stands for none in CSV; as a word it can stand in a metadata.jsonl" if sign else ""
