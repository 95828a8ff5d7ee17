"""The baseline without a neural network: an interpolated n-gram model over token ids, modified Kneser-Ney.

Chen and Goodman (1998), "An Empirical Study of Smoothing Techniques for Language Modeling", section 3. With h the n - 1
tokens before w, and h' the same without its first token:

    p_n(w | h) = (a(h w) - D_n(a(h w))) / a(h .) + gamma(h) p_{n-1}(w | h')
    gamma(h)   = (D1 N1(h .) + D2 N2(h .) + D3 N3+(h .)) / a(h .)

a(h .) is the sum over w, Nk(h .) the number of w with a(h w) = k. The highest order counts occurrences. A lower order
counts the distinct tokens that stand before the n-gram. Where nothing can stand before it, because it begins a
document, each occurrence counts (as in KenLM, Heafield et al. 2013). The lowest order falls back to 1 / vocabulary, so
no token is impossible.

An n-gram never crosses from one document into the next. The first token of a document (BOS) is given: it is context,
and is never predicted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from selfsown.errors import UserError

Ints = np.ndarray[Any, np.dtype[np.int64]]
Floats = np.ndarray[Any, np.dtype[np.float64]]

FALLBACK = (0.5, 1.0, 1.5)
"""Discounts where the counts of counts give none: those that KenLM's `--discount_fallback` takes."""


def discounts(counts: Ints) -> tuple[float, float, float]:
    """D1, D2 and D3+ from the counts of an order's n-grams (Chen and Goodman 1998, equation 26).

    The formula has no answer where no n-gram has count 1, 2 or 3, and a useless one where a discount is not above zero
    and at most the count. Small or odd corpora do that. All three are then `FALLBACK`.
    """
    n1, n2, n3, n4 = (int((counts == count).sum()) for count in (1, 2, 3, 4))
    if not (n1 and n2 and n3):
        return FALLBACK
    y = n1 / (n1 + 2 * n2)
    d1, d2, d3 = 1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3
    return (d1, d2, d3) if 0 < d1 <= 1 and 0 < d2 <= 2 and 0 < d3 <= 3 else FALLBACK


@dataclass(frozen=True)
class _Order:
    """The n-grams of one order from 2 up: `keys [types]` in ascending order, each context id * vocabulary + token.

    A context's id is the place of its own key one order below; a context of one token is that token's id.
    """

    keys: Ints
    mass: Floats
    """`[types]`: the n-gram's discounted share of its context's count."""
    backoff: Floats
    """`[contexts]`: what is left for the order below, all of it (1) for a context that nothing followed."""

    def find(self, keys: Ints) -> Ints:
        """The id of each key `[queries]`, -1 where it was never seen."""
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[places] == keys, places, -1)


@dataclass(frozen=True)
class ModifiedKneserNey:
    """A fitted model.

    Attributes:
        discounts: D1, D2, D3+ of each order, the lowest first.
    """

    vocabulary: int
    discounts: tuple[tuple[float, float, float], ...]
    _unigram: Floats
    _orders: tuple[_Order, ...]

    @classmethod
    def fit(cls, documents: tuple[np.ndarray, np.ndarray], vocabulary: int, order: int = 5) -> Self:
        """Count the n-grams of documents.

        Args:
            documents: token ids of all documents one after another `[tokens]`, any integer type, and where each begins
                `[documents + 1]`, the last entry being the number of tokens. A document is BOS + text + EOS.
            vocabulary: ids are below it.
            order: length of the longest n-gram, the predicted token included.

        Raises:
            UserError: an id outside the vocabulary, offsets that do not fit, no document of two tokens, or an order
                below 1.
        """
        if order < 1:
            raise UserError(f"n-gram model: order {order}: the shortest n-gram is of order 1")
        tokens, place = _checked(*documents, vocabulary)
        if not place.any():
            raise UserError("n-gram model: no document has two tokens, so there is nothing to count: give more text")
        grams = _count(tokens, place, vocabulary, order)
        contexts = [1, *(len(gram.keys) for gram in grams)]
        made = [_discounted(gram, count) for gram, count in zip(grams, contexts, strict=False)]
        unigram = made[0].mass + made[0].backoff[0] / vocabulary
        higher = tuple(_Order(gram.keys, one.mass, one.backoff) for gram, one in zip(grams[1:], made[1:], strict=True))
        return cls(vocabulary, tuple(one.discounts for one in made), unigram, higher)

    def bits(self, tokens: np.ndarray, offsets: np.ndarray) -> Floats:
        """-log2 p of each token given up to `order - 1` tokens before it in its document, `[tokens]`.

        The first token of each document is given, so its bits are 0. `tokens` and `offsets` are as in `fit`.

        Raises:
            UserError: an id outside the vocabulary, or offsets that do not fit.
        """
        tokens, place = _checked(tokens, offsets, self.vocabulary)
        probability = self._unigram[tokens]
        ids = tokens
        for n, order in enumerate(self._orders, start=2):
            ends = np.flatnonzero(place >= n - 1)
            contexts = ids[ends - 1]
            seen = contexts >= 0
            ends, contexts = ends[seen], contexts[seen]
            ids = np.full(len(tokens), -1)
            ids[ends] = found = order.find(contexts * self.vocabulary + tokens[ends])
            probability[ends] *= order.backoff[contexts]
            probability[ends] += np.where(found >= 0, order.mass[found], 0)
        probability[place == 0] = 1
        return -np.log2(probability)


