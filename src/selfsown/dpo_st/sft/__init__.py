"""Supervised fine-tuning on rationales, always from the base (DPO-ST, arXiv 2407.18248, algorithm 2).

Input: a base model, and what it learns: labelled rationales of the problems, or a product of pseudo-labels. The loss is
on the rationale and its end. Output: a model folder whose tokenizer says how a question is put, `training.json`, the
loss in nats a token on dev rationales by step, and `cost.json`. The best step on the dev rationales is kept.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field, PositiveInt, field_validator
from transformers import set_seed
from trl import SFTConfig

from selfsown.dpo_st.language.forms import exchanges
from selfsown.dpo_st.language.models import load_tokenizer, read_model
from selfsown.dpo_st.sft.supervised import DECIDED, supervised_trainer
from selfsown.dpo_st.training.dev import dev_questions
from selfsown.dpo_st.training.plan import Label, Planned, fitting, length_limit
from selfsown.dpo_st.training.run import train, training_arguments
from selfsown.errors import UserError
from selfsown.identity import Identity
from selfsown.products import read_card, read_product
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.training import LogToMlflow, Patience, planned_batches, work_folder
from selfsown.training.orders import by_length

SECTION = "dpo_st.sft"


class SftParams(StageParams):
    """Section `dpo_st.sft`.

    `steps`: of each training, by its name. `mask_results`: what the calculator writes is not learnt. `chat_template`:
    Jinja, for a base whose tokenizer has none, or another; null takes the base's own. `dev_limit`: rationales to
    choose the best step by. `patience`: validations without a better one before it ends. `arguments`: TRL's
    `SFTConfig`, as they are; labels longer than `max_length` are left out, not cut.
    """

    seed: int = Field(ge=0)
    steps: dict[str, PositiveInt]
    mask_results: bool
    chat_template: str | None
    dev_limit: int = Field(ge=1)
    patience: int | None = Field(None, ge=1)
    arguments: dict[str, Any]

    @field_validator("arguments")
    @classmethod
    def _without_steps(cls, arguments: dict[str, Any]) -> dict[str, Any]:
        if "max_steps" in arguments:
            raise ValueError("max_steps: the steps of each training are in `steps`")
        return arguments


@stage(tracked=True, distributed=True)
def sft(params: SftParams, *, name: str, base: In, labels: In, problems: In, model: Out, identity: Identity) -> Metrics:
    """Train one model; a killed run goes on from its last whole checkpoint.

    Raises:
        UserError: steps are not given for this name, nothing to learn or to measure by, or bad arguments.
    """
    if name not in params.steps:
        raise UserError(f"params.yaml: {SECTION}.steps: {name!r} is missing, the matrix names it")
    block = {**params.arguments, "max_steps": params.steps[name]}
    work = work_folder(model, identity)
    set_seed(params.seed)
    arguments = training_arguments(
        SFTConfig,
        block,
        work=work,
        section=SECTION,
        seed=params.seed,
        metric_for_best_model="loss",
        greater_is_better=False,
        **DECIDED,
    )
    tokenizer = load_tokenizer(base, params.chat_template)
    network = read_model(base)
    limit = length_limit(network.config, block.get("max_length"))
    asked = dev_questions(problems, params.dev_limit, params.seed, reasoned=True)
    learnt, held_out = (
        [Label(made) for made in exchanges(tokenizer, texts, mask_results=params.mask_results)]
        for texts in (label_texts(labels), [(row["question"], row["rationale"]) for row in asked])
    )
    rows = fitting(learnt, limit, "labels")
    rng = np.random.default_rng(params.seed)
    planned = Planned(rows, by_length([row.length for row in rows], *planned_batches(block), rng))
    trainer = supervised_trainer(
        network,
        tokenizer,
        arguments,
        planned,
        [row.exchange for row in fitting(held_out, limit, "dev rationales")],
        callbacks=[LogToMlflow(), *([Patience(params.patience)] if params.patience else [])],
    )
    figures = train(trainer, planned, work, measure="loss", best=min)
    return {**figures, "labels": len(rows), "too_long": len(learnt) - len(rows)}


def label_texts(labels: Path) -> list[tuple[str, str]]:
    """Questions with their rationales: all pseudo-labels, or what is labelled among the problems."""
    if "split" not in read_card(labels).columns:
        rows = read_product(labels, ["question", "rationale"]).to_pylist()
    else:
        problems = read_product(labels, ["question", "rationale", "split"]).to_pylist()
        rows = [row for row in problems if row["split"] == "labelled" and row["rationale"]]
    return [(row["question"], row["rationale"]) for row in rows]
