"""Confidence intervals: known values, pairing, and coverage of a truth that is known."""

import numpy as np
import pytest

from selfsown.bootstrap import (
    mean_rate_difference,
    mean_rate_difference_over_runs,
    rate,
    rate_difference,
    relative_reduction,
)


def test_rate_is_corpus_level_not_a_mean_of_rates() -> None:
    estimate = rate(np.array([1.0, 9.0]), np.array([1.0, 99.0]))
    assert estimate.value == pytest.approx(0.1)


def test_an_arm_against_itself_differs_by_exactly_nothing() -> None:
    rng = np.random.default_rng(0)
    errors, units = rng.integers(0, 5, 100), rng.integers(5, 10, 100)
    assert rate_difference(errors, errors, units)[:3] == (0.0, 0.0, 0.0)
    assert relative_reduction(errors, errors)[:3] == (0.0, 0.0, 0.0)


def test_pairing_narrows_the_interval() -> None:
    rng = np.random.default_rng(1)
    units = np.full(300, 10.0)
    baseline = rng.integers(0, 10, 300).astype(float)
    errors = np.maximum(baseline - rng.integers(0, 2, 300), 0)
    paired = rate_difference(errors, baseline, units)
    shuffled = rate_difference(rng.permutation(errors), baseline, units)
    assert paired.hi - paired.lo < 0.5 * (shuffled.hi - shuffled.lo)
    assert paired.hi < 0


def test_sets_weigh_the_same_in_their_mean_however_large() -> None:
    rng = np.random.default_rng(3)

    def one(items: int, gain: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        baseline = (rng.random(items) < 0.4).astype(float)
        return np.maximum(baseline, rng.random(items) < gain).astype(float), baseline, np.ones(items)

    small, large = one(100, 0.5), one(2500, 0.0)
    mean = mean_rate_difference([small, large])
    parts = [rate_difference(*small), rate_difference(*large)]
    assert mean.value == pytest.approx((parts[0].value + parts[1].value) / 2) and mean.n == 2600
    assert parts[1][:3] == (0, 0, 0), "so half of the small set's interval is left"
    assert mean.hi - mean.lo == pytest.approx((parts[0].hi - parts[0].lo) / 2)
    twice = mean_rate_difference([one(400, 0.3), one(400, 0.3)])
    once = rate_difference(*one(400, 0.3))
    assert twice.hi - twice.lo == pytest.approx((once.hi - once.lo) / 2**0.5, rel=0.2), "resampled apart"


def test_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(2)
    covered = 0
    for _ in range(60):
        errors = rng.binomial(10, 0.3, 80).astype(float)
        estimate = rate(errors, np.full(80, 10.0))
        covered += estimate.lo <= 0.3 <= estimate.hi
    assert covered >= 51  # 95 % of 60 is 57; fewer than 51 has probability below 0.001


def test_no_error_in_few_items_is_no_certainty() -> None:
    """The exact bound for 0 of 22: 1 - 0.025 ** (1 / 22)."""
    none, all_of_them = rate(np.zeros(22), np.full(22, 3.0)), rate(np.full(22, 3.0), np.full(22, 3.0))
    assert none[:2] == (0, 0) and none.hi == pytest.approx(1 - 0.025 ** (1 / 22))
    assert all_of_them[::2] == (1, 1) and all_of_them.lo == pytest.approx(1 - none.hi)
    assert rate(np.array([2.0, 4.0]), np.array([3.0, 3.0])).lo < 1, "errors as many as units, but not on each item"


def test_nothing_to_rate_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        rate(np.array([]), np.array([]))


def run(items: int, gain: float, seed: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """One fold of one seed: errors that are `gain` fewer than the baseline's 0.5."""
    rng = np.random.default_rng(seed)
    errors, baseline = ((rng.random((1, items)) < rate).astype(float) for rate in (0.5 - gain, 0.5))
    return errors, baseline, np.ones(items)


def test_one_fold_and_seed_have_the_interval_over_items() -> None:
    errors, baseline, units = run(300, 0.1, 1)
    over_runs = mean_rate_difference_over_runs([[(errors, baseline, units)]])
    over_items = rate_difference(errors[0], baseline[0], units)
    assert over_runs[:3] == pytest.approx(over_items[:3], abs=0.01) and over_runs.n == 300


def test_folds_that_disagree_widen_the_interval_and_those_that_agree_do_not_narrow_it() -> None:
    for gains, least in (([0.1] * 5, 0.9), ([0.4, -0.2, 0.1, 0.3, -0.1], 1.5)):
        folds = [run(80 + 10 * k, gain, k) for k, gain in enumerate(gains)]
        pooled = [np.concatenate(parts, axis=-1) for parts in zip(*folds, strict=True)]
        over_items = rate_difference(pooled[0][0], pooled[1][0], pooled[2])
        over_runs = mean_rate_difference_over_runs([folds])
        assert over_runs.value == pytest.approx(over_items.value) and over_runs.n == over_items.n
        assert over_runs.hi - over_runs.lo > least * (over_items.hi - over_items.lo)


def test_seeds_that_disagree_on_every_item_are_in_the_interval() -> None:
    """The seeds' mean is no gain, and one of two seeds alone is drawn half of the time."""
    errors = np.stack([np.zeros(50), np.ones(50)])
    made = mean_rate_difference_over_runs([[(errors, np.full((2, 50), 0.5), np.ones(50))] * 2])
    assert made[:3] == (0, -0.5, 0.5)


def test_sets_weigh_the_same_and_share_their_seeds() -> None:
    sets = [[run(100, 0.4, 1)], [run(900, 0.0, 2)]]
    parts = [mean_rate_difference_over_runs([folds]).value for folds in sets]
    assert mean_rate_difference_over_runs(sets).value == pytest.approx(np.mean(parts))
    with pytest.raises(ValueError, match="a set needs folds"):
        mean_rate_difference_over_runs([[run(0, 0.1, 1)]])
