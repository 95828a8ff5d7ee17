"""Pre-training from scratch (paper, section 2): the architecture of Llama 2 in a small shape, on text and code.

Input: a tokenizer and packed documents. Output: a model folder that `from_pretrained` reads, and `training.json`, bits
per byte on validation sequences by step.
"""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from transformers import set_seed

from selfsown.identity import Identity
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.tinyllama.model.initialisation import Initialisation, fresh_model
from selfsown.tinyllama.model.shapes import SHAPES, llama_config
from selfsown.tinyllama.training.trainer import TrainingParams, described, train_model
from selfsown.tinyllama.vocabulary.forms import load_tokenizer
from selfsown.training import work_folder


class ModelParams(TrainingParams):
    """One model: its shape (a name of the registry) and first weights, and how it is trained."""

    shape: Literal[*SHAPES]  # type: ignore[valid-type]
    initialisation: Initialisation = "paper"


class PretrainParams(StageParams):
    """Section `tinyllama.pretrain`."""

    seed: int = Field(ge=0)
    models: dict[str, ModelParams]


@stage(tracked=True, distributed=True)
def pretrain(
    params: PretrainParams, *, name: str, tokenizer: In, packed: In, model: Out, identity: Identity
) -> Metrics:
    """Train one model; a killed run goes on from its last whole checkpoint.

    Raises:
        UserError: the matrix names a model that is not described.
    """
    wanted = described(params.models, name, "tinyllama.pretrain")
    work = work_folder(model, identity)
    set_seed(params.seed)
    words = load_tokenizer(tokenizer)
    config = llama_config(
        wanted.shape,
        len(words),
        wanted.context,
        bos=words.bos_token_id,
        eos=words.eos_token_id,
        pad=words.pad_token_id,
    )
    network = fresh_model(config, wanted.initialisation, params.seed)
    section = f"tinyllama.pretrain.models.{name}"
    return train_model(network, words, wanted, packed, work, seed=params.seed, section=section)
