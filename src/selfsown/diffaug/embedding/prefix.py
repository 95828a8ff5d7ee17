"""The prefix: keys and values that every layer sees before a row's own (paper, section 3; prefix tuning).

`Embedding(n, d) -> Linear -> Tanh -> Linear(layers * 2 * d)`. Half of it is for anchors, the other for what they are
compared with, so that the same sentence gives two vectors: a hard positive. At inference all of it is visible.
"""

from __future__ import annotations

from enum import IntEnum
from typing import Any

from torch import Tensor, nn
from transformers import DynamicCache

from selfsown.diffaug.embedding.description import PrefixParams


class Role(IntEnum):
    """Which half of the prefix a row sees in training: an anchor the first, a partner the second."""

    ANCHOR = 0
    PARTNER = 1


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

    def forward(self, rows: int, roles: Tensor | None) -> DynamicCache:
        """A cache for one call of an encoder, which grows in it.

        What a row does not see it is not given, so that no attention and no dropout is worked out for it.

        Args:
            roles: `[rows]`; None for rows that see all of the prefix.

        Returns:
            Keys and values `[rows, heads, length, width]`, of half the length where there are roles.
        """
        parts = 1 if roles is None else len(Role)
        made = self.project(self.embedding.weight)
        states = made.view(parts, self.params.length // parts, self.layers, 2, self.heads, -1)
        by_part = states.permute(2, 3, 0, 4, 1, 5)  # [layers, 2, parts, heads, length / parts, width]
        spread = by_part.expand(-1, -1, rows, -1, -1, -1) if roles is None else by_part.index_select(2, roles)
        return DynamicCache([(keys, values) for keys, values in self.dropout(spread)])
