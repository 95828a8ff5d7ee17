"""The text encoder that every solver reads questions with, as a normal Hugging Face folder.

Input: a source that holds one folder with `config.json`, safetensors and a fast tokenizer. Output: the encoder alone,
as `AutoModel` saves it in fp32, and its tokenizer; a pooler or a head it came with is left behind.
"""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import AutoModel, AutoTokenizer, PreTrainedModel

from selfsown.errors import UserError
from selfsown.shards import whole_folder
from selfsown.sources import fetch
from selfsown.stage import Metrics, Out, StageParams, stage


class PretrainedParams(StageParams):
    """`source`: an entry of `conf/sources.yaml`."""

    source: str


@stage()
def pretrained(params: PretrainedParams, *, model: Out) -> Metrics:
    """Fetch the encoder and save it; returns the number of parameters."""
    source = fetch(params.source)
    configs = [path for path in sorted(source.rglob("config.json")) if list(path.parent.glob("*.safetensors"))]
    if len(configs) != 1:
        raise UserError(f"{params.source}: {len(configs)} folders with config.json and safetensors; needs exactly one")
    network = load_encoder(configs[0].parent)
    tokenizer = AutoTokenizer.from_pretrained(configs[0].parent)
    if not tokenizer.is_fast:
        raise UserError(f"{params.source}: no tokenizer.json; numbers are found again by a fast tokenizer's offsets")
    with whole_folder(model) as made:
        network.save_pretrained(made)
        tokenizer.save_pretrained(made)
    return {"parameters": network.num_parameters()}


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
        raise UserError(f"params.yaml: msat.pretrain.encoder_layers: {layers} is not allowed: the encoder has {have}")
    network.encoder.layer = stack[:layers]
    network.config.num_hidden_layers = layers
    return network
