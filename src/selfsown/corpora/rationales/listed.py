"""Problems of files: cut into splits here, or published as a test."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial

from selfsown.corpora.rationales.supply import Accept, too_few
from selfsown.corpora.readers.rationales.worked import Split, Worked
from selfsown.corpora.readers.word_problems import without_numbers
from selfsown.errors import UserError
from selfsown.shards.seeds import rank
from selfsown.text.written.normal import normalize_for_comparison
from selfsown.text.written.overlap import near_groups


class Listed:
    """Groups of near-duplicates, their numbers apart, in an order drawn by seed; no split tears one.

    Problems with a split of their own stay on it. Labelled ones must have rationales.
    """

    def __init__(
        self,
        source: str,
        problems: Iterable[Worked],
        rows: Mapping[Split, int | None],
        near_duplicate: float,
        seed: int,
    ) -> None:
        self._source, self._rows = source, rows
        found = list(problems)
        self._refused = [problem for problem in found if problem.reason]
        kept = [problem for problem in found if not problem.reason]
        self._placed = [replace(problem, group=problem.id) for problem in kept if problem.split]
        groups = _grouped([problem for problem in kept if not problem.split], near_duplicate)
        self._queue = sorted(groups, key=lambda group: rank(seed, group[0].group))

    def fill(self, split: Split, accept: Accept) -> None:
        """Offer the problems whose own split it is, then the first groups that there is room for."""
        for problem in self._placed:
            if problem.split == split:
                accept(problem)
        wanted = self._rows.get(split, 0)
        left = sum(map(len, self._queue)) if wanted is None else wanted
        later = []
        for group in self._queue:
            if len(group) > left or (split == "labelled" and not all(problem.rationale for problem in group)):
                later.append(group)
            else:
                left -= sum([accept(replace(problem, split=split)) for problem in group])
        self._queue = later
        if wanted and left:
            raise UserError(too_few(self._source, split, wanted, wanted - left))

    def refused(self) -> list[Worked]:
        """Problems that cannot be used, and those that no split took."""
        reason = "limit: no split has room for its group of {}".format
        return self._refused + [replace(row, reason=reason(len(group))) for group in self._queue for row in group]


def _grouped(problems: list[Worked], near_duplicate: float) -> list[list[Worked]]:
    """Near-duplicates together, called by the first of them."""
    forms = [normalize_for_comparison(without_numbers(problem.masked or problem.question)) for problem in problems]
    leaders = near_groups(forms, near_duplicate)
    groups: defaultdict[str, list[Worked]] = defaultdict(list)
    for problem, form in zip(problems, forms, strict=True):
        group = groups[leaders[form]]
        group.append(replace(problem, group=group[0].id if group else problem.id))
    return list(groups.values())


class Whole:
    """A published test set; which rows of it a limit takes is drawn by seed."""

    def __init__(self, problems: Iterable[Worked], limit: int | None, seed: int) -> None:
        found = list(problems)
        self._refused = [problem for problem in found if problem.reason]
        kept = [problem for problem in found if not problem.reason]
        drawn = sorted((problem.id for problem in kept), key=partial(rank, seed))[:limit]
        taken = set(drawn)
        self._rows = [problem for problem in kept if problem.id in taken]

    def fill(self, split: Split, accept: Accept) -> None:
        """Offer all for the split test."""
        for problem in self._rows if split == "test" else ():
            accept(replace(problem, split=split, group=problem.id))

    def refused(self) -> list[Worked]:
        """Problems that cannot be used."""
        return self._refused
