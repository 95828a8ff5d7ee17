"""Which triplets are learnt from, and in which order."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfsown.diffaug.contrast import _has_triplet
from selfsown.diffaug.prefix import halves
from selfsown.diffaug.training.plan import plan
from selfsown.diffaug.training.triplets import Triplet, labelled, spread
from selfsown.errors import UserError


@settings(max_examples=40)
@given(
    groups=st.lists(st.integers(0, 8), min_size=1, max_size=60),
    batch=st.integers(1, 8),
    batches=st.integers(1, 12),
    seed=st.integers(0, 99),
)
def test_a_batch_has_no_group_twice(groups: list[int], batch: int, batches: int, seed: int) -> None:
    names = list(map(str, groups))
    lengths = [place * 7 % 13 for place in range(len(groups))]
    if len(set(names)) < batch:
        with pytest.raises(UserError, match="smaller per_device_train_batch_size"):
            plan(names, lengths, batch, batches, seed)
        return
    order = plan(names, lengths, batch, batches, seed)
    assert len(order) == batch * batches and order == plan(names, lengths, batch, batches, seed)
    for start in range(0, len(order), batch):
        assert len({names[index] for index in order[start : start + batch]}) == batch


def test_rows_of_groups_of_one_size_are_all_read_before_one_is_read_again() -> None:
    order = plan([str(place // 2) for place in range(64)], [place % 9 for place in range(64)], 8, 8, 1)
    assert Counter(order) == Counter(range(64))


def test_batches_hold_rows_of_like_length() -> None:
    lengths = [place * 37 % 100 for place in range(400)]
    order = plan(list(map(str, range(400))), lengths, 20, 20, 1)
    spread = [max(part) - min(part) for part in ([lengths[i] for i in order[s : s + 20]] for s in range(0, 400, 20))]
    assert sum(spread) / len(spread) < 15, "a batch at random spreads over some 90"


def test_shares_of_the_labels_are_exact_and_within_each_other() -> None:
    rows = [{"id": str(place)} for place in range(200)]
    shares = [{row["id"] for row in labelled(rows, share, 1)} for share in (0.01, 0.1, 0.5, 1.0)]
    assert list(map(len, shares)) == [2, 20, 100, 200]
    assert shares[0] < shares[1] < shares[2] < shares[3]
    assert shares[1] != {row["id"] for row in labelled(rows, 0.1, 2)}


@given(processes=st.integers(1, 4), per=st.integers(1, 5), each=st.integers(1, 5))
def test_every_process_has_as_many_triplets_beside_its_sentences(processes: int, per: int, each: int) -> None:
    batch, count = processes * max(per, each), processes * min(per, each)
    carries = [_has_triplet(place, count, batch) for place in range(2 * batch)]
    own = batch // processes
    assert {sum(carries[start : start + own]) for start in range(0, 2 * batch, own)} == {count // processes}


def test_dev_triplets_are_of_as_many_pages_as_there_are_and_halves_share_none() -> None:
    rows = [{"id": str(place), "group": "large" if place < 90 else str(place // 3)} for place in range(120)]
    drawn = spread(rows, 33, 1)
    sizes = Counter(row["group"] for row in drawn)
    assert len(sizes) == 11 and set(sizes.values()) == {3}
    dev = [Triplet(row["group"], [1], [1], [1]) for row in spread(rows, 120, 1)]
    one, other = ([each.group for each in half] for half in halves(dev))
    assert not set(one) & set(other) and sorted([len(one), len(other)]) == [30, 90], "the large page alone"
