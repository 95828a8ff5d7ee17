"""In which order a training reads its rows: a function of a generator alone, so that a killed one reads on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

import numpy as np
from torch.utils.data import Dataset, SequentialSampler

R = TypeVar("R")

POOL = 32
"""Batches whose rows are sorted by length together, at most; the batches are then shuffled again."""


def endless(count: int, rng: np.random.Generator) -> Iterator[int]:
    """All indices below `count` in one order after another.

    >>> list(islice(endless(3, np.random.default_rng(0)), 6))
    [2, 0, 1, 2, 1, 0]
    """
    while True:
        yield from rng.permutation(count).tolist()


def pool_size(rows: int, batch: int) -> int:
    """Rows that are sorted together: no more than all rows once, else a row would stand beside itself in a batch."""
    return batch * max(1, min(POOL, rows // batch))


def by_length(lengths: Sequence[int], batch: int, batches: int, rng: np.random.Generator) -> list[int]:
    """Indices of rows, batch after batch: all of them, again and again, in batches of like length.

    >>> by_length([9, 1, 8, 2], 2, 2, np.random.default_rng(0))
    [2, 0, 1, 3]
    """
    order = list(islice(endless(len(lengths), rng), batch * batches))
    planned: list[int] = []
    pool = pool_size(len(lengths), batch)
    for start in range(0, batch * batches, pool):
        part = sorted(order[start : start + pool], key=lambda index: lengths[index])
        groups = [part[i : i + batch] for i in range(0, len(part), batch)]
        planned += [index for group in rng.permutation(len(groups)) for index in groups[group]]
    return planned


@dataclass(frozen=True)
class Ordered(Dataset[R], Generic[R]):
    """Rows in their order, so that a resumed run reads the same ones at the same step."""

    rows: Sequence[R]
    order: Sequence[int]

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, index: int) -> R:
        return self.rows[self.order[index]]


class OwnOrder:
    """What our trainers have beside the library's: a dataset in the order it was planned in, and their own measure."""

    train_dataset: Any

    def _get_train_sampler(self, train_dataset: Any = None) -> SequentialSampler:
        return SequentialSampler(train_dataset if train_dataset is not None else self.train_dataset)

    def measured(self: Any, name: str, value: float) -> dict[str, float]:
        """The end of an `evaluate`: what was measured, told to the log and the callbacks as the library does."""
        metrics = {name: value}
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(self.args, self.state, self.control, metrics)
        return metrics
