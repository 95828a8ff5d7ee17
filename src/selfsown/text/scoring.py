"""What an error rate is counted in, and after which normaliser: words, or characters where no spaces part words."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from typing import Literal, get_args

from selfsown.errors import UserError
from selfsown.examples import examples
from selfsown.text.written.alphabets import spaced
from selfsown.text.written.normal import same_letters

ErrorRate = Literal["wer", "cer", "mer"]
"""Word error rate, character error rate, and of languages of both kinds the mixed error rate."""


@examples((("cs", "en"), "wer"), (("zh",), "cer"), (("ja", "cs"), "mer"))
def error_rate(languages: Iterable[str]) -> ErrorRate:
    """The rate that says how well these languages are understood: no other may stand for it."""
    kinds = {spaced(language) for language in languages}
    return "mer" if len(kinds) == 2 else "wer" if kinds != {False} else "cer"


@examples(("kde jsme", "cs", "kde jsme"), ("你好 世界", "zh", "你 好 世 界"))
def in_units(text: str, language: str) -> str:
    """A normalised text with a space between what is counted: words, or characters where no spaces part words.

    So Whisper's authors do (Radford et al. 2022, appendix C): there a word would be a sentence, and one wrong
    character would make all of it wrong.
    """
    return text if spaced(language) else " ".join("".join(text.split()))


def _clean_keeping_marks(text: str) -> str:
    """Whisper's `remove_symbols`, except that combining marks stay: without them Brahmic words fall apart.

    What is invisible goes, as it does in `normalize_for_comparison`: joiners, spaces of no width, soft hyphens.
    """
    visible = (c for c in unicodedata.normalize("NFKC", text) if unicodedata.category(c) != "Cf")
    return "".join(" " if unicodedata.category(c)[0] in "SP" else c for c in visible)


Normalizer = Literal["whisper_basic", "none"]
"""Names of the normalisers."""


@cache
def normalizer(name: str) -> Callable[[str], str]:
    """The normaliser that reports name beside a WER.

    `whisper_basic` is Whisper's own for languages other than English (lower case, no punctuation, nothing in brackets),
    with two repairs: combining marks stay, and invisible characters go. `none` leaves the text as it is. Both write
    letters that are the same in one way.

    Raises:
        UserError: no such normaliser.
    """
    if name == "none":
        return same_letters
    if name not in get_args(Normalizer):
        raise UserError(f"normalizer {name!r} is not allowed: expected {' or '.join(get_args(Normalizer))}")
    from transformers.models.whisper.english_normalizer import BasicTextNormalizer  # heavy, so not at import

    basic = BasicTextNormalizer()
    basic.clean = _clean_keeping_marks
    return lambda text: same_letters(unicodedata.normalize("NFC", basic(text).strip()))
