"""What the trainer reads: sequences of the planned order, cut from memory maps when they are asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from selfsown.tinyllama.model.llama import IGNORED
from selfsown.tinyllama.packed.order import Order
from selfsown.tinyllama.packed.streams import TokenStream

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Sequences(Dataset[IntArray]):
    """Sequences of `context` + 1 tokens in their order, those of the steps from `first` to before `last`.

    The trainer counts micro-batches from the beginning of a training, as if all steps were as large as these. So the
    numbers begin where its count stands at the step `first`.
    """

    order: Order
    streams: Mapping[str, TokenStream]
    context: int
    first: int
    last: int

    @property
    def step(self) -> int:
        """Sequences in each of these steps."""
        return int(self.order.starts[self.first + 1] - self.order.starts[self.first])

    def __len__(self) -> int:
        return self.last * self.step

    def __getitem__(self, index: int) -> IntArray:
        return self.__getitems__([index])[0]

    def __getitems__(self, indices: Sequence[int]) -> list[IntArray]:
        """A batch at once, as torch asks for it."""
        shift = int(self.order.starts[self.first]) - self.first * self.step
        chosen = self.order.at([index + shift for index in indices])
        return [self.streams[name].read([place], self.context + 1)[0] for name, place in chosen]


@dataclass(frozen=True)
class Shifted:
    """Sequences as arguments of the model: what it sees, and one token further on what it must say.

    `begin`: the token that begins a document. `apart`: documents do not see each other. `answer`: the token behind
    which an answer stands, where answers alone are learnt; else None.
    """

    begin: int
    apart: bool = False
    answer: int | None = None

    def __call__(self, sequences: Sequence[IntArray]) -> dict[str, Tensor]:
        """`input_ids` and `labels` `[batch, context]`, and where documents are apart the `position_ids` within them."""
        tokens = torch.from_numpy(np.stack(sequences))
        batch = {"input_ids": tokens[:, :-1].contiguous(), "labels": tokens[:, 1:].contiguous()}
        if self.apart:
            batch["position_ids"] = positions(batch["input_ids"], self.begin)
        if self.answer is not None:
            learnt = answered(batch["input_ids"], self.begin, self.answer) & (batch["labels"] != self.begin)
            batch["labels"] = batch["labels"].where(learnt, IGNORED)
        return batch


def answered(input_ids: Tensor, begin: int, answer: int) -> Tensor:
    """Whether what follows a token belongs to an answer, `[batch, context]`.

    An answer whose question stands in the sequence before is none.

    >>> answered(torch.tensor([[7, 1, 5, 3, 6, 2, 1, 5]]), 1, 3).int().tolist()
    [[0, 0, 0, 1, 1, 1, 0, 0]]
    """
    place = torch.arange(1, input_ids.shape[1] + 1).expand_as(input_ids)
    opened, begun = (place.where(input_ids == token, 0).cummax(dim=1).values for token in (answer, begin))
    return opened > begun


def positions(input_ids: Tensor, begin: int) -> Tensor:
    """Of each token in its document, counted from 0, `[batch, context]`; the first may be one that began before.

    >>> positions(torch.tensor([[5, 6, 1, 5, 6, 1, 5]]), 1).tolist()
    [[0, 1, 0, 1, 2, 0, 1]]
    """
    place = torch.arange(input_ids.shape[1]).expand_as(input_ids)
    starts = torch.where(input_ids == begin, place, 0)
    return place - starts.cummax(dim=1).values
