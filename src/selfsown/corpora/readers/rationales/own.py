"""A user's own problems, in a registered folder: JSON lines or Parquet with `question` and `answer`.

`rationale` (reasoning, with calculator annotations or without) and `split` may stand beside them. A row that cannot be
used is refused with its file and line; a file without the two columns is an error.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from selfsown.arithmetic import Refused, parse_value, print_value
from selfsown.corpora.readers.rationales.gsm8k import with_rationale
from selfsown.corpora.readers.rationales.worked import SPLITS, Worked
from selfsown.corpora.readers.tables import named_split, own_paths, split_of
from selfsown.corpora.readers.tables.streamed import Found, columns_of, rows_of
from selfsown.corpora.readers.tables.values import NotTextError, missing, text_of
from selfsown.errors import UserError
from selfsown.reasoning.rationale import MARK, final_answer

COLUMNS = ("question", "answer")
"""What every row has."""

_TEXTS = ("text", "content")
"""A file with one of these columns holds texts, whatever else is in it."""

_NAMED = {"validation": "dev", "test": "test"}
"""What a split is called here. A file named `train` is for labelled rows and others; of a row `split` says which."""


def own_files(root: Path) -> list[Path]:
    """The files below a folder that may hold problems, in the order of their names; hidden ones are passed over."""
    return list(own_paths(root, (".jsonl", ".parquet")))


def holds_problems(root: Path) -> bool:
    """Whether a folder holds problems: its first file of rows has their columns, and none of a text."""
    try:
        columns = next((columns_of(path) for path in own_files(root)), set())
    except UserError:  # whoever reads it says so
        return False
    return columns.issuperset(COLUMNS) and columns.isdisjoint(_TEXTS)


def read(source: str, folder: Path) -> Iterator[Worked]:
    """The problems of a folder.

    Raises:
        UserError: no file of rows in it, or one that lacks a column.
    """
    files = own_files(folder)
    if not files:
        raise UserError(f"source '{source}': no .jsonl or .parquet file in {folder}")
    for path in files:
        columns = columns_of(path)
        if lacking := [column for column in COLUMNS if column not in columns]:
            raise UserError(f"{path}: no column {lacking[0]!r}: expected {' and '.join(COLUMNS)}")
        named = _NAMED.get(named_split(path, folder), "")
        for place, row in rows_of(path):
            name = f"{path.relative_to(folder).as_posix()} {place}"
            yield _worked(Worked(f"{source}/{name}", source), name, row, named)


def _worked(worked: Worked, place: str, row: Found, named: str) -> Worked:
    """A row as a problem; a text says why it is none. `named`: the split that its file is named after, if any."""
    if isinstance(row, str):
        return replace(worked, reason=f"unreadable row: {place}: {row}")
    answer = None if missing(row.get("answer")) else row.get("answer")
    try:
        question, rationale, said = (text_of(row, (name,)) for name in ("question", "rationale", "split"))
    except NotTextError as error:
        return replace(worked, reason=f"not a text: {place}: {error}")
    if not question:
        return replace(worked, reason=f"no question: {place}")
    worked = replace(worked, question=question)
    try:
        worked = replace(worked, answer=_value(answer))
    except Refused as error:
        return replace(worked, reason=f"unreadable answer: {place}: {error.reason}")
    split = _NAMED.get(split_of(said), split_of(said)) or named
    if split:
        if split not in SPLITS:
            return replace(worked, reason=f"unknown split: {place}: {said!r}, known are {', '.join(SPLITS)}")
        if split == "labelled" and not rationale:
            return replace(worked, reason=f"no rationale: {place}: split labelled needs one")
        worked = replace(worked, split=split)
    if not rationale:
        return worked
    ended = rationale if MARK in rationale else f"{rationale}\n{MARK} {print_value(worked.answer)}"
    if final_answer(ended) != worked.answer:
        return replace(worked, reason=f"wrong answer: {place}: the rationale ends otherwise than the answer")
    checked = with_rationale(worked, ended)
    kind, _, detail = checked.reason.partition(": ")
    return replace(checked, reason=f"{kind}: {place}: {detail}") if kind else checked


def _value(answer: object) -> Fraction:
    """A number, or a text that is one.

    Raises:
        Refused: neither.
    """
    if answer is None or isinstance(answer, bool) or not isinstance(answer, str | int | float):
        raise Refused("there is none" if answer is None else f"not a number: {str(answer)[:40]!r}")
    value = final_answer(f"{MARK} {answer}") if str(answer).strip() else None
    if value is None or len(str(answer).split()) > 1:
        parse_value(str(answer))  # says why
        raise Refused(f"not a number: {str(answer)[:40]!r}")
    return value
