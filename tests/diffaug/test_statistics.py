"""Values of items: their mean is the figure as its definition says, and their spread is that of the figure."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import roc_auc_score

from selfsown.diffaug.evaluate.statistics import (
    alignment_values,
    auc_values,
    correlation_values,
    spearman,
    uniformity_values,
)

SIMILARITIES = st.lists(st.tuples(st.integers(-3, 3), st.integers(-3, 3)), min_size=2, max_size=20)


@given(SIMILARITIES)
def test_the_mean_is_the_area_under_the_curve(pairs: list[tuple[int, int]]) -> None:
    supported, refuted = np.array(pairs, float).T
    labels = np.repeat([1, 0], len(pairs))
    expected = roc_auc_score(labels, np.concatenate([supported, refuted]))
    assert auc_values(supported, refuted).mean() == pytest.approx(expected)


@given(SIMILARITIES)
def test_the_mean_is_spearmans_correlation(pairs: list[tuple[int, int]]) -> None:
    scores, similarities = np.array(pairs, float).T
    found = correlation_values(scores, similarities, [(str(place),) for place in range(len(pairs))])
    if len(set(scores)) > 1 and len(set(similarities)) > 1:
        assert spearman(scores, similarities) == pytest.approx(stats.spearmanr(scores, similarities).statistic)
    assert np.mean(list(found.values())) == pytest.approx(spearman(scores, similarities))


def test_the_mean_is_uniformity_and_alignment_by_definition() -> None:
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(30, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    apart = [np.exp(-2 * np.sum((a - b) ** 2)) for a, b in combinations(vectors, 2)]
    assert uniformity_values(vectors).mean() == pytest.approx(np.log(np.mean(apart)))
    left, right = vectors[:15], vectors[15:]
    assert alignment_values((left * right).sum(1)).mean() == pytest.approx(np.mean(np.sum((left - right) ** 2, axis=1)))


def test_the_spread_of_the_auc_is_that_over_samples() -> None:
    rng = np.random.default_rng(0)
    areas, errors = [], []
    for _ in range(300):
        both = rng.normal(size=120)  # what a premise does to both its claims
        values = auc_values(both + rng.normal(size=120) + 0.5, both + rng.normal(size=120))
        areas.append(values.mean())
        errors.append(values.std(ddof=1) / np.sqrt(120))
    assert np.mean(errors) == pytest.approx(np.std(areas), rel=0.15)


def test_the_spread_of_lees_correlation_is_that_over_documents() -> None:
    rng = np.random.default_rng(0)
    found, errors = [], []
    for _ in range(120):
        places = rng.normal(size=(25, 2))
        seen = places + 0.7 * rng.normal(size=(25, 2))
        pairs = list(combinations(range(25), 2))
        true, ours = (np.array([-np.linalg.norm(x[a] - x[b]) for a, b in pairs]) for x in (places, seen))
        values = list(correlation_values(true, ours, [(str(a), str(b)) for a, b in pairs]).values())
        found.append(np.mean(values))
        errors.append(np.std(values, ddof=1) / np.sqrt(25))
    assert np.mean(errors) == pytest.approx(np.std(found), rel=0.25)
