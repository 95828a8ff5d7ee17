"""Supervised fine-tuning to a chat (the paper's `sft/finetune.py`): the loss is on the answer and its end alone.

Input: a pre-trained model and questions with answers (MsAT's tasks). Output: a model folder whose tokenizer carries the
chat template, and `training.json`, the loss in nats a token on validation answers by step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datasets import Dataset
from pydantic import Field
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast, set_seed
from trl import SFTConfig, SFTTrainer

from selfsown.identity import Identity
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.tinyllama.chats.arithmetic import Turn, turns
from selfsown.tinyllama.chats.prompt import prompt
from selfsown.tinyllama.model.llama import save_model
from selfsown.tinyllama.vocabulary.forms import load_tokenizer
from selfsown.training import (
    LogToMlflow,
    OwnOrder,
    dev_history,
    finish,
    library_arguments,
    planned_batches,
    train_to_end,
    work_folder,
)

IGNORED = -100
"""The label of what no loss is taken of."""


class ChatParams(StageParams):
    """Section `tinyllama.chat`; `validation`: questions to validate on; `arguments`: TRL's `SFTConfig`, as they are."""

    seed: int = Field(ge=0)
    validation: int = Field(ge=1)
    arguments: dict[str, Any]


@stage(tracked=True, distributed=True)
def chat(params: ChatParams, *, base: In, tasks: In, model: Out, identity: Identity) -> Metrics:
    """Teach a pre-trained model to answer; a killed run goes on from its last whole checkpoint."""
    work = work_folder(model, identity)
    set_seed(params.seed)
    tokenizer = load_tokenizer(base)
    network = LlamaForCausalLM.from_pretrained(base)
    questions = turns(tasks, "train", params.seed)
    held_out, learnt = questions[: params.validation], questions[params.validation :]
    batch, batches = planned_batches(params.arguments)
    order = [index % len(learnt) for index in range(batch * batches)]
    arguments = library_arguments(
        SFTConfig,
        {"activation_checkpointing": False, "max_length": network.config.max_position_embeddings, **params.arguments},
        work=work,
        section="tinyllama.chat",
        keep_best=False,
        seed=params.seed,
    )
    trainer = ChatTrainer(
        model=network,
        args=arguments,
        processing_class=tokenizer,
        train_dataset=examples(tokenizer, [learnt[index] for index in order]),
        eval_dataset=examples(tokenizer, held_out),
        callbacks=[LogToMlflow()],
    )
    train_to_end(trainer, work)
    return finish(work, lambda folder: save_model(network, tokenizer, folder), dev_history(trainer, "loss"), min)


class ChatTrainer(OwnOrder, SFTTrainer):
    """TRL's trainer, in the planned order."""


def examples(tokenizer: PreTrainedTokenizerFast, chosen: Sequence[Turn]) -> Dataset:
    """Chats as `input_ids` and `labels` `[tokens]`; what the template puts before the answer is not learnt."""
    rows = []
    for turn in chosen:
        asked = prompt(tokenizer, turn.question)
        answer = [*tokenizer(turn.answer, add_special_tokens=False).input_ids, tokenizer.eos_token_id]
        rows.append({"input_ids": asked + answer, "labels": [IGNORED] * len(asked) + answer})
    return Dataset.from_list(rows)