def _checked(tokens: np.ndarray, offsets: np.ndarray, vocabulary: int) -> tuple[Ints, Ints]:
    """The ids, and the place of each in its document, from 0; both `[tokens]`."""
    starts = np.asarray(offsets, dtype=np.int64)
    if len(starts) == 0 or starts[0] != 0 or starts[-1] != len(tokens) or (np.diff(starts) < 0).any():
        raise UserError(
            f"n-gram model: offsets must rise from 0 to the number of tokens, {len(tokens)}; "
            f"they are {starts[:3].tolist()}..{starts[-3:].tolist()}"
        )
    ids = np.asarray(tokens, dtype=np.int64)
    outside = np.flatnonzero((ids < 0) | (ids >= vocabulary))
    if len(outside):
        raise UserError(
            f"n-gram model: token {outside[0]} has id {ids[outside[0]]}, but the vocabulary has {vocabulary} ids: "
            "encode the documents with the tokenizer that the vocabulary is of"
        )
    return ids, np.arange(len(ids)) - np.repeat(starts[:-1], np.diff(starts))


@dataclass(frozen=True)
class _Grams:
    """The distinct n-grams of one order: `keys`, `adjusted` counts and ids of the `contexts`, all `[types]`."""

    keys: Ints
    adjusted: Ints
    contexts: Ints


def _count(tokens: Ints, place: Ints, vocabulary: int, order: int) -> list[_Grams]:
    """The n-grams of orders 1 to `order`, each counted as the formula wants it.

    An n-gram is found by the token at which it ends. Its key is made of the id of its context, which ends one token
    earlier, so keys stay below types * vocabulary: int64 is enough at any order. Where no document is as long as
    `order`, the longest n-grams that there are end the list.
    """
    keys = np.arange(vocabulary)
    contexts = np.zeros(vocabulary, dtype=np.int64)
    ids = tokens
    occurrences = np.bincount(tokens[place > 0], minlength=vocabulary)
    grams = []
    for n in range(2, order + 1):
        ends = np.flatnonzero(place >= n - 1)
        if len(ends) == 0:
            break
        next_keys, first, inverse, next_occurrences = np.unique(
            ids[ends - 1] * vocabulary + tokens[ends], return_index=True, return_inverse=True, return_counts=True
        )
        # Of each distinct longer n-gram, what it ends in: how many different tokens stand before an n-gram.
        adjusted = np.bincount(ids[ends[first]], minlength=len(keys))
        if n > 2:  # a single token that begins a document is given, not predicted
            adjusted += np.bincount(ids[place == n - 2], minlength=len(keys))
        grams.append(_Grams(keys, adjusted, contexts))
        keys, contexts, occurrences = next_keys, next_keys // vocabulary, next_occurrences
        ids = np.full(len(tokens), -1)
        ids[ends] = inverse
    grams.append(_Grams(keys, occurrences, contexts))
    return grams


@dataclass(frozen=True)
class _Discounted:
    mass: Floats
    backoff: Floats
    discounts: tuple[float, float, float]


def _discounted(grams: _Grams, contexts: int) -> _Discounted:
    """What each n-gram keeps of its context's count, as a share, and what each of the `contexts` gives away."""
    used = discounts(grams.adjusted)
    taken = np.array([0.0, *used])[np.minimum(grams.adjusted, 3)]
    totals = np.bincount(grams.contexts, grams.adjusted, contexts)
    given = np.bincount(grams.contexts, taken, contexts)
    counted = totals > 0
    totals[~counted] = 1
    mass = (grams.adjusted - taken) / totals[grams.contexts]
    return _Discounted(mass, np.where(counted, given / totals, 1.0), used)
