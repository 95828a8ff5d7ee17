"""The toy's training: a classifier of letters by the library's trainer.

words -> `model.safetensors`, `classifier.json`, and `training.json`: the accuracy on the dev split by step.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import numpy as np
import pyarrow.compute as pc
from pydantic import Field
from transformers import EvalPrediction, Trainer, TrainingArguments, set_seed

from selfsown.identity import Identity
from selfsown.products import read_product
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.toy.languages.classifier import Classifier
from selfsown.training import (
    LogToMlflow,
    dev_history,
    finish,
    library_arguments,
    planned_batches,
    train_to_end,
    work_folder,
)
from selfsown.training.orders import Ordered, OwnOrder, endless


class TrainParams(StageParams):
    """Section `toy.train`; `arguments` are `TrainingArguments`."""

    seed: int = Field(ge=0)
    arguments: dict[str, Any]


@stage(tracked=True, distributed=True)
def train(params: TrainParams, *, arm: str, words: In, model: Out, identity: Identity) -> Metrics:
    """Train on what the arm sees of a word; a killed run goes on from its last checkpoint."""
    work = work_folder(model, identity)
    set_seed(params.seed)
    classifier = Classifier(arm)
    rows = read_product(words)
    train_rows, dev_rows = (rows.filter(pc.equal(rows["split"], split)).to_pylist() for split in ("train", "dev"))
    arguments = library_arguments(
        TrainingArguments,
        params.arguments,
        work=work,
        section="toy.train",
        seed=params.seed,
        metric_for_best_model="accuracy",
    )
    batch, batches = planned_batches(params.arguments)
    order = list(islice(endless(len(train_rows), np.random.default_rng(params.seed)), batch * batches))
    trainer = WordTrainer(
        classifier,
        arguments,
        data_collator=classifier.batch,
        train_dataset=Ordered(train_rows, order),
        eval_dataset=dev_rows,
        compute_metrics=accuracy,
        callbacks=[LogToMlflow()],
    )
    train_to_end(trainer, work)
    return finish(work, classifier.save, dev_history(trainer, "accuracy"))


class WordTrainer(OwnOrder, Trainer):
    """The library's trainer, in the planned order: two processes read what one does."""


def accuracy(found: EvalPrediction) -> dict[str, float]:
    """Share of the words whose language scores highest."""
    return {"accuracy": float((found.predictions.argmax(-1) == found.label_ids).mean())}
