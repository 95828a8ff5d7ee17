"""Pairs of texts with the similarity that people gave them: Lee's documents, STS-B's sentences."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

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
        UserError: files are missing, or the matrix is not one of the documents.
    """
    texts, matrix = _file(folder, "lee.cor"), _file(folder, "similarities0-1.txt")
    documents = [normalize_text(line) for line in texts.read_text("cp1252").splitlines() if line.strip()]
    scores = [[float(value) for value in line.split()] for line in matrix.read_text("utf-8").splitlines()]
    if [len(row) for row in scores] != [len(documents)] * len(documents):
        raise UserError(f"{matrix}: expected {len(documents)} rows of as many numbers, one for each line of {texts}")
    for first, second in combinations(range(len(documents)), 2):
        yield Rating(f"{first}-{second}", documents[first], documents[second], scores[first][second])


def stsb(folder: Path) -> Iterator[Rating]:
    """STS-B's dev split: sentence, sentence, score from 0 to 5, no header.

    Raises:
        UserError: the file is missing, or a row is not of that kind.
    """
    path = _file(folder, "stsb-en-dev.csv")
    with path.open(encoding="utf-8", newline="") as file:
        for number, row in enumerate(csv.reader(file), start=1):
            try:
                left, right, score = row
                yield Rating(str(number), normalize_text(left), normalize_text(right), float(score) / 5)
            except ValueError:
                raise UserError(f"{path} row {number}: expected two sentences and a number, found {row!r}") from None


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
