"""How a solver is trained, on tasks or on word problems: examples, batches of like length, the trainer.

The best step is the one whose programs give the most right answers on the validation rows when they are executed; no
row of a test split is read here.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Self, get_args

import numpy as np
import torch
from pydantic import Field, StringConstraints
from torch import Tensor
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.optim import Optimizer
from transformers import Trainer, TrainingArguments

from selfsown.arithmetic import Refused
from selfsown.device import compute_device, compute_dtype
from selfsown.errors import UserError
from selfsown.msat.solvers.adapters import own_weights
from selfsown.msat.solvers.backbone import Backbone, Kind
from selfsown.msat.solvers.representation import Encoded, Problem, Unreadable, collate, encode, problem_of
from selfsown.msat.solvers.scoring import is_right, solve
from selfsown.stage import StageParams
from selfsown.training import (
    Bounded,
    LogToMlflow,
    Patience,
    bounded,
    dev_history,
    library_arguments,
    planned_batches,
    train_to_end,
)
from selfsown.training.orders import Ordered, OwnOrder, by_length

log = logging.getLogger(__name__)

SolverOrSource = Annotated[str, StringConstraints(pattern=rf"^({'|'.join(get_args(Kind))})(-.+)?$")]


class TrainingParams(StageParams):
    """What pre-training and fine-tuning share.

    `dev_limit`: how many rows are validated on at most, null for all there are. `patience`: validations without a
    better one before it ends. `encoder_rate`: the learning rate of what the encoder came with, as a share of the
    others'; what is new may learn faster than what is not. `arguments` are `TrainingArguments`, given to them as they
    are. `solver_arguments` stand over them, and over `patience`, for one kind of solver (`dag`), and then for it on one
    source of problems (`dag-svamp`).
    """

    seed: int = Field(ge=0)
    dev_limit: int | None = Field(ge=1)
    dev_batch_size: int = Field(ge=1)
    patience: int | None = Field(None, ge=1)
    encoder_rate: float = Field(gt=0, le=1)
    arguments: Bounded
    solver_arguments: dict[SolverOrSource, dict[str, Any]] = Field(default_factory=dict)

    def of_solver(self, kind: Kind, source: str = "") -> Self:
        """With the arguments of one kind of solver, on the problems of one source."""
        own = [self.solver_arguments.get(name, {}) for name in (kind, f"{kind}-{source}")]
        arguments = {"patience": self.patience, **self.arguments, **own[0], **own[1]}
        patience = arguments.pop("patience")
        update = {"arguments": bounded(arguments), "patience": patience, "solver_arguments": {}}
        return self.model_copy(update=update)


@dataclass(frozen=True)
class Example:
    """A problem as a solver reads it and is trained to answer it."""

    encoded: Encoded
    target: Any


def problems_of(rows: Iterable[Mapping[str, Any]]) -> list[Problem]:
    """Rows of a product whose equations can be read; the rest is counted in the log."""
    problems = []
    refused: Counter[str] = Counter()
    for row in rows:
        try:
            problems.append(problem_of(row))
        except Refused as reason:
            refused[str(reason)] += 1
    if refused:
        log.warning("%d problems cannot be read: %s", refused.total(), dict(refused.most_common(3)))
    return problems


def examples_of(solver: Backbone, problems: Sequence[Problem]) -> list[Example]:
    """What can be trained on.

    Raises:
        UserError: none of them; the most frequent reason is named.
    """
    examples = []
    refused: Counter[str] = Counter()
    encoded = encode(solver.tokenizer, problems, solver.settings.style, solver.settings.max_tokens)
    for problem, made in zip(problems, encoded, strict=True):
        try:
            if isinstance(made, Unreadable):
                raise made
            examples.append(Example(made, solver.target(problem)))
        except Unreadable as reason:
            refused[str(reason)] += 1
    if not examples:
        why = f", mostly because {refused.most_common(1)[0][0]}" if refused else ""
        raise UserError(f"none of {len(problems)} problems can be trained on{why}")
    log.info("%d of %d problems to train on; left out: %s", len(examples), len(problems), dict(refused.most_common(5)))
    return examples


@dataclass(frozen=True)
class Collator:
    """Examples as arguments of the solver's `forward`."""

    solver: Backbone

    def __call__(self, examples: Sequence[Example]) -> dict[str, Tensor]:
        """Pads to the longest question and program of the batch."""
        batch = collate([example.encoded for example in examples], self.solver.tokenizer.pad_token_id)
        return {**batch, **self.solver.collate_targets([example.target for example in examples], batch["spans"])}


