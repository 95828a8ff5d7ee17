"""`LlamaForCausalLM` as it is trained: the loss without ever holding the logits of a whole batch.

Logits of 32 x 2,048 tokens over a vocabulary of 32,000 take 8 GB; torch's chunked linear cross-entropy takes one piece
of them at a time and works the gradients out on the way. What is saved is a plain `LlamaForCausalLM`.
"""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor
from torch.nn import LinearCrossEntropyOptions
from torch.nn.functional import linear_cross_entropy
from transformers import GenerationConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from selfsown.device import compute_device

CHUNK = 1024
"""Tokens whose logits are held at once: with a vocabulary of 4,096 and fp32 16 MB, which processor caches help with."""

IGNORED = -100
"""The label of what no loss is taken of."""


class PretrainedLlama(LlamaForCausalLM):
    """The architecture unchanged; `forward` gives the loss alone where it is given what to say next."""

    accepts_loss_kwargs = False
    """Its loss is a mean over its batch: the trainer divides it by the number of micro-batches in a step."""

    def forward(
        self,
        input_ids: Tensor | None = None,
        labels: Tensor | None = None,
        position_ids: Tensor | None = None,
        **kwargs: object,
    ) -> object:
        """Mean cross-entropy in nats of `labels` `[batch, T]`, which stand one token further than `input_ids`.

        Labels `IGNORED` are left out. `position_ids` `[batch, T]` that begin anew at each document keep its tokens from
        seeing those of others. Without labels it is the library's own forward.
        """
        if labels is None:
            return super().forward(input_ids=input_ids, position_ids=position_ids, **kwargs)
        hidden = self.model(input_ids=input_ids, position_ids=position_ids, use_cache=False).last_hidden_state
        return {"loss": cross_entropy_in_pieces(hidden, self.lm_head.weight, labels)}


# torch.compile would take it apart, hold all logits, and keep the head's gradient twice.
@torch.compiler.disable  # type: ignore[untyped-decorator]  # torch has no types for it
def cross_entropy_in_pieces(hidden: Tensor, weight: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy in nats of `labels` `[batch, T]` by a head `[vocabulary, width]` over `[batch, T, width]`."""
    options = LinearCrossEntropyOptions(batch_chunk_size=CHUNK)
    return linear_cross_entropy(hidden.flatten(0, 1), weight, labels.flatten(), options=options)


def load_model(folder: Path) -> LlamaForCausalLM:
    """The model of a folder, ready to be asked, on the device of the settings."""
    return LlamaForCausalLM.from_pretrained(folder).to(compute_device()).eval()


def save_model(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """A folder that `from_pretrained`, vLLM and llama.cpp's converter read: weights in fp32, config, tokenizer."""
    with torch.device("meta"):
        plain = LlamaForCausalLM(model.config)
    plain.load_state_dict(model.state_dict(), assign=True)
    plain.tie_weights()
    plain.config.use_cache = True  # the trainer switches it off
    plain.generation_config = GenerationConfig.from_model_config(plain.config)
    plain.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
