"""Normalisers that reports name beside a WER: what counts as a word, for the scorer and for whoever filters by it."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Literal, get_args

from selfsown.errors import UserError


def _clean_keeping_marks(text: str) -> str:
    """Whisper's `remove_symbols`, except that combining marks stay: without them Brahmic words fall apart."""
    return "".join(" " if unicodedata.category(c)[0] in "SP" else c for c in unicodedata.normalize("NFKC", text))


Normalizer = Literal["whisper_basic", "none"]
"""Names of the normalisers."""


@cache
def normalizer(name: str) -> Callable[[str], str]:
    """The normaliser that reports name beside a WER.

    `whisper_basic` is Whisper's own for languages other than English (lower case, no punctuation, nothing in brackets),
    with one repair: combining marks stay. `none` leaves the text as it is.

    Raises:
        UserError: no such normaliser.
    """
    if name == "none":
        return lambda text: text
    if name not in get_args(Normalizer):
        raise UserError(f"normalizer {name!r} is not allowed: expected {' or '.join(get_args(Normalizer))}")
    from transformers.models.whisper.english_normalizer import BasicTextNormalizer  # heavy, so not at import

    basic = BasicTextNormalizer()
    basic.clean = _clean_keeping_marks
    return lambda text: unicodedata.normalize("NFC", basic(text).strip())
