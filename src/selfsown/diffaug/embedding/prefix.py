"""The prefix: keys and values that every layer sees before a row's own (paper, section 3; prefix tuning).

`Embedding(n, d) -> Linear -> Tanh -> Linear(layers * 2 * d)`. Half of it is for anchors, the other for what they are
compared with, so that the same sentence gives two vectors: a hard positive. At inference all of it is visible.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

import torch
from torch import Tensor, nn
from transformers import DynamicCache

from selfsown.diffaug.embedding.description import PrefixParams


class Role(IntEnum):
    """Which part of the prefix a row sees: an anchor the first half, a partner the second, at inference all."""

    ANCHOR = 0
    PARTNER = 1
    ALL = 2


class PrefixEncoder(nn.Module):
    """Makes the keys and values of all layers."""

    def __init__(self, params: PrefixParams, config: Any) -> None:
        super().__init__()
        self.params = params
        self.layers, self.heads = config.num_hidden_layers, config.num_attention_heads
        width = config.hidden_size
        self.embedding = nn.Embedding(params.length, width)
        self.project = nn.Sequential(
            nn.Linear(width, params.hidden), nn.Tanh(), nn.Linear(params.hidden, self.layers * 2 * width)
        )
        self.dropout = nn.Dropout(params.dropout)

    def forward(self, rows: int) -> DynamicCache:
        """A cache for one call of an encoder, which grows in it: keys and values `[rows, heads, length, width]`."""
        made = self.project(self.embedding.weight)
        length = self.params.length
        states = made.view(length, self.layers, 2, self.heads, -1).permute(1, 2, 3, 0, 4)
        spread = self.dropout(states[:, :, None].expand(-1, -1, rows, -1, -1, -1))
        return DynamicCache([(keys, values) for keys, values in spread])

    def visible(self, roles: Tensor) -> Tensor:
        """True at the part of the prefix that each row sees: `[rows, length]`."""
        half = torch.arange(self.params.length, device=roles.device) >= self.params.length // 2
        roles = roles[:, None]
        return (roles == Role.ALL) | (half == (roles == Role.PARTNER))
