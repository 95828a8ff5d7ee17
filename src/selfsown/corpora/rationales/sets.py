"""The sets of problems that a product is made of: the parameters of each kind, and what supplies its rows."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, field_validator

from selfsown.corpora.rationales.drawn import Drawn
from selfsown.corpora.rationales.listed import Listed, Whole
from selfsown.corpora.rationales.supply import Judge, Supply
from selfsown.corpora.readers.rationales import gsm8k, own, plain
from selfsown.corpora.readers.rationales.gsm_symbolic import Templates
from selfsown.corpora.readers.rationales.worked import Split, Worked
from selfsown.params import Params
from selfsown.sources import fetch

GSM8K_TEST = "gsm8k-test"
TESTS = (GSM8K_TEST, *plain.SETS)
"""Published sets to test on, by the name of their source."""


class _Set(Params):
    source: str


class TemplateSet(_Set):
    """GSM-Symbolic: problems drawn from templates. Those of `unseen` templates are on the split unseen alone."""

    kind: Literal["templates"]
    seen: int = Field(ge=1)
    unseen: int = Field(ge=0)
    rows: dict[Split, int]


class Gsm8kSet(_Set):
    """GSM8K's training file, cut into splits by seed."""

    kind: Literal["gsm8k"]
    rows: dict[Split, int | None] = Field(description="null takes the rest")


class OwnSet(_Set):
    """A user's own problems, in a registered folder; rows without a split of their own are cut into splits by seed."""

    kind: Literal["own"]
    rows: dict[Split, int | None] = Field(description="null takes the rest")


class TestSet(_Set):
    """A published set, whole, on the split test."""

    kind: Literal["test"]
    limit: int | None = Field(default=None, ge=1, description="rows, drawn by seed; null takes all")

    @field_validator("source")
    @classmethod
    def _known(cls, name: str) -> str:
        if name not in TESTS:
            raise ValueError(f"unknown, known: {', '.join(TESTS)}")
        return name


ProblemSet = Annotated[TemplateSet | Gsm8kSet | OwnSet | TestSet, Field(discriminator="kind")]


def supply(wanted: ProblemSet, judge: Judge, *, tolerance: Fraction, near_duplicate: float, seed: int) -> Supply:
    """What hands out the problems of a set.

    Raises:
        UserError: the source cannot be reached or read, or has too few fitting templates.
    """
    folder = fetch(wanted.source)
    if isinstance(wanted, TemplateSet):
        templates = Templates(folder, wanted.source)
        return Drawn(templates, wanted.seen, wanted.unseen, wanted.rows, judge, seed)
    if isinstance(wanted, TestSet):
        return Whole(map(judge, _published(wanted.source, folder, tolerance)), wanted.limit, seed)
    found = gsm8k.read(wanted.source, folder) if isinstance(wanted, Gsm8kSet) else own.read(wanted.source, folder)
    return Listed(wanted.source, map(judge, found), wanted.rows, near_duplicate, seed)


def _published(source: str, folder: Path, tolerance: Fraction) -> Iterable[Worked]:
    if source == GSM8K_TEST:
        return gsm8k.read(source, folder, strict=False)
    return plain.read(source, folder, tolerance)
