"""What Whisper's training reads: planned windows, augmented, as log-mel features and labels.

The label of a window is the texts of its clips in their order.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.utils.data import Dataset
from transformers import WhisperProcessor

from selfsown.audio import SAMPLE_RATE, AugmentParams, augment, coloured_noise, decode
from selfsown.params import Params
from selfsown.speech_bt.train.packing import PackParams, Spoken, Window
from selfsown.speech_bt.whisper.windowed import log_mel

IGNORED = -100
"""Label of positions that no loss is taken of."""

NOTHING_SAID = "..."
"""What the untouched model writes for noise: it may not end at once, and these have no words in them."""


def spoken_text(text: str) -> str:
    """A clip's part of its window's label. Whisper's tokens begin with the space, so no token is of two clips."""
    return f" {text}"


class SpecAugmentParams(Params):
    """Masks on each window's log-mel: how many along time and mels, and how wide at most (arXiv 1904.08779)."""

    time_masks: int = Field(ge=0)
    time_seconds: float = Field(ge=0)
    mel_masks: int = Field(ge=0)
    mels: int = Field(ge=0)


class Item(TypedDict):
    """One window: log-mel `[mels, frames]` and label ids (prompt without the start token, text, end)."""

    log_mel: Tensor
    labels: list[int]


class Windows(Dataset[Item]):
    """The scheduled windows as items; item i is the same in every run of a seed."""

    def __init__(
        self,
        groups: Sequence[Sequence[Spoken]],
        augments: Sequence[AugmentParams],
        windows: Sequence[Window],
        *,
        pack: PackParams,
        masks: SpecAugmentParams,
        processor: WhisperProcessor,
        seed: int,
    ) -> None:
        self.groups, self.augments, self.windows = groups, augments, windows
        self.pack, self.masks, self.processor, self.seed = pack, masks, processor, seed

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> Item:
        window = self.windows[index]
        rng = np.random.default_rng([self.seed, index])
        clips = [self.groups[window.group][i] for i in window.clips]
        samples = self._sound(window, clips, rng)
        text = "".join(map(spoken_text, (clip.text for clip in clips))) if clips else NOTHING_SAID
        tokenizer = self.processor.tokenizer
        ids = tokenizer(text, add_special_tokens=False).input_ids
        prompt = [f"<|{window.language}|>", "<|transcribe|>", "<|notimestamps|>"]
        labels = [*tokenizer.convert_tokens_to_ids(prompt), *ids, tokenizer.eos_token_id]
        features = log_mel(self.processor, [samples], window.seconds)[0]
        mask_log_mel(features, self.masks, rng)
        return {"log_mel": features, "labels": labels}

    def _sound(self, window: Window, clips: Sequence[Spoken], rng: np.random.Generator) -> np.ndarray[Any, Any]:
        """The clips with silence between them, or noise of some colour and level, sometimes none at all."""
        limit = int(window.seconds * SAMPLE_RATE)
        if not clips:
            noise = coloured_noise(int(rng.uniform(0.1, 1) * limit), rng.uniform(0, 2), rng)
            return noise * np.float32(rng.choice([0, 1], p=[0.2, 0.8]) * 10 ** (rng.uniform(-70, -20) / 20))
        parts: list[np.ndarray[Any, Any]] = []
        for clip in clips:
            sound = augment(decode(clip.audio)[0], SAMPLE_RATE, self.augments[window.group], rng)
            parts += [sound, np.zeros(int(rng.uniform(0, self.pack.gap) * SAMPLE_RATE), np.float32)]
        return np.concatenate(parts[:-1])[:limit]


class Collator:
    """Items to a batch: `input_features` `[batch, mels, frames]`, `decoder_input_ids` and `labels` `[batch, tokens]`.

    No loss is taken of the prompt, which decoding always gives.
    """

    def __init__(self, start: int, end: int) -> None:
        self.start, self.end = start, end

    def __call__(self, items: Sequence[Item]) -> dict[str, Tensor]:
        """A batch of windows of one length."""
        length = max(len(item["labels"]) for item in items)
        labels = torch.full((len(items), length), IGNORED)
        inputs = torch.full((len(items), length), self.end)
        for row, item in enumerate(items):
            ids = torch.tensor(item["labels"])
            inputs[row, 0] = self.start
            inputs[row, 1 : len(ids)] = ids[:-1]
            labels[row, 3 : len(ids)] = ids[3:]
        features = torch.stack([item["log_mel"] for item in items])
        return {"input_features": features, "decoder_input_ids": inputs, "labels": labels}


def mask_log_mel(features: Tensor, params: SpecAugmentParams, rng: np.random.Generator) -> None:
    """SpecAugment in place on `[mels, frames]`: masked parts take the window's mean."""
    mels, frames = features.shape
    mean = features.mean()
    for _ in range(params.time_masks):
        width = int(rng.uniform(0, params.time_seconds) * 100)
        start = int(rng.integers(0, max(1, frames - width)))
        features[:, start : start + width] = mean
    for _ in range(params.mel_masks):
        width = int(rng.integers(0, params.mels + 1))
        start = int(rng.integers(0, max(1, mels - width)))
        features[start : start + width] = mean
