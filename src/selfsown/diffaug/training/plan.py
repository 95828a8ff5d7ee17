"""Which rows are learnt in which order: a function of the seed, so that a killed training reads on where it stopped.

A batch has no two rows of one group: another claim about the same page would be a negative that is none. Rows of like
length stand in a batch together, so that little of it is padding.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import numpy as np

from selfsown.errors import UserError
from selfsown.training.orders import endless, pool_size


def plan(groups: Sequence[str], lengths: Sequence[int], batch: int, batches: int, seed: int) -> list[int]:
    """Indices of rows, batch after batch: all of them again and again, what does not fit a batch in a later one.

    Raises:
        UserError: fewer groups than rows in a batch.

    >>> plan(["a", "b", "a", "b"], [5, 5, 1, 1], 2, 2, 0)
    [0, 1, 2, 3]
    """
    if (there := len(set(groups))) < batch:
        raise UserError(
            f"{there} groups of triplets or sentences cannot fill a batch of {batch} without two of one group: give a "
            "smaller per_device_train_batch_size, or more data"
        )
    rng = np.random.default_rng(seed)
    order = endless(len(groups), rng)
    planned: list[list[int]] = []
    waiting: list[int] = []
    while len(planned) < batches:
        pool = [*waiting, *islice(order, pool_size(len(groups), batch))]
        made, waiting = _apart(sorted(pool, key=lambda index: lengths[index]), groups, batch)
        planned += [made[place] for place in rng.permutation(len(made))]
    return [index for each in planned[:batches] for index in each]


def _apart(ordered: Sequence[int], groups: Sequence[str], batch: int) -> tuple[list[list[int]], list[int]]:
    """Whole batches without two rows of a group, in this order as far as that allows, and what is left over."""
    made: list[list[int]] = []
    left = list(ordered)
    while True:
        chosen: dict[str, int] = {}
        passed: list[int] = []
        for index in left:
            if len(chosen) < batch and groups[index] not in chosen:
                chosen[groups[index]] = index
            else:
                passed.append(index)
        if len(chosen) < batch:
            return made, left
        made.append(list(chosen.values()))
        left = passed
