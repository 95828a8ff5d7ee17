"""Whether a document is English prose, by Gopher's rule."""

from __future__ import annotations

from collections.abc import Iterable

STOP_WORDS = frozenset(("the", "be", "to", "of", "and", "that", "have", "with"))
"""Gopher (Rae et al. 2021, section A.1.1): a document without two of them is hardly English prose."""


def not_english(words: Iterable[str], fewest: int) -> str:
    """Why the text is hardly English prose, or an empty text.

    Args:
        words: casefolded.
        fewest: different stop words that it must have; 0 lets all through.
    """
    found = STOP_WORDS.intersection(words)
    return "" if len(found) >= fewest else f"language: {len(found)} of English's stop words, at least {fewest}"
