"""Direct Preference Optimization (arXiv 2305.18290): TRL's trainer for decoder-only models, our own for all others.

    loss = -log sigmoid(beta ((log p(chosen) - log ref(chosen)) - (log p(rejected) - log ref(rejected))))

TRL has none for encoder-decoders. The reference's log-probabilities come with the pairs, so its model is not needed.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from datasets import Dataset
from torch import Tensor
from torch.nn import Dropout
from transformers import Trainer
from trl import DPOConfig, DPOTrainer
from trl.trainer.dpo_trainer import DataCollatorForPreference

from selfsown.dpo_st.dpo.watched import Watched, pair_losses
from selfsown.dpo_st.language.models import Layout, sequence_log_probs
from selfsown.dpo_st.training.plan import Pair, Planned
from selfsown.dpo_st.training.run import only_plain

DECIDED = {"precompute_ref_log_probs": True, "max_length": None}
"""The reference was asked already, and no row is too long."""

PLAIN = {
    "loss_type": ["sigmoid"], "loss_weights": None, "ld_alpha": None, "f_divergence_type": "reverse_kl",
    "use_weighting": False, "label_smoothing": 0.0, "sync_ref_model": False,
}  # fmt: skip
"""What TRL's trainer can vary, and ours cannot."""


def preference_trainer(
    model: Any, tokenizer: Any, arguments: DPOConfig, train: Planned[Pair], held_out: Sequence[Pair], **kwargs: Any
) -> Trainer:
    """The trainer of a model's kind.

    Args:
        held_out: pairs that are only looked at, perhaps none.
        kwargs: `solving`, what the best step is chosen by, and what `Trainer` takes.

    Raises:
        UserError: arguments that the kind's trainer does not have.
    """
    shared = {
        "model": model, "args": arguments, "processing_class": tokenizer, "learnt": train.rows, "held_out": held_out,
        **kwargs,
    }  # fmt: skip
    if arguments.disable_dropout:
        without_dropout(model)
    if not model.config.is_encoder_decoder:
        return CausalTrainer(**shared, train_dataset=_tokens(train.rows).select(train.order))
    only_plain(arguments, PLAIN, "dpo_st.dpo")
    return PairTrainer(**shared, train_dataset=train)


def without_dropout(model: Any) -> None:
    """Switch it off, in attention too, where it is a number and no module: the reference was asked without."""
    for module in model.modules():
        if isinstance(module, Dropout):
            module.p = 0.0
        for name in ("dropout", "attention_dropout"):
            if isinstance(getattr(module, name, None), float):
                setattr(module, name, 0.0)


def _tokens(rows: Sequence[Pair]) -> Dataset:
    """Pairs as TRL reads them, and which tokens are learnt."""
    return Dataset.from_list([
        {
            "prompt_ids": row.chosen.question,
            "chosen_ids": row.chosen.rationale, "chosen_learnt": row.chosen.learnt,
            "rejected_ids": row.rejected.rationale, "rejected_learnt": row.rejected.learnt,
            "ref_chosen_logps": row.reference[0], "ref_rejected_logps": row.reference[1],
        }
        for row in rows
    ])  # fmt: skip


class CausalTrainer(Watched, DPOTrainer):
    """TRL's trainer, in the planned order, with pairs that come as tokens and know their reference."""

    def __init__(self, **kwargs: Any) -> None:
        collate = MaskedPreference(pad_token_id=kwargs["processing_class"].pad_token_id)
        super().__init__(**kwargs, data_collator=collate)

    def _prepare_dataset(self, dataset: Any, *args: Any) -> Any:
        return dataset

    def _precompute_ref_logps(self, dataset: Any, *args: Any) -> Any:
        return dataset


@dataclass
class MaskedPreference(DataCollatorForPreference):
    """TRL's batches, without the tokens that are not learnt."""

    def torch_call(self, examples: list[dict[str, Any]]) -> dict[str, Any]:
        """`completion_mask` `[chosen then rejected, tokens]` is 0 there."""
        batch: dict[str, Any] = super().torch_call(examples)
        for side, first in (("chosen", 0), ("rejected", len(examples))):
            for row, example in enumerate(examples, first):
                begin, learnt = len(example["prompt_ids"]), example[f"{side}_learnt"]
                batch["completion_mask"][row, begin : begin + len(learnt)] = torch.tensor(learnt).long()
        return batch


class PairTrainer(Watched, Trainer):
    """Our own trainer: of a pair's two rationales, each after the question, the chosen one is to become likelier."""

    loss_is_scaled_for_ga = False
    """The loss is a mean over its batch: the library divides it by the number of micro-batches in a step."""

    def __init__(self, **kwargs: Any) -> None:
        collate = PairCollator(Layout.of(kwargs["model"], kwargs["processing_class"]))
        super().__init__(**kwargs, data_collator=collate)

    def compute_loss(
        self, model: Any, inputs: Mapping[str, Tensor], return_outputs: bool = False, **kwargs: Any
    ) -> Any:
        """The mean loss of a batch's pairs."""
        reference = inputs["reference"]
        batch = {name: each for name, each in inputs.items() if name != "reference"}
        loss = pair_losses(sequence_log_probs(model, batch) - reference, self.args.beta).mean()
        return (loss, {}) if return_outputs else loss


@dataclass(frozen=True)
class PairCollator:
    """Pairs as a batch of the chosen ones, then the rejected ones, and of both the `reference` `[rows]`."""

    layout: Layout

    def __call__(self, pairs: Sequence[Pair]) -> dict[str, Tensor]:
        """As `Layout` makes it of twice as many rows."""
        batch = self.layout([*(pair.chosen for pair in pairs), *(pair.rejected for pair in pairs)])
        return {**batch, "reference": torch.tensor([pair.reference[side] for side in (0, 1) for pair in pairs])}
