"""What DPO is watched by: the dev questions that the model solves, the pairs that it does not learn from.

Both from before the first step on. The reference is the best step unless another is better.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments

from selfsown.dpo_st.dpo.solving import Solving
from selfsown.dpo_st.language.models import Layout, log_probs_of
from selfsown.dpo_st.training.plan import Pair
from selfsown.errors import UserError
from selfsown.training.orders import OwnOrder

MEASURE = "pass_at_1"

ASKED = 8
"""Pairs whose reference is asked again."""

OFF = 0.05
"""How far its answers may be from the pairs', as a share of them: with bf16 a batch's shape changes some digits."""


class Watched(OwnOrder):
    """Measures how many dev questions the model solves, and how it likes pairs that are held out."""

    args: Any
    model: Any
    accelerator: Any

    def __init__(self, *, learnt: Sequence[Pair], held_out: Sequence[Pair], solving: Solving, **kwargs: Any) -> None:
        super().__init__(**kwargs, eval_dataset=[])  # type: ignore[call-arg]
        self.held_out = held_out
        self.solving = solving
        self.layout = Layout.of(kwargs["model"], kwargs["processing_class"])
        self.add_callback(_FromStart(self, learnt[:ASKED]))  # type: ignore[attr-defined]

    def evaluate(self: Any, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any) -> dict[str, float]:
        """Share of the dev completions that are right; the other figures are logged."""
        model = self.model.eval()
        if self.held_out:
            batch = self.args.per_device_eval_batch_size
            found = preferences(log_ratios(model, self.layout, self.held_out, batch), self.args.beta)
            self.log({f"{metric_key_prefix}_pairs_{name}": value for name, value in found.items()})
        value = self.solving.pass_at_1(model, self.processing_class, self.accelerator)
        measured: dict[str, float] = self.measured(f"{metric_key_prefix}_{MEASURE}", value)
        model.train()
        return measured


class _FromStart(TrainerCallback):
    """Measures the model before its first step, when it is the reference."""

    def __init__(self, trainer: Any, pairs: Sequence[Pair]) -> None:
        self.trainer, self.pairs = trainer, pairs

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """But not again when a killed training goes on."""
        if state.global_step == 0:
            check_reference(self.trainer.model, self.trainer.layout, self.pairs)
            state.best_metric = self.trainer.evaluate()[f"eval_{MEASURE}"]


def check_reference(model: Any, layout: Layout, pairs: Sequence[Pair]) -> None:
    """What pairs say of their reference must be true of the model that training starts from.

    Raises:
        UserError: they are of another model, or of other tokens of the rationales.
    """
    off = log_ratios(model.eval(), layout, pairs, 2 * len(pairs)).abs().mean()
    if off > OFF * abs(torch.tensor([pair.reference for pair in pairs])).mean():
        raise UserError(
            f"the pairs' ref_chosen_logps and ref_rejected_logps are not those of the reference model, by {off:.1f} "
            "nats a rationale: were they made with another --model, or with another mask_results?"
        )


def log_ratios(model: Any, layout: Layout, pairs: Sequence[Pair], batch_size: int) -> Tensor:
    """log p - log ref in nats `[2 pairs]`, float64: of the chosen rationales, then of the rejected ones."""
    rows = [*(pair.chosen for pair in pairs), *(pair.rejected for pair in pairs)]
    found = torch.tensor(log_probs_of(model, layout, rows, batch_size), dtype=torch.float64)
    return found - torch.tensor([pair.reference[side] for side in (0, 1) for pair in pairs], dtype=torch.float64)


def preferences(ratios: Tensor, beta: float) -> dict[str, float]:
    """The mean `loss` of pairs, and the share of them whose chosen one has gained more than the other: `accuracy`."""
    chosen, rejected = ratios.chunk(2)
    return {"loss": float(pair_losses(ratios, beta).mean()), "accuracy": float((chosen > rejected).double().mean())}


def pair_losses(ratios: Tensor, beta: float) -> Tensor:
    """Of each pair, `[pairs]`, from `[2 pairs]` as `log_ratios` has them."""
    chosen, rejected = ratios.chunk(2)
    return -logsigmoid(beta * (chosen - rejected))
