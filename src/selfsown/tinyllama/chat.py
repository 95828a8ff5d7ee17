"""Supervised fine-tuning to a chat (the paper's `sft/finetune.py`): the loss is on the answer and its end alone.

Input: a pre-trained model, and MsAT's tasks as questions with answers, or the conversations of a source. Output: a
model folder whose tokenizer carries the chat template, and `training.json`, the loss in nats a token on validation
answers by step.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from datasets import Dataset
from pydantic import Field
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast, set_seed
from trl import SFTConfig, SFTTrainer

from selfsown.identity import Identity
from selfsown.sources import fetch
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.tinyllama.chats.arithmetic import turns
from selfsown.tinyllama.chats.conversations import conversations
from selfsown.tinyllama.model.llama import IGNORED, save_model
from selfsown.tinyllama.vocabulary.forms import Message, encode_chat, load_tokenizer
from selfsown.training import (
    LogToMlflow,
    dev_history,
    finish,
    library_arguments,
    planned_batches,
    train_to_end,
    work_folder,
)
from selfsown.training.orders import OwnOrder


class ChatParams(StageParams):
    """Section `tinyllama.chat`.

    `source`: of conversations (the paper: OpenAssistant's); null for MsAT's tasks. `validation`: chats to validate on.
    `arguments`: TRL's `SFTConfig`, as they are.
    """

    seed: int = Field(ge=0)
    source: str | None = None
    validation: int = Field(ge=1)
    arguments: dict[str, Any]


@stage(tracked=True, distributed=True)
def chat(params: ChatParams, *, base: In, tasks: In, model: Out, identity: Identity) -> Metrics:
    """Teach a pre-trained model to answer; a killed run goes on from its last whole checkpoint."""
    work = work_folder(model, identity)
    set_seed(params.seed)
    tokenizer = load_tokenizer(base)
    network = LlamaForCausalLM.from_pretrained(base)
    batch, batches = planned_batches(params.arguments)
    chats = _chats(params, tasks, params.validation + batch * batches)
    held_out, learnt = chats[: params.validation], chats[params.validation :]
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


def _chats(params: ChatParams, tasks: Path, count: int) -> list[list[Message]]:
    """The first `count` of all there are to learn from, or all, in an order drawn by the seed."""
    if params.source is None:
        return [turn.messages for turn in turns(tasks, "train", params.seed)[:count]]
    found = conversations(fetch(params.source), params.source)
    return [found[index] for index in np.random.default_rng(params.seed).permutation(len(found))[:count]]


def examples(tokenizer: PreTrainedTokenizerFast, chats: Sequence[Sequence[Message]]) -> Dataset:
    """Chats as `input_ids` and `labels` `[tokens]`; only answers and their ends are learnt."""
    rows = []
    for messages in chats:
        ids, learnt = encode_chat(tokenizer, messages)
        labels = [token if answer else IGNORED for token, answer in zip(ids, learnt, strict=True)]
        rows.append({"input_ids": ids, "labels": labels})
    return Dataset.from_list(rows)
