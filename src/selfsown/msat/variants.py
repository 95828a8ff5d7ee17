"""The solvers of a matrix: their names, which are those of their folders, and the problem sets they are tested on."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from selfsown.errors import UserError
from selfsown.shards import read_product

TASKS = "msat"
"""The problem set that stands for the arithmetic tasks."""

FOLD = re.compile(r"(?P<source>.+)-fold(?P<fold>\d+)")


class ProblemSet(NamedTuple):
    """Problems of one source; `fold`: which fold is the test, None where the source has one test split."""

    source: str
    fold: int | None


def parse_set(name: str) -> ProblemSet:
    """What a name in `msat.matrix.sets` means.

    >>> parse_set("svamp"), parse_set("asdiv-a-fold2")
    (ProblemSet(source='svamp', fold=None), ProblemSet(source='asdiv-a', fold=2))
    """
    match = FOLD.fullmatch(name)
    return ProblemSet(match["source"], int(match["fold"])) if match else ProblemSet(name, None)


class Variant(NamedTuple):
    """One trained solver and what it was tested on; `name` is that of its folders."""

    solver: str
    representation: str
    difficulty: str
    arm: str
    problem_set: str

    @property
    def name(self) -> str:
        """As `dvc.yaml` writes it."""
        return "-".join(self)

    @property
    def pretrained(self) -> str:
        """Of the solver before it saw a set."""
        return "-".join(self[:4])


class Matrix(NamedTuple):
    """The lists that variants are made of, the section `msat.matrix`."""

    solvers: Sequence[str]
    representations: Sequence[str]
    difficulties: Sequence[str]
    pretraining: Sequence[str]
    arms: Sequence[str]
    sets: Sequence[str]

    @classmethod
    def of(cls, section: Mapping[str, Sequence[object]]) -> Matrix:
        """From the parameters; a difficulty may be written as a number."""
        return cls(**{name: [str(value) for value in section[name]] for name in cls._fields})

    def variants(self) -> list[Variant]:
        """All of them: first those that answered the tasks, then those that answered word problems."""
        shared = (self.solvers, self.representations, self.difficulties)
        tasks = itertools.product(*shared, self.pretraining, [TASKS])
        words = itertools.product(*shared, self.arms, self.sets)
        return [Variant(*labels) for labels in (*tasks, *words)]

    def suffix(self, variant: Variant) -> str:
        """What of a variant is not first in its list."""
        source = parse_set(variant.problem_set).source
        named = {
            variant.representation: variant.representation == self.representations[0],
            f"difficulty_{variant.difficulty}": variant.difficulty == self.difficulties[0],
            source: variant.problem_set == TASKS or source == parse_set(self.sets[0]).source,
        }
        return "".join(f"_{name}" for name, is_first in named.items() if not is_first)


def set_rows(problems: Path, name: str, test: bool) -> pa.Table:
    """The test rows of a set, or all its others.

    Raises:
        UserError: no such row.
    """
    source, fold = parse_set(name)
    is_test = pc.field("split") == "test" if fold is None else pc.field("fold") == fold
    table = read_product(problems).filter(pc.field("source") == source)
    table = table.filter(is_test if test else ~is_test).sort_by("id")
    if not table.num_rows:
        what = "test" if test else "training"
        raise UserError(f"params.yaml: msat.matrix.sets: {name!r}: {problems} has no {what} row of it")
    return table
