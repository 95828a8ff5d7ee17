"""How alike two rationales are: the overlap of their sets of tokens, in the model's own vocabulary."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from typing import Any

TokenSets = Mapping[str, AbstractSet[int]]
"""The tokens of each text."""


def token_ids(tokenizer: Any, texts: Iterable[str]) -> dict[str, list[int]]:
    """Tokens of each text, without any that the tokenizer puts around it."""
    different = list(dict.fromkeys(texts))
    found = tokenizer(different, add_special_tokens=False)["input_ids"] if different else []
    return dict(zip(different, found, strict=True))


def token_sets(ids: Mapping[str, list[int]]) -> TokenSets:
    """The set of tokens of each text."""
    return {text: frozenset(tokens) for text, tokens in ids.items()}


def counted(ids: Mapping[str, list[int]]) -> dict[str, int]:
    """How many tokens each text has."""
    return {text: len(tokens) for text, tokens in ids.items()}


def jaccard(one: AbstractSet[int], other: AbstractSet[int]) -> float:
    """Size of the intersection over that of the union, in [0, 1]; two empty sets are alike.

    >>> jaccard({1, 2, 3}, {2, 3, 4})
    0.5
    """
    union = len(one | other)
    return len(one & other) / union if union else 1.0


def distinct(texts: Iterable[str], tokens: TokenSets, threshold: float) -> tuple[list[str], list[str]]:
    """The texts that are kept, greedily in their order, and those dropped: more than `threshold` like a kept one.

    A text that stands twice is kept once whatever the threshold, and is then among neither.
    """
    kept: list[str] = []
    dropped: list[str] = []
    for text in dict.fromkeys(texts):
        near = any(jaccard(tokens[text], tokens[other]) > threshold for other in kept)
        (dropped if near else kept).append(text)
    return kept, dropped
