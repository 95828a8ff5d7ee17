"""In which order rows are learnt: all of them equally often, in batches of like length, decided by the seed."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from selfsown.training.orders import by_length


def order_of(lengths: list[int], batch: int, batches: int, seed: int) -> list[int]:
    return by_length(lengths, batch, batches, np.random.default_rng(seed))


@given(st.lists(st.integers(1, 50), min_size=1, max_size=40), st.integers(1, 6), st.integers(1, 50), st.integers(0, 9))
def test_all_rows_come_equally_often_and_the_seed_decides(
    lengths: list[int], batch: int, batches: int, seed: int
) -> None:
    order = order_of(lengths, batch, batches, seed)
    counts = np.bincount(order, minlength=len(lengths))
    assert len(order) == batch * batches and counts.max() - counts.min() <= 1
    assert order_of(lengths, batch, batches, seed) == order


def test_rows_of_a_batch_are_of_like_length() -> None:
    lengths = [place % 50 for place in range(400)]
    order = order_of(lengths, 8, 100, 1)
    spreads = [max(part) - min(part) for part in ([lengths[i] for i in order[s : s + 8]] for s in range(0, 800, 8))]
    assert sum(spreads) / len(spreads) < 5
    assert order != sorted(order, key=lambda index: lengths[index]) and order != order_of(lengths, 8, 100, 2)


def test_a_row_seldom_stands_beside_itself() -> None:
    lengths = [30 + place % 5 for place in range(200)]
    order = order_of(lengths, 16, 300, 1)
    batches = [order[start : start + 16] for start in range(0, len(order), 16)]
    assert sum(len(set(batch)) for batch in batches) > 0.98 * len(order)
