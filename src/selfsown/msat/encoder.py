"""The text encoder that every solver reads questions with, as a normal Hugging Face folder.

Input: a source that holds one folder with `config.json`, safetensors and a fast tokenizer. Output: the encoder alone,
as `AutoModel` saves it in fp32, and its tokenizer; a pooler or a head it came with is left behind.
"""

from __future__ import annotations

from transformers import AutoTokenizer

from selfsown.errors import UserError
from selfsown.files import whole_folder
from selfsown.msat.solvers.encoder import load_encoder
from selfsown.sources import fetch
from selfsown.stage import Metrics, Out, StageParams, stage


class EncoderParams(StageParams):
    """`source`: an entry of `conf/sources.yaml`."""

    source: str


@stage()
def encoder(params: EncoderParams, *, model: Out) -> Metrics:
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
