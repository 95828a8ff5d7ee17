"""What Whisper's training reads: clips packed into windows, augmented, as log-mel features and labels.

A window of the encoder costs the same however little of it is speech, and most clips are short. So a window holds
several clips one after another, and its label their texts in the same order; a share of the windows holds one clip
alone, as in testing, and a share nothing but noise. Windows come in a few lengths, each batch in one. The plan of all
windows is a function of the seed, made before the first step: a resumed run reads on where it stopped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor
from torch.utils.data import Dataset
from transformers import WhisperProcessor

from selfsown.audio import SAMPLE_RATE, AugmentParams, augment, coloured_noise, decode
from selfsown.errors import UserError
from selfsown.params import Params
from selfsown.speech_bt.whisper.windowed import FULL_WINDOW, MARGIN, log_mel

IGNORED = -100
"""Label of positions that no loss is taken of."""

MAX_LABELS = 440
"""Whisper's decoder has 448 positions, four of them for the prompt."""

NOTHING_SAID = "..."
"""What the untouched model writes for noise: it may not end at once, and these have no words in them."""


class SpecAugmentParams(Params):
    """Masks on each window's log-mel: how many along time and mels, and how wide at most (arXiv 1904.08779)."""

    time_masks: int = Field(ge=0)
    time_seconds: float = Field(ge=0)
    mel_masks: int = Field(ge=0)
    mels: int = Field(ge=0)


class LengthParams(Params):
    """A length of window: `seconds`, and the `share` of windows that have it."""

    seconds: float = Field(gt=0, le=30)
    share: float = Field(gt=0)


class PackParams(Params):
    """How clips fill windows.

    `lengths`: of the windows. `single`: share of the windows with one clip. `noise`: share without speech. `gap`: most
    seconds of silence between clips.
    """

    lengths: tuple[LengthParams, ...] = Field(min_length=1)
    single: float = Field(ge=0, le=1)
    noise: float = Field(ge=0, lt=1)
    gap: float = Field(ge=0)

    @property
    def seconds(self) -> tuple[float, ...]:
        """The lengths alone."""
        return tuple(length.seconds for length in self.lengths)

    def holding(self, clips: Sequence[Spoken]) -> PackParams:
        """The same, and where some clips fit none of the lengths, Whisper's own 30 s beside those that fit others.

        Its share of the windows is that of the seconds that only it can hold.
        """
        durations = np.asarray([clip.duration for clip in clips])
        long = durations[~_fits(durations, max(self.seconds))].sum()
        if not long:
            return self
        kept = tuple(length for length in self.lengths if _fits(durations, length.seconds).any())
        rest = durations.sum() - long
        share = sum(length.share for length in kept) * long / rest if kept else 1.0
        return self.model_copy(update={"lengths": (*kept, LengthParams(seconds=FULL_WINDOW, share=float(share)))})


@dataclass(frozen=True)
class Spoken:
    """A training clip: encoded audio, its text and language, seconds."""

    audio: bytes
    text: str
    language: str
    duration: float


@dataclass(frozen=True)
class Window:
    """A planned window: its length in seconds, and the clips of a group in it; without clips it is noise."""

    seconds: float
    group: int
    clips: tuple[int, ...]


class Item(TypedDict):
    """One window: log-mel `[mels, frames]` and label ids (prompt without the start token, text, end)."""

    log_mel: Tensor
    labels: list[int]


def plan_windows(
    groups: Sequence[Sequence[Spoken]],
    shares: Sequence[float],
    count: int,
    params: PackParams,
    rng: np.random.Generator,
) -> list[Window]:
    """`count` windows, by seed.

    Each group (real, synthetic) gets its share of the windows and goes through its clips in a new order each epoch. A
    window holds clips of one language; a clip longer than the window is passed over.

    Raises:
        UserError: a group without a clip that fits a length.
    """
    queues = {}
    for group, clips in enumerate(groups):
        for seconds in params.seconds:
            fitting = np.flatnonzero(_fits(np.asarray([clip.duration for clip in clips]), seconds)).tolist()
            if not fitting:
                shortest = min(clip.duration for clip in clips)
                raise UserError(
                    f"params.yaml: speech_bt.train.pack.lengths: no clip of group {group} fits a window of "
                    f"{seconds:g} s: the shortest lasts {shortest:.1f} s, and {MARGIN} s are left free"
                )
            queues[group, seconds] = _endless(fitting, rng)
    chance = np.asarray(shares) / np.sum(shares)
    lengths = np.asarray([length.share for length in params.lengths])
    windows = []
    for _ in range(count):
        seconds = params.seconds[rng.choice(len(lengths), p=lengths / lengths.sum())]
        group = int(rng.choice(len(groups), p=chance))
        alone = rng.random() < params.single
        chosen: tuple[int, ...] = ()
        if rng.random() >= params.noise:
            chosen = _fill(groups[group], queues[group, seconds], seconds, params.gap, alone)
        windows.append(Window(seconds, group, chosen))
    return windows


def _fill(clips: Sequence[Spoken], queue: Iterator[int], seconds: float, gap: float, alone: bool) -> tuple[int, ...]:
    """The next clips of the queue until one does not fit or speaks another language."""
    chosen = [next(queue)]
    left = seconds - MARGIN - clips[chosen[0]].duration
    for _ in range(0 if alone else 20):
        index = next(queue)
        need = clips[index].duration + gap
        if need > left or clips[index].language != clips[chosen[0]].language:
            break
        chosen.append(index)
        left -= need
    return tuple(chosen)


def _fits(durations: NDArray[np.float64], seconds: float) -> NDArray[np.bool_]:
    """Which clips a window holds, with silence after them; one of 30 s, the longest there is, without."""
    return durations + (0 if seconds == FULL_WINDOW else MARGIN) <= seconds


def _endless(indices: Sequence[int], rng: np.random.Generator) -> Iterator[int]:
    while True:
        yield from rng.permutation(indices).tolist()


def in_batches(windows: Sequence[Window], batch: int) -> list[Window]:
    """The windows in batches of one length: each batch stands where its last window stood.

    What fills no batch of its length is left out.
    """
    waiting: dict[float, list[Window]] = {}
    ordered: list[Window] = []
    for window in windows:
        queue = waiting.setdefault(window.seconds, [])
        queue.append(window)
        if len(queue) == batch:
            ordered += queue
            queue.clear()
    return ordered


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
        text = " " + " ".join(clip.text for clip in clips) if clips else NOTHING_SAID
        language = (clips or self.groups[window.group])[0].language
        tokenizer = self.processor.tokenizer
        ids = tokenizer(text, add_special_tokens=False).input_ids
        prompt = [f"<|{language}|>", "<|transcribe|>", "<|notimestamps|>"]
        labels = [*tokenizer.convert_tokens_to_ids(prompt), *ids[:MAX_LABELS], tokenizer.eos_token_id]
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
