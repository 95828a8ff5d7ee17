"""The text encoder that every solver reads questions with, as a normal Hugging Face folder.

Input: a source that holds one folder with `config.json`, safetensors and a fast tokenizer. Output: the encoder alone,
as `AutoModel` saves it in fp32, and its tokenizer; a pooler or a head it came with is left behind.
"""

from __future__ import annotations

from transformers import AutoTokenizer

from selfsown.errors import UserError
from selfsown.files import whole_folder
from selfsown.msat.solvers.encoder import load_encoder
from selfsown.sources.model import model_folder
from selfsown.stage import Metrics, Out, StageParams, stage


class EncoderParams(StageParams):
    """`source`: an entry of `conf/sources.yaml`."""

    source: str


@stage()
def encoder(params: EncoderParams, *, model: Out) -> Metrics:
    """Fetch the encoder and save it; returns the number of parameters."""
    folder = model_folder(params.source)
    network = load_encoder(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if not tokenizer.is_fast:
        raise UserError(f"{params.source}: no tokenizer.json; numbers are found again by a fast tokenizer's offsets")
    with whole_folder(model) as made:
        network.save_pretrained(made)
        tokenizer.save_pretrained(made)
    return {"parameters": network.num_parameters()}
