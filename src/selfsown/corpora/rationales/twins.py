"""Questions that are the same but for their words: they give each other's answer away."""

from __future__ import annotations

from collections import defaultdict

from selfsown.corpora.readers.rationales.worked import Worked
from selfsown.text.written.normal import normalize_for_comparison
from selfsown.text.written.overlap import jaccard


class Twins:
    """An index of problems. Twins have the same numbers in the same order, and are of one group or say nearly the same.

    Nearly: the words of their questions overlap by `near_duplicate` (Jaccard), their numbers apart.
    """

    def __init__(self, near_duplicate: float) -> None:
        self._threshold = near_duplicate
        self._known: defaultdict[tuple[str, ...], list[tuple[Worked, frozenset[str]]]] = defaultdict(list)

    def find(self, worked: Worked) -> Worked | None:
        """The first problem in the index that is a twin of this one."""
        words = _words(worked)
        for other, known in self._known[worked.numbers]:
            if (worked.group and worked.group == other.group) or jaccard(words, known) >= self._threshold:
                return other
        return None

    def add(self, worked: Worked) -> None:
        """Index a problem."""
        self._known[worked.numbers].append((worked, _words(worked)))


def _words(worked: Worked) -> frozenset[str]:
    return frozenset(normalize_for_comparison(worked.masked or worked.question).split()) or frozenset([""])
