"""Supervised training on rationales: TRL's trainer for decoder-only models, the library's own for encoder-decoders."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from datasets import Dataset
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import Trainer
from transformers.modeling_outputs import Seq2SeqLMOutput
from trl import SFTConfig, SFTTrainer

from selfsown.dpo_st.language.forms import IGNORED, Exchange
from selfsown.dpo_st.language.models import Layout
from selfsown.dpo_st.training import dev
from selfsown.dpo_st.training.plan import Label, Planned
from selfsown.dpo_st.training.run import only_plain
from selfsown.errors import UserError
from selfsown.training.orders import OwnOrder

DECIDED = {"dataset_kwargs": {"skip_prepare_dataset": True}, "max_length": None}
"""Rows come as tokens, none too long: TRL would cut their ends off."""

PLAIN = {"loss_type": "nll", "label_smoothing_factor": 0.0}
"""What TRL's trainer can vary, and the one for encoder-decoders cannot."""


def supervised_trainer(
    model: Any, tokenizer: Any, arguments: SFTConfig, train: Planned[Label], held_out: Sequence[Exchange], **kwargs: Any
) -> Trainer:
    """The trainer of a model's kind; `held_out` is what the best step is chosen by.

    Raises:
        UserError: arguments that would change what is planned, or that the kind's trainer does not have.
    """
    if arguments.packing or arguments.padding_free:
        raise UserError("params.yaml: dpo_st.sft.arguments: neither packing nor padding_free: batches are planned")
    shared = {"model": model, "args": arguments, "processing_class": tokenizer, "held_out": held_out, **kwargs}
    if not model.config.is_encoder_decoder:
        return CausalTrainer(**shared, train_dataset=_tokens(train.rows).select(train.order))
    only_plain(arguments, PLAIN, "dpo_st.sft")
    return EncoderDecoderTrainer(**shared, train_dataset=train)


def _tokens(rows: Sequence[Label]) -> Dataset:
    """Rows as TRL reads them: `input_ids` and `labels` `[tokens]`, which it shifts itself."""
    made = [row.exchange for row in rows]
    return Dataset.from_list([
        {"input_ids": each.question + each.rationale, "labels": [IGNORED] * len(each.question) + each.labels}
        for each in made
    ])  # fmt: skip


class Held(OwnOrder):
    """Measures the loss on rationales that are held out."""

    args: Any
    model: Any

    def __init__(self, *, held_out: Sequence[Exchange], **kwargs: Any) -> None:
        super().__init__(**kwargs, eval_dataset=[])  # type: ignore[call-arg]
        self.held_out = held_out
        self.layout = Layout.of(kwargs["model"], kwargs["processing_class"])

    def evaluate(self, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any) -> dict[str, float]:
        """In nats a token."""
        model = self.model.eval()
        value = dev.loss(model, self.layout, self.held_out, self.args.per_device_eval_batch_size)
        measured = self.measured(f"{metric_key_prefix}_loss", value)
        model.train()
        return measured


class CausalTrainer(Held, SFTTrainer):
    """TRL's trainer, in the planned order."""


class EncoderDecoderTrainer(Held, Trainer):
    """The library's trainer: the question in the encoder, the rationale in the decoder."""

    def __init__(self, **kwargs: Any) -> None:
        layout = Layout.of(kwargs["model"], kwargs["processing_class"])
        collate = _Collator(layout)
        super().__init__(**kwargs, data_collator=collate, compute_loss_func=token_loss)


class _Collator:
    def __init__(self, layout: Layout) -> None:
        self.layout = layout

    def __call__(self, rows: Sequence[Label]) -> dict[str, Tensor]:
        return self.layout([row.exchange for row in rows])


def token_loss(outputs: Seq2SeqLMOutput, labels: Tensor, num_items_in_batch: Tensor) -> Tensor:
    """Cross-entropy summed over a batch's learnt tokens, by how many the whole step has.

    So a step is the same in one batch or in several, in one process or in many.
    """
    total = cross_entropy(outputs.logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum")
    return total / num_items_in_batch
