"""What is written down of a file: its text, a line with times for each segment, subtitles (SubRip), or JSON."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple


@dataclass(frozen=True)
class Segment:
    """What is said between two times, in seconds; `cut`: the decoder was stopped in a loop or at its cap."""

    start: float
    end: float
    text: str
    cut: bool


class Said(NamedTuple):
    """All that is said in a file, and in which language."""

    file: str
    language: str
    segments: Sequence[Segment]

    @property
    def text(self) -> str:
        """Without times."""
        return " ".join(segment.text for segment in self.segments if segment.text)


def times(said: Said) -> str:
    """A line for each segment in which something is said.

    >>> times(Said("talk.wav", "cs", [Segment(0.4, 2.1, "Ano.", False), Segment(3661.5, 3663, "Ne.", False)]))
    '[00:00:00.40 - 00:00:02.10] Ano.\\n[01:01:01.50 - 01:01:03.00] Ne.'
    """
    return "\n".join(map(timed, filter(_speaks, said.segments)))


def timed(segment: Segment) -> str:
    """The line of one segment."""
    return f"[{_clock(segment.start, 2)} - {_clock(segment.end, 2)}] {_line(segment)}"


def srt(said: Said) -> str:
    """SubRip: numbered subtitles.

    >>> print(srt(Said("talk.wav", "cs", [Segment(0.4, 2.1, "Ano.", False), Segment(3, 4, "", False)])))
    1
    00:00:00,400 --> 00:00:02,100
    Ano.
    """
    blocks = [
        f"{number}\n{_clock(segment.start, 3, ',')} --> {_clock(segment.end, 3, ',')}\n{_line(segment)}"
        for number, segment in enumerate(filter(_speaks, said.segments), 1)
    ]
    return "\n\n".join(blocks)


def as_json(said: Said) -> str:
    """One object on one line, with the times of each segment."""
    named = {"file": said.file, "language": said.language, "text": said.text}
    return json.dumps(named | {"segments": list(map(asdict, said.segments))}, ensure_ascii=False)


FORMS: dict[str, tuple[str, Callable[[Said], str]]] = {
    "text": (".txt", lambda said: said.text),
    "times": (".txt", times),
    "srt": (".srt", srt),
    "json": (".json", as_json),
}
"""By the name of the option: what a file of it ends with, and what it holds."""


def _speaks(segment: Segment) -> bool:
    return bool(segment.text)


def _line(segment: Segment) -> str:
    """Its text on one line: an empty one would end a subtitle."""
    return " ".join(segment.text.split())


def _clock(seconds: float, digits: int, point: str = ".") -> str:
    """Hours, minutes and seconds.

    >>> _clock(3661.5, 3, ","), _clock(59.999, 2)
    ('01:01:01,500', '00:01:00.00')
    """
    unit: int = 10**digits
    whole, part = divmod(round(seconds * unit), unit)
    minutes, second = divmod(whole, 60)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{second:02d}{point}{part:0{digits}d}"
