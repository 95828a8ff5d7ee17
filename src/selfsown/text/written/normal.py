"""The form that texts have in products, and the form in which two texts are the same."""

from __future__ import annotations

import re
import unicodedata

from selfsown.examples import examples

_TYPOGRAPHY = str.maketrans(
    {**dict.fromkeys("„“”‟«»〝〞", '"'), **dict.fromkeys("‚‘’‛‹›´`", "'"), **dict.fromkeys("‐‑‒–—―−", "-"), "…": "..."}
)
_LOOSE_STOP = re.compile(r"\s+(?=(?:[,;!?]|\.(?!\.))(?:\s|$))")
_JOINERS = "\u200c\u200d"
"""Zero-width characters that Brahmic and Arabic spelling needs."""


@examples(
    ("  „Kam  jdeš…“ \n", '"Kam jdeš..."'),
    ("cafe\u0301 \u00adano", "café ano"),
    ("Prima hotel ! Nou ... ja .", "Prima hotel! Nou ... ja."),
    ("किताब", "किताब"),
)
def normalize_text(text: str) -> str:
    """The form texts have in products: NFC, plain quotes, dashes and dots, single spaces; case and punctuation stay."""
    plain = unicodedata.normalize("NFC", text).translate(_TYPOGRAPHY)
    visible = (c for c in plain if c in _JOINERS or c.isspace() or unicodedata.category(c) not in ("Cc", "Cf"))
    joined = unicodedata.normalize("NFC", "".join(visible)).translate(_TYPOGRAPHY)
    return _LOOSE_STOP.sub("", " ".join(joined.split()))


_SAME_LETTERS = str.maketrans("şţŞŢ", "șțȘȚ")
"""Romanian with the cedillas of older encodings."""


@examples(("Ştiinţă", "Știință"))
def same_letters(text: str) -> str:
    """The text with letters that have two codes written with one of them."""
    return text.translate(_SAME_LETTERS)


@examples(
    ("Ahoj, SVĚTE - „jak“ je?", "ahoj světe jak je"),
    ("Straße", "strasse"),
    ("किताब।", "किताब"),
    ("Ţară", "țară"),
    ("... !", ""),
)
def normalize_for_comparison(text: str) -> str:
    """Casefolded words without punctuation: two texts with the same form are the same text."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", normalize_text(text)).casefold())
    kept = (c if c.isalnum() or is_mark(c) else "" if c in _JOINERS else " " for c in folded)
    return same_letters(unicodedata.normalize("NFKC", " ".join("".join(kept).split())))


def is_mark(character: str) -> bool:
    """Whether it is part of the letter before it: a vowel sign or an accent, which `\\w` of `re` leaves out."""
    return unicodedata.category(character)[0] == "M"
