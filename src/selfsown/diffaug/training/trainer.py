"""How both stages are trained: the library's trainer in the planned order, to the best step on dev triplets."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

from pydantic import Field, PositiveInt, model_validator
from transformers import Trainer, TrainingArguments

from selfsown.diffaug.training.batches import Collator, Item
from selfsown.diffaug.training.objective import Objective
from selfsown.errors import UserError
from selfsown.launcher import process_count
from selfsown.stage import StageParams
from selfsown.training import (
    Bounded,
    LogToMlflow,
    dev_history,
    finish,
    library_arguments,
    planned_batches,
    train_to_end,
)
from selfsown.training.orders import Ordered, OwnOrder


class TrainingParams(StageParams):
    """What both stages share.

    Attributes:
        data_seed: of which triplets are labelled, and which of dev are used.
        mlp: whether `tanh(Linear)` stands on the encoder in training.
        dev_limit: dev triplets at most.
        pass_rows: sentences that the encoder reads at once; null for all of a batch.
        recompute: passes are done again in the backward pass: less memory, a third more work, the same result.
        arguments: `TrainingArguments`, as they are. The batch is that of a step, over all processes.
    """

    seed: int = Field(ge=0)
    data_seed: int = Field(ge=0)
    mlp: bool
    dev_limit: int = Field(ge=2)
    pass_rows: PositiveInt | None
    recompute: bool = False
    arguments: Bounded

    @model_validator(mode="after")
    def _whole_batches(self) -> Self:
        if self.arguments.get("gradient_accumulation_steps", 1) != 1:
            raise ValueError(
                "arguments.gradient_accumulation_steps: a batch is contrasted as a whole; for one that does not fit "
                "set pass_rows and recompute"
            )
        return self

    @property
    def planned(self) -> tuple[int, int]:
        """Rows in a step, and steps."""
        return planned_batches(self.arguments)


class DevTrainer(OwnOrder, Trainer):
    """The library's trainer with our own measure on the dev split."""

    def __init__(self, *, measure: Callable[[], float], name: str, **kwargs: Any) -> None:
        super().__init__(**kwargs, eval_dataset=[])
        self.measure, self.name = measure, name

    def evaluate(self, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any) -> dict[str, float]:
        """Measured without dropout."""
        self.model.eval()
        value = self.measure()
        self.model.train()
        return self.measured(f"{metric_key_prefix}_{self.name}", value)


def train(
    objective: Objective,
    planned: Ordered[Item],
    params: TrainingParams,
    work: Path,
    save: Callable[[Path], Mapping[str, float]],
    *,
    section: str,
    name: str,
    measure: Callable[[], float],
) -> dict[str, float]:
    """Train to the last step and keep the best one; a killed run goes on from its last whole checkpoint.

    Args:
        save: writes the model of the best step into an empty folder, and says what else was measured of it.
        name: of what is measured on dev triplets; higher is better.

    Returns:
        `best_dev_<name>`, and what `save` says; nothing in the processes beside the main one.

    Raises:
        UserError: arguments that the library does not take, or a batch that the processes cannot share.
    """
    batch = params.planned[0]
    if batch % process_count():
        raise UserError(
            f"params.yaml: {section}.arguments.per_device_train_batch_size: {batch} cannot be shared by the "
            f"{process_count()} processes that SELFSOWN_NPROC asks for"
        )
    arguments = library_arguments(
        TrainingArguments,
        params.arguments,
        work=work,
        section=section,
        seed=params.seed,
        data_seed=params.seed,
        metric_for_best_model=name,
        greater_is_better=True,
    )
    trainer = DevTrainer(
        model=objective,
        args=arguments,
        train_dataset=planned,
        data_collator=Collator(objective.encoder.template, params.pass_rows),
        callbacks=[LogToMlflow()],
        measure=measure,
        name=name,
    )
    train_to_end(trainer, work)
    objective.eval()
    said: dict[str, float] = {}
    best = finish(work, lambda folder: said.update(save(folder)), dev_history(trainer, name), max)
    return {**best, **said}
