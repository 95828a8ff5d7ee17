"""The n-gram baseline against the same formulas in plain Python, and what makes it a probability."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfsown.errors import UserError
from selfsown.tinyllama.evaluate.ngram import FALLBACK, ModifiedKneserNey, discounts

Document = Sequence[int]


def packed(documents: Sequence[Document]) -> tuple[np.ndarray, np.ndarray]:
    tokens = np.array([token for document in documents for token in document], dtype=np.uint16)
    return tokens, np.cumsum([0, *map(len, documents)], dtype=np.int64)


def reference(documents: Sequence[Document], vocabulary: int, order: int) -> Callable[[Document, int], float]:
    """p(w | h) by Chen and Goodman, token by token."""
    seen: dict[tuple[int, ...], int] = Counter()
    left: dict[tuple[int, ...], set[int]] = defaultdict(set)
    begins: dict[tuple[int, ...], int] = Counter()
    for document in documents:
        for end in range(1, len(document)):  # the first token is given
            for start in range(max(0, end - order + 1), end + 1):
                gram = tuple(document[start : end + 1])
                seen[gram] += 1
                if start:
                    left[gram].add(document[start - 1])
                else:
                    begins[gram] += 1
    counts = {gram: n if len(gram) == order else len(left[gram]) + begins[gram] for gram, n in seen.items()}
    followers: dict[tuple[int, ...], list[int]] = defaultdict(list)
    for gram, count in counts.items():
        followers[gram[:-1]].append(count)
    taken = {}
    for n in range(1, order + 1):
        n1, n2, n3, n4 = (sum(len(gram) == n and c == k for gram, c in counts.items()) for k in (1, 2, 3, 4))
        taken[n] = FALLBACK
        if n1 and n2 and n3:
            y = n1 / (n1 + 2 * n2)
            found = (1 - 2 * y * n2 / n1, 2 - 3 * y * n3 / n2, 3 - 4 * y * n4 / n3)
            if all(0 < d <= k for k, d in enumerate(found, start=1)):
                taken[n] = found

    def probability(context: Document, token: int) -> float:
        context = tuple(context)[max(0, len(context) - order + 1) :]
        below = probability(context[1:], token) if context else 1 / vocabulary
        if not followers[context]:
            return below
        d = taken[len(context) + 1]
        total = sum(followers[context])
        count = counts.get((*context, token), 0)
        kept = count - d[min(count, 3) - 1] if count else 0
        gamma = sum(d[min(c, 3) - 1] for c in followers[context]) / total
        return kept / total + gamma * below

    return probability


@st.composite
def corpora(draw: st.DrawFn) -> tuple[list[list[int]], int, int]:
    """Documents, vocabulary and order; half of them long and skewed, so that counts of counts give discounts."""
    vocabulary = draw(st.integers(1, 6))
    order = draw(st.integers(1, 5))
    ids = st.integers(0, vocabulary - 1)
    documents = draw(st.lists(st.lists(ids, max_size=12), max_size=5))
    if draw(st.booleans()):
        rng = np.random.default_rng(draw(st.integers(0, 1000)))
        documents += [(rng.zipf(1.5, 60) % vocabulary).tolist() for _ in range(3)]
    documents.append(draw(st.lists(ids, min_size=2, max_size=12)))
    return documents, vocabulary, order


@settings(max_examples=60)
@given(corpora(), st.lists(st.integers(0, 5), min_size=1, max_size=8))
def test_equals_the_formulas_token_by_token_and_sums_to_one(
    corpus: tuple[list[list[int]], int, int], history: list[int]
) -> None:
    documents, vocabulary, order = corpus
    history = [token % vocabulary for token in history]
    model = ModifiedKneserNey.fit(packed(documents), vocabulary, order)
    probability = reference(documents, vocabulary, order)
    continued = [[*history[:end], token] for end in range(1, len(history) + 1) for token in range(vocabulary)]
    tokens, offsets = packed(continued)
    bits = model.bits(tokens, offsets)
    ours = 2 ** -bits[offsets[1:] - 1]
    assert ours == pytest.approx([probability(document[:-1], document[-1]) for document in continued])
    assert (ours > 0).all()
    assert ours.reshape(-1, vocabulary).sum(axis=1) == pytest.approx(np.ones(len(history)))
    assert (bits[offsets[:-1]] == 0).all()


def test_discounts_are_those_of_the_counts_of_counts() -> None:
    """n1..n4 = 4, 2, 1, 1: Y = 4 / 8."""
    counts = np.array([1, 1, 1, 1, 2, 2, 3, 4, 9, 0, 0])
    assert discounts(counts) == (1 - 2 * 0.5 * 2 / 4, 2 - 3 * 0.5 * 1 / 2, 3 - 4 * 0.5 * 1 / 1)


@pytest.mark.parametrize("counts", [[], [2, 2, 3], [1, 1, 3], [1, 2], [1, 1, 2, *[3] * 9], [1, 2, 3, *[4] * 9]])
def test_counts_of_counts_that_give_no_discount_take_the_fallback(counts: list[int]) -> None:
    assert discounts(np.array(counts, dtype=np.int64)) == FALLBACK


def markov(length: int, seed: int) -> tuple[list[int], float]:
    """BOS (0), then tokens that hang on the two before them: 0.9 for one of them, and the entropy in bits a token."""
    rng = np.random.default_rng(seed)
    document = [0, 1]
    for surprise, other in zip(rng.random(length) < 0.1, rng.integers(1, 8, length), strict=True):
        document.append(int(other) if surprise else (3 * document[-1] + 5 * document[-2]) % 7 + 1)
    likely, rest = 0.9 + 0.1 / 7, 0.1 / 7
    return document, -likely * math.log2(likely) - 6 * rest * math.log2(rest)


def test_comes_close_to_the_entropy_of_a_source_that_it_can_hold() -> None:
    document, entropy = markov(20_000, seed=1)
    held_out, _ = markov(5_000, seed=2)
    mean = {
        order: ModifiedKneserNey.fit(packed([document]), 8, order).bits(*packed([held_out]))[1:].mean()
        for order in (1, 2, 3, 5)
    }
    assert mean[1] > mean[2] > 2 * entropy  # too short for the source
    assert mean[3] == pytest.approx(entropy, rel=0.1)
    assert mean[5] < 1.1 * mean[3]


def test_neither_the_order_of_documents_nor_the_other_documents_matter() -> None:
    documents = [markov(40, seed)[0] for seed in range(8)]
    model = ModifiedKneserNey.fit(packed(documents), 8)
    turned = ModifiedKneserNey.fit(packed(documents[::-1]), 8)
    together = model.bits(*packed(documents))
    assert np.array_equal(together, turned.bits(*packed(documents)))
    assert np.array_equal(together, np.concatenate([model.bits(*packed([document])) for document in documents]))


def test_ids_of_a_large_vocabulary_are_kept_apart() -> None:
    """In 32 bits the keys of these ids would wrap around to the same ones."""
    vocabulary = 2**20
    rng = np.random.default_rng(0)
    documents = [[1, *(vocabulary - 4096 * rng.integers(1, 50, 300)).tolist(), 2] for _ in range(20)]
    probability = reference(documents, vocabulary, 5)
    document = documents[0]
    expected = [-math.log2(probability(document[max(0, i - 4) : i], document[i])) for i in range(1, len(document))]
    tokens, offsets = np.concatenate(documents).astype(np.uint32), np.arange(21) * 302
    bits = ModifiedKneserNey.fit((tokens, offsets), vocabulary).bits(np.array(document), np.array([0, 302]))
    assert bits[1:] == pytest.approx(expected)


@pytest.mark.parametrize(
    ("tokens", "offsets", "said"),
    [
        ([0, 9], [0, 2], "token 1 has id 9, but the vocabulary has 8 ids"),
        ([0, -1], [0, 2], "token 1 has id -1"),
        ([0, 1], [0, 1], "offsets must rise from 0 to the number of tokens, 2"),
        ([0, 1], [1, 2], "offsets must rise"),
        ([0, 1], [0, 2, 1, 2], "offsets must rise"),
        ([0, 1], [], "offsets must rise"),
        ([0, 1], [0, 1, 2], "no document has two tokens"),
        ([], [0], "no document has two tokens"),
    ],
)
def test_what_cannot_be_counted_is_refused(tokens: list[int], offsets: list[int], said: str) -> None:
    with pytest.raises(UserError, match=said):
        ModifiedKneserNey.fit((np.array(tokens), np.array(offsets)), 8)
