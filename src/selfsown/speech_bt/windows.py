"""What Whisper's training reads: clips packed into windows, augmented, as log-mel features and labels.

A window of the encoder costs the same however little of it is speech, and most clips are short. So a window holds
several clips one after another, and its label their texts in the same order; a share of the windows holds one clip
alone, as in testing. The plan of all windows is a function of the seed, made before the first step: a resumed run
reads on where it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
import torch
from pydantic import Field
from torch import Tensor
from torch.utils.data import Dataset
from transformers import WhisperProcessor

from selfsown.audio import SAMPLE_RATE, AugmentParams, augment, decode
from selfsown.params import Params
from selfsown.speech_bt.whisper import MARGIN, log_mel

IGNORED = -100
"""Label of positions that no loss is taken of."""

MAX_LABELS = 440
"""Whisper's decoder has 448 positions, four of them for the prompt."""


class SpecAugmentParams(Params):
    """Masks on each window's log-mel: how many along time and mels, and how wide at most (arXiv 1904.08779)."""

    time_masks: int = Field(ge=0)
    time_seconds: float = Field(ge=0)
    mel_masks: int = Field(ge=0)
    mels: int = Field(ge=0)


class PackParams(Params):
    """`window` in seconds; `single`: share of windows with one clip; `gap`: most seconds of silence between clips."""

    window: float = Field(gt=0, le=30)
    single: float = Field(ge=0, le=1)
    gap: float = Field(ge=0)


@dataclass(frozen=True)
class Spoken:
    """A training clip: encoded audio, its text and language, seconds."""

    audio: bytes
    text: str
    language: str
    duration: float


class Item(TypedDict):
    """One window: samples `[n]` at 16 kHz, label ids (prompt without the start token, text, end), its own seed."""

    samples: np.ndarray[Any, Any]
    labels: list[int]
    seed: int


def plan_windows(
    groups: Sequence[Sequence[Spoken]],
    shares: Sequence[float],
    count: int,
    params: PackParams,
    rng: np.random.Generator,
) -> list[tuple[int, list[int]]]:
    """`count` windows as (group, indices of its clips), by seed.

    Each group (real, synthetic) gets its share of the windows and goes through its clips in a new order each epoch.
    A window holds clips of one language; a clip longer than the window is passed over.
    """
    orders = [_endless(len(group), rng) for group in groups]
    windows: list[tuple[int, list[int]]] = []
    for group in rng.choice(len(groups), size=count, p=np.asarray(shares) / np.sum(shares)):
        clips, order = groups[group], orders[group]
        first = next(index for index in order if clips[index].duration + MARGIN <= params.window)
        chosen, left = [first], params.window - MARGIN - clips[first].duration
        alone = rng.random() < params.single
        for _ in range(0 if alone else 20):
            index = next(order)
            need = clips[index].duration + params.gap
            if need > left or clips[index].language != clips[first].language:
                break
            chosen.append(index)
            left -= need
        windows.append((int(group), chosen))
    return windows


def _endless(size: int, rng: np.random.Generator) -> Any:
    while True:
        yield from rng.permutation(size).tolist()


class Windows(Dataset[Item]):
    """The planned windows as items; item i is the same in every run of a seed."""

    def __init__(
        self,
        groups: Sequence[Sequence[Spoken]],
        augments: Sequence[AugmentParams],
        windows: Sequence[tuple[int, list[int]]],
        pack: PackParams,
        processor: WhisperProcessor,
        seed: int,
    ) -> None:
        self.groups, self.augments, self.windows, self.pack, self.seed = groups, augments, windows, pack, seed
        self.tokenizer = processor.tokenizer

    def __len__(self) -> int:
        return len(self.windows)

    def __getitem__(self, index: int) -> Item:
        group, chosen = self.windows[index]
        rng = np.random.default_rng([self.seed, index])
        clips = [self.groups[group][i] for i in chosen]
        parts: list[np.ndarray[Any, Any]] = []
        for clip in clips:
            sound = augment(decode(clip.audio)[0], SAMPLE_RATE, self.augments[group], rng)
            parts += [sound, np.zeros(int(rng.uniform(0, self.pack.gap) * SAMPLE_RATE), np.float32)]
        samples = np.concatenate(parts[:-1])[: int(self.pack.window * SAMPLE_RATE)]
        text = " ".join(clip.text for clip in clips)
        ids = self.tokenizer(" " + text, add_special_tokens=False).input_ids
        prompt = [f"<|{clips[0].language}|>", "<|transcribe|>", "<|notimestamps|>"]
        labels = [*self.tokenizer.convert_tokens_to_ids(prompt), *ids[:MAX_LABELS], self.tokenizer.eos_token_id]
        return {"samples": samples, "labels": labels, "seed": int(rng.integers(2**32))}


class Collator:
    """Items to a batch: `input_features` `[batch, mels, frames]`, `decoder_input_ids` and `labels` `[batch, tokens]`.

    No loss is taken of the prompt, which decoding always gives.
    """

    def __init__(self, processor: WhisperProcessor, window: float, masks: SpecAugmentParams, start: int) -> None:
        self.processor, self.window, self.masks, self.start = processor, window, masks, start

    def __call__(self, items: Sequence[Item]) -> dict[str, Tensor]:
        """A batch of windows of one length, so that its shape depends on the labels alone."""
        features = log_mel(self.processor, [item["samples"] for item in items], self.window)
        for row, item in zip(features, items, strict=True):
            mask_log_mel(row, self.masks, np.random.default_rng(item["seed"]))
        length = max(len(item["labels"]) for item in items)
        end = self.processor.tokenizer.eos_token_id
        labels = torch.full((len(items), length), IGNORED)
        inputs = torch.full((len(items), length), end)
        for row, item in enumerate(items):
            ids = torch.tensor(item["labels"])
            inputs[row, 0] = self.start
            inputs[row, 1 : len(ids)] = ids[:-1]
            labels[row, 3 : len(ids)] = ids[3:]
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