def training_arguments(params: TrainingParams, work: Path, section: str) -> TrainingArguments:
    """The parameter block as the library's own arguments, with what the settings decide.

    Raises:
        UserError: a key or value the library does not take.
    """
    return library_arguments(
        TrainingArguments,
        params.arguments,
        work=work,
        section=section,
        seed=params.seed,
        metric_for_best_model="accuracy",
        greater_is_better=True,
    )


def attention() -> AbstractContextManager[None]:
    """How attention is computed in training: plainly, where processors have bf16.

    For texts this short the fused kernel's backward takes 2.5 times as long there; with fp32 it does not.
    """
    slow = compute_device().type == "cpu" and compute_dtype() == torch.bfloat16
    return sdpa_kernel(SDPBackend.MATH) if slow else nullcontext()


def run(
    solver: Backbone, params: TrainingParams, train: Sequence[Problem], dev: Sequence[Problem], work: Path, section: str
) -> list[dict[str, float]]:
    """Train to the best step on `dev`, which `solver` then is at; a killed run goes on from its last checkpoint.

    Returns:
        The accuracy on `dev` by step.
    """
    arguments = training_arguments(params, work, section)
    examples = examples_of(solver, train)
    rng = np.random.default_rng(params.seed)
    order = by_length([len(example.encoded.input_ids) for example in examples], *planned_batches(params.arguments), rng)
    trainer = SolverTrainer(
        dev=dev[: params.dev_limit],
        dev_batch_size=params.dev_batch_size,
        encoder_rate=params.encoder_rate,
        model=solver,
        args=arguments,
        data_collator=Collator(solver),
        train_dataset=Ordered(examples, order),
        callbacks=[LogToMlflow(), *([Patience(params.patience)] if params.patience else [])],
    )
    with attention():
        train_to_end(trainer, work)
    return dev_history(trainer, "accuracy")


class SolverTrainer(OwnOrder, Trainer):
    """The library's trainer, reading examples in the planned order and validating by executed answers."""

    def __init__(self, *, dev: Sequence[Problem], dev_batch_size: int, encoder_rate: float, **kwargs: Any) -> None:
        super().__init__(**kwargs, eval_dataset=[])
        if not dev:
            raise UserError("no problem to validate on: the best step cannot be chosen")
        self.dev = dev
        self.dev_batch_size = dev_batch_size
        self.encoder_rate = encoder_rate

    def create_optimizer(self, model: Any = None) -> Optimizer:
        """The library's, with groups of their own for the weights that learn at `encoder_rate`."""
        made = self.optimizer is None
        optimizer = super().create_optimizer(model)
        if made and self.encoder_rate != 1:
            solver: Backbone = self.model
            slow = {id(weight) for weight in own_weights(solver.encoder)}
            for group in list(optimizer.param_groups):
                weights = group["params"]
                group["params"] = [weight for weight in weights if id(weight) not in slow]
                rate = self.encoder_rate * group["lr"]
                slower = [weight for weight in weights if id(weight) in slow]
                optimizer.add_param_group({**group, "params": slower, "lr": rate})
        return optimizer

    def evaluate(self, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any) -> dict[str, float]:
        """Share of the validation problems whose answer is right."""
        solver: Backbone = self.model
        training = solver.training
        solutions = solve(solver.eval(), self.dev, self.dev_batch_size)
        solver.train(training)
        right = sum(is_right(solution, problem) for solution, problem in zip(solutions, self.dev, strict=True))
        return self.measured(f"{metric_key_prefix}_accuracy", right / len(self.dev))
