"""The combinations of a matrix: every trained solver with what it was tested on, by the names of their folders."""

from __future__ import annotations

import itertools
from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

from selfsown.arithmetic import members, parse_set

TASKS = "msat"
"""The problem set that stands for the arithmetic tasks."""


class Combination(NamedTuple):
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
    def start(self) -> str:
        """Of the solver before it saw a set."""
        return "-".join(self[:4])

    @property
    def folder(self) -> str:
        """Of its model, in the folder of all models: after the tasks, or after a set."""
        return f"pretrain/{self.start}" if self.problem_set == TASKS else f"finetune/{self.name}"

    def scores(self, counted: Container[str]) -> dict[str, str]:
        """By the end of a measure's name, the column of `counted` that it is of.

        A seq2seq solver that reads digits writes them too, so that its programs have a second value. Studies of before
        it was counted have the first alone.
        """
        writes = (self.solver, self.representation) == ("seq2seq", "digits") and "as_written" in counted
        return {"": "correct", **({"_as_written": "as_written"} if writes else {})}

    def without_solver(self, arm: str) -> str:
        """The arm's name for all solvers together."""
        return arm.removeprefix(f"{self.solver}_")

    @property
    def part(self) -> str:
        """Whose problems it was tested on, in whichever fold; of joined sets those of the first."""
        return parse_set(members(self.problem_set)[0]).source

    def alone(self) -> list[Combination]:
        """The same for each of the sets that its set joins."""
        return [self._replace(problem_set=member) for member in members(self.problem_set)]


class Matrix(NamedTuple):
    """The lists that combinations are made of, the section `msat.matrix`."""

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

    @property
    def first(self) -> tuple[str, str, str, str]:
        """The first of each list but the sets'."""
        return (self.solvers[0], self.representations[0], self.difficulties[0], self.arms[0])

    def combinations(self) -> list[Combination]:
        """All of them: first those that answered the tasks, then those that answered word problems."""
        shared = (self.solvers, self.representations, self.difficulties)
        tasks = itertools.product(*shared, self.pretraining, [TASKS])
        words = itertools.product(*shared, self.arms, self.sets)
        return [Combination(*labels) for labels in (*tasks, *words)]

    def by_part(self) -> dict[Combination, list[Combination]]:
        """All of them by their names, joined sets one by one, folds of one source together under the first of them."""
        ordered = sorted((part for each in self.combinations() for part in each.alone()), key=_but_fold)
        groups = [list(group) for _, group in itertools.groupby(ordered, key=lambda each: _but_fold(each)[:5])]
        return {folds[0]: folds for folds in groups}

    def place(self, each: Combination) -> tuple[str, str]:
        """The arm of its figures, which names what is not first in its list, and their measure."""
        changed = "" if each.representation == self.representations[0] else f"_{each.representation}"
        changed += "" if each.difficulty == self.difficulties[0] else f"_difficulty_{each.difficulty}"
        if each.problem_set == TASKS:
            learnt = "" if each.arm == self.pretraining[0] else f"_{each.arm}"
            return f"{each.solver}{learnt}{changed}", "msat_accuracy"
        return f"{each.solver}_{each.arm}{changed}", "mwp_accuracy"


def _but_fold(each: Combination) -> tuple[str, ...]:
    return (*each[:4], each.part, each.problem_set)
