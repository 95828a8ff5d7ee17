"""The plan of what Whisper trains on: clips packed into windows, each group and language with its share.

A window of the encoder costs the same however little of it is speech, and most clips are short. So a window holds
several clips one after another; a share of the windows holds one clip alone, as in testing, and a share nothing but
noise. Windows come in a few lengths, each batch in one. The plan of all windows is a function of the seed, made before
the first step: a resumed run reads on where it stopped.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from selfsown.errors import UserError
from selfsown.params import Params
from selfsown.speech_bt.whisper.windowed import FULL_WINDOW, MARGIN

MAX_CLIPS = 21
"""In a window."""

MAX_LABELS = 440
"""Tokens of a window's text: Whisper's decoder has 448 positions, four of them for the prompt."""


class LengthParams(Params):
    """A length of window: `seconds`, and the `share` of windows that have it."""

    seconds: float = Field(gt=0, le=30)
    share: float = Field(gt=0)


class PackParams(Params):
    """How clips fill windows.

    `lengths`: of the windows. `single`: share of the windows with one clip. `noise`: share without speech. `gap`: most
    seconds of silence between clips. `temperature`: languages have windows in proportion to their seconds of speech to
    the power of 1 / temperature: at 1 as they are, the higher the more evenly.
    """

    lengths: tuple[LengthParams, ...] = Field(min_length=1)
    single: float = Field(ge=0, le=1)
    noise: float = Field(ge=0, lt=1)
    gap: float = Field(ge=0)
    temperature: float = Field(ge=1)

    @property
    def seconds(self) -> tuple[float, ...]:
        """The lengths alone."""
        return tuple(length.seconds for length in self.lengths)

    def filled_by(self, groups: Sequence[Sequence[Spoken]]) -> PackParams:
        """The same without the lengths that hold no clip of some group, unless that leaves none."""
        durations = [np.asarray([clip.duration for clip in group]) for group in groups]
        kept = tuple(length for length in self.lengths if all(_fits(each, length.seconds).any() for each in durations))
        return self.model_copy(update={"lengths": kept or self.lengths})

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
    """A training clip: encoded audio, its text and language, seconds, and tokens of the text, at most `MAX_LABELS`."""

    audio: bytes
    text: str
    language: str
    duration: float
    tokens: int


@dataclass(frozen=True)
class Window:
    """A planned window: seconds long, with clips of one group and language; without clips it is noise."""

    seconds: float
    group: int
    language: str
    clips: tuple[int, ...]


def plan_windows(
    groups: Sequence[Sequence[Spoken]],
    shares: Sequence[float],
    count: int,
    params: PackParams,
    rng: np.random.Generator,
) -> list[Window]:
    """`count` windows, by seed.

    Each group (real, synthetic) gets its share of the windows. A window holds clips of one language. Those of a group
    and language that fit a length are gone through in a new order each epoch, and each is in a window: one that no
    longer fits, or whose tokens do not, begins the next. A clip longer than the window is passed over.

    Raises:
        UserError: a group without a clip that fits a length.
    """
    queues: dict[tuple[int, float], dict[str, _Queue]] = {}
    for group, clips in enumerate(groups):
        durations = np.asarray([clip.duration for clip in clips])
        for seconds in params.seconds:
            fitting: dict[str, list[int]] = {}
            for index in np.flatnonzero(_fits(durations, seconds)).tolist():
                fitting.setdefault(clips[index].language, []).append(index)
            if not fitting:
                raise UserError(
                    f"params.yaml: speech_bt.train.pack.lengths: no clip of group {group} fits a window of "
                    f"{seconds:g} s: the shortest lasts {durations.min():.1f} s, and {MARGIN} s are left free"
                )
            queues[group, seconds] = {
                language: _Queue(indices, float(durations[indices].sum()), rng)
                for language, indices in sorted(fitting.items())
            }
    windows = []
    for _ in range(count):
        seconds = _choice(params.seconds, [length.share for length in params.lengths], rng)
        group = _choice(range(len(groups)), shares, rng)
        languages = queues[group, seconds]
        weights = [queue.seconds ** (1 / params.temperature) for queue in languages.values()]
        language = _choice(list(languages), weights, rng)
        alone = rng.random() < params.single
        chosen: tuple[int, ...] = ()
        if rng.random() >= params.noise:
            chosen = _fill(groups[group], languages[language], seconds, params.gap, alone)
        windows.append(Window(seconds, group, language, chosen))
    return windows


T = TypeVar("T")


def _choice(of: Sequence[T], weights: Sequence[float], rng: np.random.Generator) -> T:
    return of[rng.choice(len(of), p=np.asarray(weights) / np.sum(weights))]


class _Queue:
    """Clips that together last `seconds`, in a new order each epoch; the next one waits until it is taken."""

    def __init__(self, indices: Sequence[int], seconds: float, rng: np.random.Generator) -> None:
        self.indices, self.seconds, self.rng = indices, seconds, rng
        self.waiting: list[int] = []

    def next(self) -> int:
        """The clip whose turn it is."""
        if not self.waiting:
            self.waiting = self.rng.permutation(self.indices).tolist()
        return self.waiting[-1]

    def take(self) -> int:
        """The same, and it has had its turn."""
        self.next()
        return self.waiting.pop()


def _fill(clips: Sequence[Spoken], queue: _Queue, seconds: float, gap: float, alone: bool) -> tuple[int, ...]:
    """The next clips of the queue until one does not fit."""
    chosen = [queue.take()]
    left = seconds - MARGIN - clips[chosen[0]].duration
    labels = MAX_LABELS - clips[chosen[0]].tokens
    while not alone and len(chosen) < MAX_CLIPS:
        following = clips[queue.next()]
        left -= following.duration + gap
        labels -= following.tokens
        if left < 0 or labels < 0:
            break
        chosen.append(queue.take())
    return tuple(chosen)


def _fits(durations: NDArray[np.float64], seconds: float) -> NDArray[np.bool_]:
    """Which clips a window holds, with silence after them; one of 30 s, the longest there is, without."""
    return durations + (0 if seconds == FULL_WINDOW else MARGIN) <= seconds


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
