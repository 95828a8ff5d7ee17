"""Pairs of texts with the similarity that people gave them: Lee's documents, STS-B's sentences."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from selfsown.corpora.readers.tables import csv_rows, read_text
from selfsown.corpora.readers.tables.values import text_of
from selfsown.errors import UserError
from selfsown.text.written.normal import normalize_text


@dataclass(frozen=True)
class Rating:
    """Two texts and how similar people find them, from 0 to 1; `reason` says why the row is dropped."""

    id: str
    left: str
    right: str
    score: float = 0.0
    reason: str = ""


def lee(folder: Path) -> Iterator[Rating]:
    """All pairs of Lee's 50 news documents (Lee, Pincombe and Welsh 2005): a text a line in
    Windows-1252, and the upper half of a matrix of means.

    Raises:
        UserError: files are missing or cannot be read, or the matrix is not one of the documents.
    """
    texts, matrix = _file(folder, "lee.cor"), _file(folder, "similarities0-1.txt")
    documents = [normalize_text(line) for line in read_text(texts, "Windows-1252").splitlines() if line.strip()]
    scores = []
    for number, line in enumerate(read_text(matrix).splitlines(), start=1):
        try:
            scores.append([_finite(value) for value in line.split()])
        except ValueError:
            raise UserError(f"{matrix} line {number}: expected numbers, found {line[:40]!r}") from None
    if [len(row) for row in scores] != [len(documents)] * len(documents):
        raise UserError(f"{matrix}: expected {len(documents)} rows of as many numbers, one for each line of {texts}")
    for first, second in combinations(range(len(documents)), 2):
        yield Rating(f"{first}-{second}", documents[first], documents[second], scores[first][second])


def stsb(folder: Path) -> Iterator[Rating]:
    """STS-B's dev split: sentence, sentence, score from 0 to 5, no header.

    Raises:
        UserError: the file is missing or cannot be read, or a row is not of that kind.
    """
    path = _file(folder, "stsb-en-dev.csv")
    columns = ("sentence 1", "sentence 2", "score")
    for number, row in enumerate(csv_rows(path, columns)[1], start=1):
        try:
            left, right, score = (text_of(row.values, (column,), typed=False) for column in columns)
            yield Rating(str(number), normalize_text(left), normalize_text(right), _finite(score) / 5)
        except ValueError:
            found = row.fault or f"found {list(row.values.values())!r}"
            raise UserError(f"{path} row {number}: expected two sentences and a number, {found}") from None


def _finite(text: str) -> float:
    """A number.

    Raises:
        ValueError: it is none, or not finite.
    """
    if not math.isfinite(value := float(text)):
        raise ValueError(f"not finite: {text}")
    return value


def _file(folder: Path, name: str) -> Path:
    found = next(iter(sorted(folder.rglob(name))), None)
    if found is None:
        raise UserError(f"{folder}: expected {name} in it")
    return found


@dataclass(frozen=True)
class RatingSet:
    """A set of ratings: its source, and the reader of it."""

    source: str
    read: Callable[[Path], Iterator[Rating]]


SETS = {"lee": RatingSet("gensim-lee", lee), "stsb-dev": RatingSet("stsb", stsb)}
"""By the name that `corpora.ratings.sets` uses."""
