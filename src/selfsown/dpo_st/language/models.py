"""Models of both kinds, decoder-only and encoder-decoder: their folders, what they are given, what they make of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from selfsown.device import compute_device, compute_dtype
from selfsown.dpo_st.language.forms import IGNORED, Exchange, exchanges
from selfsown.errors import UserError


def load_tokenizer(folder: Path, chat_template: str | None = None) -> Any:
    """The tokenizer of a folder.

    Args:
        chat_template: Jinja, which takes the place of the folder's own.

    Raises:
        UserError: there is none, or it names no end token.
    """
    if not (folder / "tokenizer.json").is_file():
        raise UserError(f"{folder}: no tokenizer.json there")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if tokenizer.eos_token_id is None:
        raise UserError(f"{folder}: the tokenizer names no end token (eos_token): no rationale would end")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    if chat_template is not None:
        tokenizer.chat_template = chat_template
    return tokenizer


def read_model(folder: Path) -> Any:
    """The model of a folder in fp32, to be trained: the trainer moves it to its device."""
    config = AutoConfig.from_pretrained(folder, local_files_only=True)
    kind = AutoModelForSeq2SeqLM if config.is_encoder_decoder else AutoModelForCausalLM
    return kind.from_pretrained(folder, config=config, dtype=torch.float32, local_files_only=True, use_safetensors=True)


def load_model(folder: Path) -> Any:
    """The model of a folder in fp32, ready to be asked, on the device of the settings."""
    return read_model(folder).to(compute_device()).eval()


def save_model(model: Any, tokenizer: Any, folder: Path, weights: Mapping[str, Tensor]) -> None:
    """A folder that both loaders above read, and vLLM.

    Args:
        weights: that are saved as the model's; of tied ones once, though several processes may bring each name.
    """
    model.config.use_cache = True  # the trainer may have switched it off
    once = {name: weight for name, weight in weights.items() if name not in model.all_tied_weights_keys}
    model.save_pretrained(folder, state_dict=once)
    tokenizer.save_pretrained(folder)


@dataclass(frozen=True)
class Layout:
    """How exchanges are given to a model.

    A decoder reads the question and the rationale in one row, an encoder the question and its decoder the rationale.

    `pad`: fills rows up on the right. `start`: what a decoder behind an encoder begins with, else None.
    """

    pad: int
    start: int | None

    @classmethod
    def of(cls, model: Any, tokenizer: Any) -> Layout:
        """Of this model."""
        config = model.config
        return cls(tokenizer.pad_token_id, config.decoder_start_token_id if config.is_encoder_decoder else None)

    def __call__(self, rows: Sequence[Exchange]) -> dict[str, Tensor]:
        """Arguments of `forward` `[rows, tokens]`, and `labels`: what each place of its logits must say.

        Unlike the library's, labels stand where they are said, so nothing is shifted.
        """
        if self.start is None:
            inputs = [row.question + row.rationale[:-1] for row in rows]
            labels = [[IGNORED] * (len(row.question) - 1) + row.labels for row in rows]
            return {**self._padded(inputs), "labels": _filled(labels, IGNORED)}
        return {
            **self._padded([row.question for row in rows]),
            "decoder_input_ids": _filled([[self.start, *row.rationale[:-1]] for row in rows], self.pad),
            "labels": _filled([row.labels for row in rows], IGNORED),
        }

    def _padded(self, rows: list[list[int]]) -> dict[str, Tensor]:
        return {"input_ids": _filled(rows, self.pad), "attention_mask": _filled([[1] * len(row) for row in rows], 0)}


def _filled(rows: list[list[int]], value: int) -> Tensor:
    tokens = [torch.tensor(row, dtype=torch.long) for row in rows]
    return pad_sequence(tokens, batch_first=True, padding_value=value)


def sequence_log_probs(model: Any, batch: Mapping[str, Tensor]) -> Tensor:
    """The log-probability of each row's learnt tokens, their sum in nats: `[rows]`, of a batch that `Layout` made."""
    labels = batch["labels"]
    logits = model(**{name: each for name, each in batch.items() if name != "labels"}, use_cache=False).logits
    nats = cross_entropy(logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="none")
    return -nats.view_as(labels).sum(dim=1)


def log_probs(
    model: Any, tokenizer: Any, texts: Sequence[tuple[str, str]], *, mask_results: bool, batch_size: int
) -> list[float]:
    """What a model makes of rationales that follow questions: log-probabilities of their learnt tokens.

    In the precision of training, so that a reference asked here is what training starts from.

    Args:
        texts: question and rationale of each.
    """
    made = exchanges(tokenizer, texts, mask_results=mask_results)
    return log_probs_of(model, Layout.of(model, tokenizer), made, batch_size)


@torch.no_grad()
def log_probs_of(model: Any, layout: Layout, rows: Sequence[Exchange], batch_size: int) -> list[float]:
    """As `log_probs`, of exchanges; rows of like length are read together."""
    order = sorted(range(len(rows)), key=lambda place: -rows[place].length)
    found = [0.0] * len(rows)
    device = next(model.parameters()).device
    half = compute_dtype() == torch.bfloat16
    for start in range(0, len(order), batch_size):
        places = order[start : start + batch_size]
        batch = {name: each.to(device) for name, each in layout([rows[place] for place in places]).items()}
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            values = sequence_log_probs(model, batch)
        for place, value in zip(places, values.tolist(), strict=True):
            found[place] = value
    return found
