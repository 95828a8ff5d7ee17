"""What XTTS learns from: a clip's text and codes, and how its speaker sounds in other clips.

The order of all clips is planned before the first step, as a function of the seed: a resumed run reads on where it
stopped. The prompt of a clip is as long as the chunks in which a prompt is heard when the model speaks.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import TypedDict

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import Dataset
from TTS.tts.models.xtts import wav_to_mel_cloning

from selfsown.audio import decode, is_unnamed, resample
from selfsown.shards.seeds import purpose_seed, shard_seed
from selfsown.speech_bt.xtts.audio_tokenizer import RATE
from selfsown.training.orders import endless


@dataclass(frozen=True, slots=True)
class Spoken:
    """A clip: `tokens` of its text, `codes` of its audio; `speaker` is who spoke, in one language."""

    id: str
    speaker: tuple[str, str]
    tokens: tuple[int, ...]
    codes: tuple[int, ...]


class Item(TypedDict):
    """A clip in tensors: `tokens` `[n]`, `codes` `[m]`, `prompt` the log-mel of its speaker `[80, frames]`."""

    tokens: Tensor
    codes: Tensor
    prompt: Tensor


def plan(count: int, wanted: int, seed: int) -> list[int]:
    """`wanted` indices below `count`: all of them in one order after another."""
    return list(islice(endless(count, np.random.default_rng(purpose_seed(seed, "adapt_tts order"))), wanted))


class Prompts:
    """How speakers sound, as log-mels `[80, frames]` of `seconds`."""

    def __init__(
        self, clips: Sequence[Spoken], audio: Mapping[str, bytes], mel_stats: Tensor, seconds: float, seed: int
    ) -> None:
        self.audio, self.mel_stats, self.seed = audio, mel_stats, seed
        self.samples = round(seconds * RATE)
        self.by_speaker: dict[tuple[str, str], list[str]] = defaultdict(list)
        for clip in clips:
            if not is_unnamed(clip.speaker[1]):
                self.by_speaker[clip.speaker].append(clip.id)

    def draw(self, clip: Spoken, number: int) -> Tensor:
        """Other clips of the same speaker one after another, drawn for the `number`-th time that one is needed.

        A clip of who has one only, or whose speaker has no name, is prompted with itself. What is too short is heard
        again and again.
        """
        others = [each for each in self.by_speaker.get(clip.speaker, ()) if each != clip.id] or [clip.id]
        rng = np.random.default_rng(shard_seed(self.seed, number))
        heard: list[np.ndarray] = []
        for index in rng.permutation(len(others)):
            samples, rate = decode(self.audio[others[index]], others[index])
            heard.append(resample(samples, rate, RATE))
            if sum(map(len, heard)) >= self.samples:
                break
        sound = torch.from_numpy(np.resize(np.concatenate(heard), self.samples))
        mel = wav_to_mel_cloning(
            sound[None], mel_norms=self.mel_stats, n_fft=2048, hop_length=256, win_length=1024, power=2,
            normalized=False, sample_rate=RATE, f_min=0, f_max=8000, n_mels=80,
        )  # fmt: skip
        prompt: Tensor = mel[0]
        return prompt


class Clips(Dataset[Item]):
    """Clips in their order, each with a prompt drawn for its place in it."""

    def __init__(self, clips: Sequence[Spoken], order: Sequence[int], prompts: Prompts) -> None:
        self.clips, self.order, self.prompts = clips, order, prompts

    def __len__(self) -> int:
        return len(self.order)

    def __getitem__(self, place: int) -> Item:
        clip = self.clips[self.order[place]]
        return Item(
            tokens=torch.tensor(clip.tokens), codes=torch.tensor(clip.codes), prompt=self.prompts.draw(clip, place)
        )


@dataclass(frozen=True)
class Collator:
    """Clips as `GPT.forward` takes them: padded with the stop of the text, whose number is `stop_text_token`."""

    stop_text_token: int
    samples_per_code: int

    def __call__(self, items: Sequence[Item]) -> dict[str, Tensor]:
        """`text` `[B, tokens]`, `codes` `[B, codes]`, their lengths, of audio in samples, `prompts` `[B, 1, 80, n]`.

        What codes are padded with does not matter: the model puts its own stop there.
        """
        return {
            "text": pad_sequence(
                [item["tokens"] for item in items], batch_first=True, padding_value=self.stop_text_token
            ),
            "text_lengths": torch.tensor([len(item["tokens"]) for item in items]),
            "codes": pad_sequence([item["codes"] for item in items], batch_first=True),
            "wav_lengths": torch.tensor([len(item["codes"]) * self.samples_per_code for item in items]),
            "prompts": torch.stack([item["prompt"] for item in items])[:, None],
        }
