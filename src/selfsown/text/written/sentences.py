"""Where a sentence ends, and what is no sentence that anybody would read aloud."""

from __future__ import annotations

import re
from functools import cache
from itertools import pairwise
from typing import Any

from selfsown.examples import examples

_INNER_STOP = re.compile(r"[.!?;:。！？।]\W*\s|[。！？।]|\n")
"""Without one of these a paragraph is one sentence; asking saves most of the segmenter's time."""


@cache
def _segmenter(language: str) -> Any:
    import pysbd

    # Slovak stands in for Czech, which pysbd lacks: punctuation and nearly all abbreviations are shared.
    code = {"cs": "sk"}.get(language, language)
    return pysbd.Segmenter(language=code if code in pysbd.languages.LANGUAGE_CODES else "en", clean=False)


@examples(
    ("Jsem tady. Kde jsi ty?", "cs", ["Jsem tady.", "Kde jsi ty?"]),
    ("Bydlí tu p. Novák, tj. on.", "cs", ["Bydlí tu p. Novák, tj. on."]),
    ("Ik ben hier. Jij ook?", "nl", ["Ik ben hier.", "Jij ook?"]),
)
def segment(text: str, language: str) -> list[str]:
    """The sentences of a paragraph."""
    if not _INNER_STOP.search(text):
        return [text] if text else []
    return [part for part in (sentence.strip() for sentence in _segmenter(language).segment(text)) if part]


_FINISHED = re.compile(r"""(?P<start>["'-]*\s*)(?P<first>\w).*[.!?]["']?$""", re.DOTALL)


@examples(
    ("Kočka spí.", None),
    ('"Spí?" zeptal se.', None),
    ("Nastavení stránky", "unfinished: 'Nastavení stránky'"),
    ("a pak odešel.", "unfinished: 'a pak odešel.'"),
)
def unfinished(text: str) -> str | None:
    """Why the text is no whole sentence (no capital first, no full stop last), or None."""
    found = _FINISHED.fullmatch(text)
    return None if found and not found["first"].islower() else f"unfinished: {text[:40]!r}"


_MARKUP = re.compile(r"[<>{}\[\]()|\\_=@#$%^*~/&§+©®™°•]|\b(?:https?|www)\b|[^\W\d_]\.[^\W\d_]{2,}|\s--?\w")


@examples(
    ("Stiskni <b>Enter</b>.", "markup or code: '<' in 'Stiskni <b>Enter</b>.'"),
    ("Použij volbu --help hned.", "markup or code: ' --h' in 'Použij volbu --help hned.'"),
    ("Viz readme.txt.", "markup or code: 'e.txt' in 'Viz readme.txt.'"),
    ("A%1.", "markup or code: '%' in 'A%1.'"),
    ("Volá getName hned.", "markup or code: 'tN' in 'Volá getName hned.'"),
    ('"Ano," řekl žlutý kůň - a šel.', None),
)
def markup(text: str) -> str | None:
    """Why the text is markup, code or a placeholder that nobody reads aloud, or None."""
    found = _MARKUP.search(text)
    humps = (a + b for a, b in pairwise(text) if a.islower() and b.isupper())
    part = found.group() if found else next(humps, None)
    return f"markup or code: {part!r} in {text[:40]!r}" if part else None
