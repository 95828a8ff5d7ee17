"""Which sequence stands where in a training: a pure function of the seed and the step.

A step draws its sequences one by one from the collections by weight (the paper's `CombinedDataset`); a collection's
own sequences come in an order drawn anew each epoch, so each is seen once before any is seen twice. Nothing depends on
how many processes train, and a training that goes on at step s asks for step s: nothing is replayed (the paper's
repository walked through all that was read before, and gave every process another order of files).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfsown.params import Params

IntArray = NDArray[np.int64]


class Period(Params):
    """A part of a schedule (TinyLlama v1.1 has three: basic, continual, cool-down).

    `ramp`: steps over which the mixture goes over from that of the period before; `batch`: the step's sequences, as a
    multiple of the arguments' (the cool-down's is 4, under the same learning rates).
    """

    steps: int = Field(ge=1)
    mixture: dict[str, float] = Field(min_length=1, description="collection: weight")
    ramp: int = Field(0, ge=0)
    batch: int = Field(1, ge=1)


@dataclass(frozen=True)
class Order:
    """The order of a schedule.

    Attributes:
        batch: sequences in a step of a period whose `batch` is 1.
        sequences: how many each collection has.
    """

    seed: int
    schedule: Sequence[Period]
    batch: int
    sequences: Mapping[str, int]

    @property
    def steps(self) -> int:
        """All of them."""
        return sum(period.steps for period in self.schedule)

    @cached_property
    def starts(self) -> IntArray:
        """Sequences before each step, and last all of them: `[steps + 1]`."""
        sizes = np.repeat([p.batch * self.batch for p in self.schedule], [p.steps for p in self.schedule])
        return np.concatenate([[0], np.cumsum(sizes)])

    @cached_property
    def weights(self) -> NDArray[np.float64]:
        """Of the collections in each step: `[steps, collections]`; rows sum to 1."""
        parts: list[NDArray[np.float64]] = []
        before: NDArray[np.float64] | None = None
        for period in self.schedule:
            wanted = np.array([period.mixture.get(name, 0.0) for name in self.sequences])
            wanted = wanted / wanted.sum()
            rows = np.tile(wanted, (period.steps, 1))
            if period.ramp and before is not None:
                share = np.minimum(1, (np.arange(period.steps) + 1) / period.ramp)[:, None]
                rows = before + share * (wanted - before)
            parts.append(rows)
            before = rows[-1]
        return np.concatenate(parts)

    @cached_property
    def counts(self) -> IntArray:
        """Sequences of each collection in each step, drawn by weight: `[steps, collections]`."""
        return np.random.default_rng(self.seed).multinomial(np.diff(self.starts), self.weights)

    @cached_property
    def _before(self) -> IntArray:
        return np.cumsum(self.counts, axis=0) - self.counts

    @property
    def proportions(self) -> dict[str, float]:
        """What the whole order takes of each collection, as a share."""
        return dict(zip(self.sequences, (self.counts.sum(axis=0) / self.starts[-1]).tolist(), strict=True))

    @property
    def epochs(self) -> dict[str, float]:
        """How often the sequences of each collection are seen."""
        taken = self.counts.sum(axis=0).tolist()
        return {name: count / have for count, (name, have) in zip(taken, self.sequences.items(), strict=True)}

    def step(self, step: int) -> list[tuple[str, int]]:
        """The sequences of a step, in order: collection and number."""
        found: list[tuple[str, int]] = []
        for place, (name, have) in enumerate(self.sequences.items()):
            first = int(self._before[step, place])
            for taken in range(first, first + int(self.counts[step, place])):
                found.append((name, int(_shuffled(self.seed, place, taken // have, have)[taken % have])))
        order = np.random.default_rng([self.seed, step]).permutation(len(found))
        return [found[index] for index in order]

    def at(self, positions: Sequence[int]) -> list[tuple[str, int]]:
        """The sequences at some positions of the whole order."""
        steps = np.searchsorted(self.starts, positions, side="right") - 1
        drawn = {step: self.step(step) for step in set(steps.tolist())}
        return [drawn[s][p - int(self.starts[s])] for s, p in zip(steps.tolist(), positions, strict=True)]


@lru_cache(maxsize=8)  # an epoch of each collection, and the next
def _shuffled(seed: int, place: int, epoch: int, count: int) -> NDArray[np.uint32]:
    return np.random.default_rng([seed, place, epoch]).permutation(np.arange(count, dtype=np.uint32))
