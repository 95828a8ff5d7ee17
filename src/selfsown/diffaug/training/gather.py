"""What all processes made, in each of them, with gradients."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed


class _Gather(torch.autograd.Function):
    """Forward: the rows of all processes, in their order. Backward: what all of them ask of the own rows, summed."""

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        ctx.rows = len(own)
        parts = [torch.empty_like(own) for _ in range(distributed.get_world_size())]
        distributed.all_gather(parts, own.contiguous())
        return torch.cat(parts)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        summed = gradients[0].contiguous()
        distributed.all_reduce(summed)
        start = distributed.get_rank() * ctx.rows
        return summed[start : start + ctx.rows]


def gathered(own: Tensor) -> Tensor:
    """`[rows, ...]` of every process as `[processes * rows, ...]`; the same tensor where there is one process.

    A loss over all rows is then the same in each process. Its gradient comes summed over the processes, and DDP takes
    their mean: what one process with all rows would have.
    """
    if not (distributed.is_available() and distributed.is_initialized()) or distributed.get_world_size() == 1:
        return own
    made: Tensor = _Gather.apply(own)
    return made
