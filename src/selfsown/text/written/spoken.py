"""What no voice should read: asked of recordings' texts, of sentences, by the gate, and before any engine speaks."""

from __future__ import annotations

import unicodedata

from selfsown.examples import examples
from selfsown.text.written.numbers import digits
from selfsown.text.written.sentences import markup


@examples(
    ("Dobrý den!", "", None),
    ("Dobrý den 😀.", "", "symbol: '😀' in 'Dobrý den 😀.'"),
    ("Stálo to pět €.", "", "symbol: '€' in 'Stálo to pět €.'"),
    ("Jdi na example.org hned.", "", "markup or code: 'e.org' in 'Jdi na example.org hned.'"),
    ("Je 8 hodin.", "", "digits: '8' in 'Je 8 hodin.'"),
    ("你好，世界！「今天」", "", None),
    ("l·lusió ¿qué?", "", None),
    ("Dobrý den † pane.", "", "symbol: '†' in 'Dobrý den † pane.'"),
    ("田中＠会社", "", "symbol: '＠' in '田中＠会社'"),
)
def unspoken(text: str, language: str = "") -> str | None:
    """Why the text does not say how it is spoken (markup, code, addresses, figures, symbols), or None.

    Of a `language`, the reason says why its figures cannot be spelled.
    """
    return markup(text) or digits(text, language) or _symbols(text)


_PUNCTUATION = frozenset(
    ".,;:!?\"'-…‥·¿¡"
    "„“”‟«»〝〞〟‚‘’‛‹›‐‑‒–—―−"
    "।॥॰"  # Devanagari
    "។៕៖"  # Khmer
    "၊။၌၍၎၏"  # Burmese, whose last four are words
    "。、，．！？：；・「」『』《》〈〉【】〔〕（）〜｡､･｢｣"
)
"""Marks that make pauses and tones, or part what is said; others stand for words or show something."""


def _symbols(text: str) -> str | None:
    found = next((character for character in text if _is_symbol(character)), None)
    return f"symbol: {found!r} in {text[:40]!r}" if found else None


def _is_symbol(character: str) -> bool:
    """Symbols of all kinds, what has no meaning of its own, and what makes an emoji of the sign before it."""
    category = unicodedata.category(character)
    if category[0] == "P":
        return character not in _PUNCTUATION
    return category[0] == "S" or category in ("Cn", "Co", "Cs", "Me") or character == "\ufe0f"
