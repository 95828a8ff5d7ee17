"""Bottleneck adapters in any Hugging Face encoder (Houlsby et al., 2019, section 2.1).

Two in every layer: behind the projection that ends the attention and behind the one that ends the feed-forward block,
each before the residual connection. An adapter adds nothing at first, so a solver starts from the encoder as it is.
The library `adapters` has them only for an older transformers; PEFT has none of this kind.
"""

from __future__ import annotations

from typing import cast

from torch import Tensor, nn
from transformers import PreTrainedModel

from selfsown.errors import UserError

ENDS = (
    "attention.output.dense", "output.dense",  # BERT, RoBERTa, XLM-R, ELECTRA, DeBERTa
    "attention.attn.o",  # MPNet, whose feed-forward block ends like BERT's
    "attention.out_lin", "ffn.lin2",  # DistilBERT
    "attn.Wo", "mlp.Wo",  # ModernBERT
)  # fmt: skip
"""How the names of the projections end that close a block, by architecture."""


class Adapted(nn.Module):
    """A projection followed by an adapter: x + up(gelu(down(x)))."""

    def __init__(self, base: nn.Linear, bottleneck: int) -> None:
        super().__init__()
        self.base = base
        self.down = nn.Linear(base.out_features, bottleneck)
        self.up = nn.Linear(bottleneck, base.out_features)
        nn.init.normal_(self.down.weight, std=0.02)
        nn.init.zeros_(self.down.bias)
        nn.init.zeros_(self.up.weight)
        nn.init.zeros_(self.up.bias)

    def forward(self, states: Tensor) -> Tensor:
        """`[..., in]` -> `[..., out]`."""
        projected = self.base(states)
        return cast(Tensor, projected + self.up(nn.functional.gelu(self.down(projected))))


def add_adapters(encoder: PreTrainedModel, bottleneck: int) -> None:
    """Put an adapter of width `bottleneck` behind every attention and feed-forward block.

    Raises:
        UserError: an architecture that is not known here.
    """
    found = [
        name
        for name, module in encoder.named_modules()
        if isinstance(module, nn.Linear) and name.endswith(tuple(f".{end}" for end in ENDS))
    ]
    if not found:
        kind = encoder.config.model_type
        raise UserError(f"params.yaml: msat.encoder.source: no block of a {kind!r} encoder is known to end in a Linear")
    for name in found:
        parent, _, child = name.rpartition(".")
        setattr(encoder.get_submodule(parent), child, Adapted(encoder.get_submodule(name), bottleneck))


def own_weights(encoder: PreTrainedModel) -> list[nn.Parameter]:
    """What the encoder came with: all but the adapters."""
    adapters = [
        part for module in encoder.modules() if isinstance(module, Adapted) for part in (module.down, module.up)
    ]
    added = {id(weight) for adapter in adapters for weight in adapter.parameters()}
    return [weight for weight in encoder.parameters() if id(weight) not in added]


def train_adapters_only(encoder: PreTrainedModel) -> None:
    """Freeze what the encoder came with; the adapters go on learning."""
    for weight in own_weights(encoder):
        weight.requires_grad_(False)
