"""The text encoder under a solver: loaded from its folder, cut to its bottom layers."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoModel, PreTrainedModel

from selfsown.errors import UserError


def load_encoder(folder: Path) -> PreTrainedModel:
    """The encoder of a folder in fp32; one that can be built with a pooler is built without."""
    try:
        return AutoModel.from_pretrained(folder, use_safetensors=True, dtype=torch.float32, add_pooling_layer=False)
    except TypeError:  # an architecture that knows no pooler
        return AutoModel.from_pretrained(folder, use_safetensors=True, dtype=torch.float32)


def keep_layers(network: PreTrainedModel, layers: int | None) -> PreTrainedModel:
    """Drop all but the bottom `layers`: reading a question costs that much less.

    Raises:
        UserError: more layers than there are, or an architecture whose layers are not in `encoder.layer`.
    """
    if layers is None:
        return network
    stack = getattr(getattr(network, "encoder", None), "layer", None)
    if stack is None or not 1 <= layers <= len(stack):
        have = "none that can be dropped" if stack is None else len(stack)
        raise UserError(
            f"params.yaml: msat.pretrain.num_hidden_layers: {layers} is not allowed: the encoder has {have}"
        )
    network.encoder.layer = stack[:layers]
    network.config.num_hidden_layers = layers
    return network
