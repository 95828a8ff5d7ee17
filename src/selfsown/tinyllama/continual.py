"""Continual pre-training: a model goes on with another mixture, such as the paper's code (`tinyllama_code.py`).

Input: a pre-trained model and packed documents of its vocabulary. Output: a model folder and `training.json`, as
pre-training makes them. The schedule, the optimizer and the order of data begin anew.
"""

from __future__ import annotations

from pydantic import Field
from transformers import LlamaConfig, set_seed

from selfsown.identity import Identity
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.tinyllama.model.llama import PretrainedLlama
from selfsown.tinyllama.training.trainer import TrainingParams, described, train_model
from selfsown.tinyllama.vocabulary.forms import load_tokenizer
from selfsown.training import work_folder


class ContinualParams(StageParams):
    """Section `tinyllama.continual`. A longer context than the model's squeezes positions into those it knows."""

    seed: int = Field(ge=0)
    models: dict[str, TrainingParams]


@stage(tracked=True, distributed=True)
def continual(params: ContinualParams, *, name: str, base: In, packed: In, model: Out, identity: Identity) -> Metrics:
    """Train a model on; a killed run goes on from its last whole checkpoint.

    Raises:
        UserError: the matrix names a model that is not described.
    """
    wanted = described(params.models, name, "tinyllama.continual")
    work = work_folder(model, identity)
    set_seed(params.seed)
    config = LlamaConfig.from_pretrained(base)
    longer = wanted.context / config.max_position_embeddings
    if longer > 1:  # positions are squeezed into those that it knows (Chen et al. 2023), once more if they are already
        known = config.rope_parameters
        config.rope_parameters = {**known, "rope_type": "linear", "factor": longer * known.get("factor", 1.0)}
        config.max_position_embeddings = wanted.context
    network = PretrainedLlama.from_pretrained(base, config=config)
    section = f"tinyllama.continual.models.{name}"
    return train_model(network, load_tokenizer(base), wanted, packed, work, seed=params.seed, section=section)
