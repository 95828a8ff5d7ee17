"""Drawing tokens: one random stream a row, so that a row is the same in any batch, in any order, on any worker.

A seed of the whole process makes what a row draws depend on the rows beside it. Here each row of each step brings its
own number, which the inverse of the distribution function turns into a token; `generate` only takes the best score.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from transformers import LogitsProcessor

from selfsown.dpo_st.sampling import Request
from selfsown.shards.seeds import purpose_seed


def streams(requests: Sequence[Request], steps: int, seed: int) -> Tensor:
    """Numbers in [0, 1) `[requests, steps]`, float64: a row follows from the seed, the question's id and k alone."""
    keys = (purpose_seed(seed, f"{request.k}:{request.id}") for request in requests)
    return torch.from_numpy(np.stack([np.random.Generator(np.random.Philox(key=key)).random(steps) for key in keys]))


class Draw(LogitsProcessor):
    """Draws the next token of every row; `generate(do_sample=False)` then takes it.

    Args:
        numbers: of `streams`, `[rows, steps]`, where the scores will be.
        temperature: above 0.
        top_k: how many of the likeliest tokens are drawn from; 0: all.
    """

    def __init__(self, numbers: Tensor, temperature: float, top_k: int) -> None:
        self._numbers = numbers
        self._temperature = temperature
        self._top_k = top_k
        self._step = 0

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Scores `[rows, vocabulary]`, in which the drawn token gets an endless one, in place."""
        tokens = draw(scores, self._numbers[:, self._step], self._temperature, self._top_k)
        self._step += 1
        return scores.scatter_(1, tokens[:, None], torch.inf)


def draw(scores: Tensor, numbers: Tensor, temperature: float, top_k: int) -> Tensor:
    """The tokens `[rows]` at the places `numbers` `[rows]` of each row's distribution.

    Tokens stand in the order of the vocabulary, not of their scores: two that are nearly alike do not change places
    with the last digit of a sum, which depends on the batch.
    """
    ids: Tensor | None = None
    if 0 < top_k < scores.shape[-1]:
        scores, ids = scores.topk(top_k, dim=-1, sorted=False)
        ids, order = ids.sort(dim=-1)
        scores = scores.gather(-1, order)
    reached = (scores.double() / temperature).softmax(dim=-1).cumsum(dim=-1)
    below_one = numbers.clamp(max=1 - 2**-40)  # the last sum is 1 give or take a rounding, and must not be met
    places = torch.searchsorted(reached, below_one[:, None] * reached[:, -1:], right=True)
    return (places if ids is None else ids.gather(-1, places))[:, 0]
