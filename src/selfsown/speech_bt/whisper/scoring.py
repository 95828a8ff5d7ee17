"""Errors of one transcript, after the normaliser that the parameters name: in words, or characters where no spaces
part words, and in characters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jiwer
import pyarrow as pa

from selfsown.text.scoring import in_units
from selfsown.text.written.alphabets import spaced

BASELINE_WINDOW = 30.0
"""Seconds: the window that Whisper was made for."""
NO_SPEECH = "no_speech"
"""The split of clips without speech."""
UNTOUCHED = "untouched"
"""The arm that is the pre-trained model as it is."""
INTERPOLATED = "interpolated"
"""The arm whose weights are between the untouched and a trained model's, as the dev set says."""
ALPHA = "alpha_"
"""How the names of arms with other weights between the two begin."""

SCORE_FIELDS: list[tuple[str, pa.DataType]] = [
    ("reference", pa.string()),
    ("hypothesis", pa.string()),
    ("words", pa.int32()),
    ("errors", pa.int32()),
    ("substitutions", pa.int32()),
    ("deletions", pa.int32()),
    ("insertions", pa.int32()),
    ("chars", pa.int32()),
    ("char_errors", pa.int32()),
    ("repeated", pa.bool_()),
]  # fmt: skip
"""Columns of every product that holds scored transcripts; counts are of normalised text.

`words`, and the errors and their kinds: of words; in a language without spaces between them of characters, which are
then all that is counted.
"""


def arm_of_alpha(alpha: float) -> str:
    """The arm with `alpha` of the trained weights, the rest of the untouched.

    >>> arm_of_alpha(0.3), arm_of_alpha(1.0)
    ('alpha_0.3', 'alpha_1')
    """
    return f"{ALPHA}{alpha:g}"


def score(reference: str, hypothesis: str, normalize: Callable[[str], str], language: str) -> dict[str, Any]:
    """Minimum edits from reference to hypothesis, as a row of `SCORE_FIELDS` (the texts as they were).

    An empty reference has no words: every word of the hypothesis is an insertion.
    """
    expected, found = (in_units(normalize(text), language) for text in (reference, hypothesis))
    words = jiwer.process_words(expected, found)
    chars = words if not spaced(language) else jiwer.process_characters(expected, found)
    return {
        "reference": reference,
        "hypothesis": hypothesis,
        "words": words.hits + words.substitutions + words.deletions,
        "errors": words.substitutions + words.deletions + words.insertions,
        "substitutions": words.substitutions,
        "deletions": words.deletions,
        "insertions": words.insertions,
        "chars": chars.hits + chars.substitutions + chars.deletions,
        "char_errors": chars.substitutions + chars.deletions + chars.insertions,
        "repeated": repeats(found.split()) and not repeats(expected.split()),
    }


def repeats(words: list[str], longest: int = 4, times: int = 3) -> bool:
    """Whether some n-gram of up to `longest` words stands `times` times in a row: the mark of a decoder's loop.

    >>> repeats("ano ano ano".split()), repeats("co je co je co je".split()), repeats("ano ano".split())
    (True, True, False)
    """
    return any(
        all(words[start + i] == words[start + i + n] for i in range(n * (times - 1)))
        for n in range(1, longest + 1)
        for start in range(len(words) - n * times + 1)
    )
