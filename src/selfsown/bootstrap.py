"""Corpus-level error rates with bootstrap confidence intervals, paired over the same items.

A rate is sum(errors) / sum(units) over items (utterances): WER and CER are such rates. Items are resampled with
replacement, so the interval covers the choice of test items, not of training seeds; give the mean of the errors
over seeds to cover a set of runs. 95 % percentile intervals from `scipy.stats.bootstrap`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

RESAMPLES = 9999
FloatArray = np.ndarray[Any, np.dtype[np.float64]]


class Estimate(NamedTuple):
    """A value with its 95 % interval and the number of items `n` it rests on."""

    value: float
    lo: float
    hi: float
    n: int


def rate(errors: FloatArray, units: FloatArray, seed: int = 0) -> Estimate:
    """sum(errors) / sum(units), both `[items]`.

    Where no item has an error, or all are errors, every resample is the same: the interval is then the exact one of
    Clopper and Pearson (1934), over items.

    Raises:
        ValueError: no items, or no units in them.
    """
    made = _estimate(lambda e, u, axis: e.sum(axis) / u.sum(axis), [(errors, units)], seed)
    if made.value in (0, 1) and np.array_equal(errors, made.value * np.asarray(units)):
        exact = stats.binomtest(int(made.value) * made.n, made.n).proportion_ci()
        return made._replace(lo=float(exact.low), hi=float(exact.high))
    return made


def rate_difference(errors: FloatArray, baseline: FloatArray, units: FloatArray, seed: int = 0) -> Estimate:
    """rate(errors) - rate(baseline) over the same items, paired: below zero is better than the baseline."""
    return mean_rate_difference([(errors, baseline, units)], seed)


def relative_reduction(errors: FloatArray, baseline: FloatArray, seed: int = 0) -> Estimate:
    """1 - rate(errors) / rate(baseline) over the same items, paired: above zero is better than the baseline."""
    return _estimate(lambda e, b, axis: 1 - e.sum(axis) / b.sum(axis), [(errors, baseline)], seed)


def mean_rate_difference(sets: Sequence[Sequence[FloatArray]], seed: int = 0) -> Estimate:
    """The plain mean of `rate_difference` over sets of other items: each (errors, baseline, units), resampled apart."""
    return _estimate(lambda e, b, u, axis: (e.sum(axis) - b.sum(axis)) / u.sum(axis), sets, seed)


def mean_rate_difference_over_runs(
    sets: Sequence[Sequence[tuple[FloatArray, FloatArray, FloatArray]]], seed: int = 0
) -> Estimate:
    """The plain mean of `rate_difference` over sets, with an interval of what other training runs would give too.

    A set is a list of folds: each (errors, baseline, units), the first two `[seeds, items]`, of models trained on the
    other folds; the value is over the items of all. Drawn with replacement are seeds, the same ones for all sets and
    folds; a set's folds; and the items of each fold that is drawn (the pigeonhole bootstrap of Owen, 2007, with items
    in folds). Of what it has one of, it cannot know how much others differ: one seed, or the only fold of a set.

    Raises:
        ValueError: a set without folds, or a fold without items.
    """
    rng = np.random.default_rng(seed)
    seeds = len(sets[0][0][0])
    weights = rng.multinomial(seeds, np.full(seeds, 1 / seeds), size=RESAMPLES) / seeds
    values, resampled = [], []
    for folds in sets:
        if not folds or not all(len(units) for _, _, units in folds):
            raise ValueError("a set needs folds, and a fold items")
        drawn = rng.integers(len(folds), size=(RESAMPLES, len(folds)))
        over, under = np.zeros(RESAMPLES), np.zeros(RESAMPLES)
        for index, (errors, baseline, units) in enumerate(folds):
            # Of a fold that is drawn k times the items are drawn anew each time: one draw of k times as many.
            times = (drawn == index).sum(1)
            items = rng.multinomial(times * len(units), np.full(len(units), 1 / len(units)))
            over += ((weights @ (errors - baseline)) * items).sum(1)
            under += items @ units
        resampled.append(over / under)
        differences = sum(float((errors - baseline).mean(0).sum()) for errors, baseline, _ in folds)
        values.append(differences / sum(float(units.sum()) for _, _, units in folds))
    lo, hi = np.percentile(np.mean(resampled, axis=0), [2.5, 97.5])
    return Estimate(
        float(np.mean(values)), float(lo), float(hi), sum(len(units) for folds in sets for *_, units in folds)
    )


def _estimate(statistic: Callable[..., FloatArray], sets: Sequence[Sequence[FloatArray]], seed: int) -> Estimate:
    """The plain mean of a statistic over sets of items; the last array of each set is what the statistic divides by."""
    made = [_resampled(statistic, data, seed + index) for index, data in enumerate(sets)]
    lo, hi = np.percentile(np.mean([resamples for _, resamples in made], axis=0), [2.5, 97.5])
    value = float(np.mean([value for value, _ in made]))
    return Estimate(value, float(lo), float(hi), sum(len(data[-1]) for data in sets))


def _resampled(statistic: Callable[..., FloatArray], data: Sequence[FloatArray], seed: int) -> tuple[float, FloatArray]:
    """The statistic, and its value in each of `RESAMPLES` resamples of the items."""
    arrays = tuple(np.asarray(part, dtype=float) for part in data)
    if len(arrays[-1]) == 0 or arrays[-1].sum() == 0:
        raise ValueError("a rate needs at least one item with at least one unit")
    value = float(statistic(*arrays, axis=0))
    if len(arrays[-1]) == 1:
        return value, np.full(RESAMPLES, value)
    made = stats.bootstrap(
        arrays, statistic, paired=True, vectorized=True, method="percentile", n_resamples=RESAMPLES,
        rng=np.random.default_rng(seed), batch=1000
    )  # fmt: skip
    return value, made.bootstrap_distribution
