"""Files that a program wrote, or that hold data, told by their lines as for StarCoder (Li et al. 2023, section 3)."""

from __future__ import annotations

from selfsown.params import Params


class Lines(Params):
    """What source code looks like; StarCoder's values are 100, 1,000 and 0.25."""

    mean: float
    longest: int
    letters: float


def generated(text: str, allowed: Lines) -> str:
    """Why the file is hardly written by hand, or an empty text."""
    lengths = [len(line) for line in text.splitlines()] or [0]
    mean, longest = sum(lengths) / len(lengths), max(lengths)
    letters = sum(map(str.isalnum, text)) / max(1, len(text))
    if longest > allowed.longest:
        return f"generated: a line of {longest} characters, at most {allowed.longest}"
    if mean > allowed.mean:
        return f"generated: lines of {mean:.0f} characters on average, at most {allowed.mean:g}"
    if letters < allowed.letters:
        return f"generated: {letters:.2f} of it letters and digits, at least {allowed.letters:g}"
    return ""
