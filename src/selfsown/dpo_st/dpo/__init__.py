"""Direct Preference Optimization of a supervised model on its own rationales (DPO-ST, arXiv 2407.18248, step 2a).

Input: the reference, a model after supervised training, and pairs of rationales that know what it makes of them.
Output: a model folder, `training.json`, the share of dev completions that are right by step, and `cost.json`. The best
step is kept, which may be the reference itself: DPO that goes too far forgets how to answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from pydantic import Field
from transformers import set_seed
from trl import DPOConfig

from selfsown.dpo_st.dpo.preference import DECIDED, preference_trainer
from selfsown.dpo_st.dpo.solving import Solving
from selfsown.dpo_st.dpo.watched import MEASURE
from selfsown.dpo_st.language.forms import exchanges
from selfsown.dpo_st.language.models import load_tokenizer, read_model
from selfsown.dpo_st.sampling import SamplingParams
from selfsown.dpo_st.training.dev import dev_questions
from selfsown.dpo_st.training.plan import Pair, Planned, fitting, length_limit
from selfsown.dpo_st.training.run import train, training_arguments
from selfsown.identity import Identity
from selfsown.products import read_product
from selfsown.shards.seeds import purpose_seed
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.training import Bounded, LogToMlflow, Patience, planned_batches, work_folder
from selfsown.training.orders import by_length

SECTION = "dpo_st.dpo"


class DpoParams(StageParams):
    """Section `dpo_st.dpo`.

    `mask_results`: what the calculator writes does not count, as in the pairs' reference. `dev`: how dev questions are
    completed, at most `dev_limit` of them. `patience`: validations without a better one before it ends. `arguments`:
    TRL's `DPOConfig`, as they are; pairs longer than `max_length` are left out, not cut.
    """

    seed: int = Field(ge=0)
    mask_results: bool
    dev: SamplingParams
    dev_limit: int = Field(ge=1)
    patience: int | None = Field(None, ge=1)
    arguments: Bounded


@stage(tracked=True, distributed=True)
def dpo(
    params: DpoParams, *, name: str, reference: In, pairs: In, problems: In, model: Out, identity: Identity
) -> Metrics:
    """Train one model; a killed run goes on from its last whole checkpoint.

    Raises:
        UserError: no pair to learn from or nothing to measure by, pairs of another reference, or bad arguments.
    """
    work = work_folder(model, identity)
    set_seed(params.seed)
    arguments = training_arguments(
        DPOConfig,
        params.arguments,
        work=work,
        section=SECTION,
        seed=params.seed,
        metric_for_best_model=MEASURE,
        greater_is_better=True,
        **DECIDED,
    )
    tokenizer = load_tokenizer(reference)
    network = read_model(reference)
    limit = length_limit(network.config, params.arguments.get("max_length"))
    table = read_product(pairs)
    learnt, held_out = (encoded(table, split, tokenizer, params.mask_results) for split in ("train", "eval"))
    rows = fitting(learnt, limit, "pairs")
    rng = np.random.default_rng(params.seed)
    planned = Planned(rows, by_length([row.length for row in rows], *planned_batches(params.arguments), rng))
    questions = dev_questions(problems, params.dev_limit, params.seed, reasoned=False)
    trainer = preference_trainer(
        network,
        tokenizer,
        arguments,
        planned,
        fitting(held_out, limit, "eval pairs") if held_out else [],
        solving=Solving(questions, params.dev, purpose_seed(params.seed, "dev")),
        callbacks=[LogToMlflow(), *([Patience(params.patience)] if params.patience else [])],
    )
    figures = train(trainer, planned, work, measure=MEASURE, best=max, start=reference)
    return {**figures, "pairs": len(rows), "too_long": len(learnt) - len(rows)}


def encoded(table: pa.Table, split: str, tokenizer: Any, mask_results: bool) -> list[Pair]:
    """The pairs of a split as tokens."""
    rows: list[Mapping[str, Any]] = [row for row in table.to_pylist() if row["split"] == split]
    chosen, rejected = (
        exchanges(tokenizer, [(row["question"], row[side]) for row in rows], mask_results=mask_results)
        for side in ("chosen", "rejected")
    )
    return [
        Pair(good, bad, (row["ref_chosen_logps"], row["ref_rejected_logps"]))
        for row, good, bad in zip(rows, chosen, rejected, strict=True)
    ]
