"""Dropout on a processor in half the time.

torch draws a mask number by number, on one thread, except on Intel's processors: on others 11 to 16 % of a step. Here
a mask is drawn as 64 random bits for four numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

LEVELS = 2**16
"""Chances that a mask can have: 0.1 becomes 6554 / 65536."""


def dropout(values: Tensor, p: float = 0.5, training: bool = True, inplace: bool = False) -> Tensor:
    """As `torch.nn.functional.dropout`, with masks of the same generator and of another stream.

    Args:
        values: on the processor.
        inplace: changes nothing: the result is always a new tensor.
    """
    dropped = round(p * LEVELS)
    if not training or dropped == 0:
        return values
    bits = torch.empty(-(-values.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
    drawn = bits.view(torch.int16)[: values.numel()].view(values.shape)
    kept = (drawn >= dropped - LEVELS // 2).to(values.dtype)
    return values * kept.mul_(LEVELS / (LEVELS - dropped))


class QuickDropout(TorchFunctionMode):
    """While it is entered, modules and functions of this thread draw their dropout as above."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:
        """Every function but dropout as it is."""
        return (dropout if func is torch.nn.functional.dropout else func)(*args, **(kwargs or {}))
