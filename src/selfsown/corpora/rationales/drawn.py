"""Problems of templates, drawn as they are needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import count

from selfsown.corpora.rationales.supply import Accept, Judge, too_few
from selfsown.corpora.readers.rationales.gsm_symbolic import Templates
from selfsown.corpora.readers.rationales.worked import Split, Worked
from selfsown.errors import UserError
from selfsown.shards.seeds import purpose_seed, rank

PROBES = 24
"""Problems that tell whether a template can be drawn; they are used for nothing else."""

MIN_YIELD = 0.5
"""Share of them that must be kept, and differ: below it what is kept is no longer what the template is about, or the
template has too few problems for all splits."""

TRIES = 25
"""Problems looked at for each that is wanted."""


class Drawn:
    """Templates that are seen and templates that are not, drawn by seed among those that can be drawn.

    A problem follows from the seed, its template, its split and its place among those of both: other templates, other
    splits and other numbers of rows change none. Of a template that cannot be drawn, the first problem that was refused
    is among the refused rows.

    Raises:
        UserError: too few templates can be drawn.
    """

    def __init__(
        self, templates: Templates, seen: int, unseen: int, rows: Mapping[Split, int], judge: Judge, seed: int
    ) -> None:
        self._templates, self._rows, self._judge, self._seed = templates, rows, judge, seed
        self._refused: list[Worked] = []
        fit = [number for number in templates.numbers if self._fits(number)]
        fit.sort(key=lambda number: rank(seed, templates.group(number)))
        if len(fit) < seen + unseen:
            raise UserError(
                f"corpora.rationales.sets: {templates.source}: {seen} seen and {unseen} unseen templates are wanted, "
                f"only {len(fit)} fit: widen steps or quantities"
            )
        self._seen, self._unseen = fit[:seen], fit[seen : seen + unseen]

    def _fits(self, number: int) -> bool:
        first: dict[tuple[str, ...], str] = {}
        refused = []
        for place in range(PROBES):
            probe = self._drawn(number, f"probe/{place}")
            if not probe.reason and (same := first.setdefault(probe.numbers, probe.id)) != probe.id:
                probe = replace(probe, reason=f"duplicate: as {same}")
            if probe.reason:
                refused.append(probe)
        fits = len(refused) <= (1 - MIN_YIELD) * PROBES
        if not fits:
            self._refused.append(refused[0])
        return fits

    def _drawn(self, number: int, name: str) -> Worked:
        seed = purpose_seed(self._seed, f"{self._templates.group(number)}/{name}")
        return self._judge(self._templates.problem(number, name, seed))

    def fill(self, split: Split, accept: Accept) -> None:
        """Take from all templates in turn, until the split has its rows."""
        wanted = left = self._rows.get(split, 0)
        templates = self._unseen if split == "unseen" else self._seen
        places = ((number, place) for place in count() for number in templates) if templates else iter(())
        for number, place in places:
            if not left or place * len(templates) > TRIES * wanted:
                break
            problem = replace(self._drawn(number, f"{split}/{place}"), split=split)
            if problem.reason:
                self._refused.append(problem)
            else:
                left -= accept(problem)
        if left:
            raise UserError(too_few(self._templates.source, split, wanted, wanted - left))

    def refused(self) -> list[Worked]:
        """Problems that were drawn and cannot be used."""
        return self._refused
