"""Texts that are the same or nearly so, by MinHash; and texts that leak what is held out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache, lru_cache

from datasketch import MinHash, MinHashLSH

from selfsown.text.written.normal import normalize_for_comparison

_SHINGLE = 3
_PERMUTATIONS = 64


class NearDuplicates:
    """An index of texts; a text is a near-duplicate of one whose character 3-grams overlap by `threshold` (Jaccard).

    Texts are given in their form for comparison. The index proposes texts that overlap by `proposal` or so: at
    `threshold`, the default, it misses half of those that overlap by little more; at half of it, it misses next to none
    and takes up to 1.6 times as long.
    """

    def __init__(self, threshold: float, proposal: float | None = None) -> None:
        self._threshold = threshold
        self._index = MinHashLSH(threshold=proposal or threshold, num_perm=_PERMUTATIONS)
        self._shingles: dict[str, frozenset[str]] = {}

    def add(self, text: str) -> None:
        """Index a text."""
        if text not in self._shingles:
            self._shingles[text] = _shingles(text)
            self._index.insert(text, _sketch(self._shingles[text]))

    def find(self, text: str) -> str | None:
        """An indexed text that `text` equals or nearly equals."""
        return text if text in self._shingles else next(self.neighbours(text), None)

    def neighbours(self, text: str) -> Iterator[str]:
        """All indexed texts that `text` equals or nearly equals."""
        shingles = _shingles(text)
        # LSH proposes, the exact overlap decides: no text is dropped for a collision
        for other in sorted(self._index.query(_sketch(shingles))):
            if jaccard(shingles, self._shingles[other]) >= self._threshold:
                yield str(other)


def near_groups(texts: Iterable[str], threshold: float) -> dict[str, str]:
    """Each text -> the first text, by alphabet, of those it is joined with by a chain of near-duplicates."""
    index = NearDuplicates(threshold, proposal=threshold / 2)
    leader: dict[str, str] = {}

    def root(text: str) -> str:
        while leader[text] != text:
            text = leader[text]
        return text

    for text in sorted(set(texts)):
        leader[text] = text
        for other in index.neighbours(text):
            first, second = sorted((root(text), root(other)))
            leader[second] = first
        index.add(text)
    return {text: root(text) for text in leader}


@lru_cache(maxsize=8)  # a text is looked up here and there before it is added
def _shingles(text: str) -> frozenset[str]:
    return frozenset(text[i : i + _SHINGLE] for i in range(max(1, len(text) - _SHINGLE + 1)))


@lru_cache(maxsize=8)
def _sketch(shingles: frozenset[str]) -> MinHash:
    sketch = _blank().copy()  # a new one draws its permutations anew, which would be most of the work
    sketch.update_batch([shingle.encode() for shingle in shingles])
    return sketch


@cache
def _blank() -> MinHash:
    return MinHash(num_perm=_PERMUTATIONS, seed=1)


def jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    """Size of the intersection over size of the union."""
    return len(first & second) / len(first | second)


class HeldOut:
    """Texts that must not be trained on: equal, nearly equal, or sharing `ngram` words in a row."""

    def __init__(self, texts: Iterable[str], *, threshold: float, ngram: int) -> None:
        self._near = NearDuplicates(threshold, proposal=threshold / 2)
        self._ngram = ngram
        self._ngrams: set[tuple[str, ...]] = set()
        for text in sorted({normalize_for_comparison(text) for text in texts} - {""}):
            self._near.add(text)
            self._ngrams.update(self._word_ngrams(text))

    def leak(self, text: str) -> str | None:
        """Why `text` gives away a held-out text, or None."""
        form = normalize_for_comparison(text)
        found = self._near.find(form)
        if found is not None:
            return f"held out: equals {found[:40]!r}" if found == form else f"held out: nearly equals {found[:40]!r}"
        shared = next((gram for gram in self._word_ngrams(form) if gram in self._ngrams), None)
        return f"held out: shares {' '.join(shared)!r}" if shared else None

    def _word_ngrams(self, text: str) -> list[tuple[str, ...]]:
        words = text.split()
        return [tuple(words[i : i + self._ngram]) for i in range(len(words) - self._ngram + 1)]
