"""How much of a document repeats itself: the measures of Gopher (Rae et al. 2021, table A1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import numpy as np

from selfsown.params import Params
from selfsown.text.documents.words import Words, ngrams


class Repetition(Params):
    """Largest shares allowed; Gopher's values are 0.30, 0.20, 0.20, 0.18 and 0.16."""

    duplicate_lines: float
    duplicate_line_characters: float
    top_2_gram: float
    top_3_gram: float
    top_4_gram: float


def repetitive(text: str, words: Words, allowed: Repetition) -> str:
    """Why the document repeats itself too much, or an empty text.

    Args:
        words: of the text.
    """
    for name, share in _shares(text, words):
        limit = getattr(allowed, name)
        if share > limit:
            return f"repetition: {name} {share:.2f}, at most {limit:g}"
    return ""


def _shares(text: str, words: Words) -> Iterator[tuple[str, float]]:
    lines = [line for line in map(str.strip, text.splitlines()) if line]
    counts = Counter(lines)
    repeated = {line: count - 1 for line, count in counts.items() if count > 1}
    yield "duplicate_lines", sum(repeated.values()) / max(1, len(lines))
    characters = sum(map(len, lines))
    duplicated = sum(len(line) * again for line, again in repeated.items())
    yield "duplicate_line_characters", duplicated / max(1, characters)
    for size in (2, 3, 4):
        yield f"top_{size}_gram", _top_share(words, size)


def _top_share(words: Words, size: int) -> float:
    """The share of the words' characters that is in the most frequent run of `size` words; 0 where none repeats."""
    runs = ngrams(words.keys, size)
    if not runs.size:
        return 0.0
    _, first, counts = np.unique(runs, return_index=True, return_counts=True)
    top = int(np.argmax(counts))
    if counts[top] < 2:
        return 0.0
    length = words.lengths[first[top] : first[top] + size].sum()
    return min(1.0, float(length * counts[top] / words.lengths.sum()))
