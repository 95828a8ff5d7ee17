"""Confidence intervals: known values, pairing, and coverage of a truth that is known."""

import numpy as np
import pytest

from selfsown.bootstrap import mean_rate_difference, rate, rate_difference, relative_reduction


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
