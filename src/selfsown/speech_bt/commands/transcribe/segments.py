"""Long audio in segments that fit a window, cut where nobody speaks.

A frame of 20 ms is silent when its level is in the lowest quarter, in dB, between the file's quiet level (the 5th
percentile, at least `RANGE` below the loudest) and its loudest frame, or below -60 dBFS. Silence of at least `PAUSE`
ends a segment. One that is still too long is cut at its longest silence, and where it has none, at its quietest tenth
of a second.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from selfsown.audio import SAMPLE_RATE, Samples

FRAME = SAMPLE_RATE // 50  # samples of the frames that levels are measured in
FLOOR_DBFS = -60.0  # what is quieter is silence in any file: 16 bits hold little but hiss there
RANGE = 20.0  # dB: a steady sound whose level varies by less than three quarters of it has no silence
PAUSE = 35  # frames of silence that end a segment; cut more often, more words are lost
SHORT_PAUSE = 6  # frames of silence that a segment which is too long is cut in; shorter ones are inside words
KEPT = 10  # frames of silence kept on either side: soft consonants are below the threshold


def cut(samples: Samples, longest: float) -> list[tuple[int, int]]:
    """Start and end of each segment in samples, in order; together they hold all that is not silent.

    Args:
        samples: at 16 kHz.
        longest: seconds that a segment may last.
    """
    levels = _levels(samples)
    limit = int(longest * SAMPLE_RATE) // FRAME - 2 * KEPT
    pieces = [piece for stretch in _stretches(levels, limit) for piece in _quietly(levels, *stretch, limit)]
    segments = []
    for number, (start, end) in enumerate(pieces):
        before = start - pieces[number - 1][1] if number else 2 * start
        after = pieces[number + 1][0] - end if number + 1 < len(pieces) else 2 * (len(levels) - end)
        start, end = start - min(KEPT, before // 2), end + min(KEPT, after // 2)
        segments.append((start * FRAME, min(end * FRAME, samples.size)))
    return segments


def _levels(samples: Samples) -> NDArray[np.float64]:
    """DBFS of each frame; the last may be shorter."""
    whole = samples[: samples.size // FRAME * FRAME].reshape(-1, FRAME)
    power = np.einsum("ij,ij->i", whole, whole) / FRAME
    if rest := samples[whole.size :].size:
        power = np.append(power, np.square(samples[-rest:]).mean())
    return np.maximum(10 * np.log10(np.maximum(power, 1e-12)), FLOOR_DBFS - 10)


def _stretches(levels: NDArray[np.float64], limit: int) -> list[tuple[int, int]]:
    """Frames from and to which there is sound, cut at silences so long or so often that, where possible, all fit."""
    if not levels.size:
        return []
    loud = float(levels.max())
    quiet = min(float(np.percentile(levels, 5)), loud - RANGE)
    silent = levels <= max(quiet + (loud - quiet) / 4, FLOOR_DBFS)
    edges = np.flatnonzero(np.diff(silent, prepend=True, append=True))
    starts, ends = edges[::2], edges[1::2]
    apart = starts[1:] - ends[:-1] >= SHORT_PAUSE
    starts, ends = starts[np.append(True, apart)[: starts.size]], ends[np.append(apart, True)[: ends.size]]
    gaps = starts[1:] - ends[:-1]
    ahead, found = [(0, starts.size)] if starts.size else [], []
    while ahead:
        first, last = ahead.pop()
        inner = gaps[first : last - 1]
        if inner.size and (inner.max() >= PAUSE or ends[last - 1] - starts[first] > limit):
            middle = first + 1 + int(inner.argmax())
            ahead += [(middle, last), (first, middle)]
        else:
            found.append((int(starts[first]), int(ends[last - 1])))
    return found


def _quietly(levels: NDArray[np.float64], start: int, end: int, limit: int) -> list[tuple[int, int]]:
    """A stretch without silence, cut at its quietest places where it is too long; no piece is a mere sliver."""
    around = np.convolve(10 ** (levels[start:end] / 10), np.ones(5), mode="same")
    pieces, origin = [], start
    while end - start > limit:
        low, high = start + limit // 2, min(start + limit, end - limit // 4)
        middle = low + int(around[low - origin : high - origin].argmin())
        pieces.append((start, middle))
        start = middle
    return [*pieces, (start, end)]
