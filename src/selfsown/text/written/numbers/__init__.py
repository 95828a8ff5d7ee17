"""Numbers in running text: which are left as figures, and how those with one reading are spelled."""

from __future__ import annotations

import unicodedata

from selfsown.examples import examples
from selfsown.text.written.numbers.grammar import Unsafe, read


@examples(
    ("Mám 3 psy.", "cs", "Mám tři psy."),
    ("Stálo to 25 000 korun.", "cs", "Stálo to dvacet pět tisíc korun."),
    ("Hij is 12 jaar.", "nl", "Hij is twaalf jaar."),
    ("Bylo jich 5. Šli.", "cs", "Bylo jich pět. Šli."),
    ("Dne 3. října", "cs", "Dne 3. října"),
    ("Am 3. Oktober waren 5 da.", "de", "Am 3. Oktober waren 5 da."),
    ("od 10:30", "cs", "od 10:30"),
    ("有 3 只", "zh", "有 3 只"),
)
def spell_digits(text: str, language: str) -> str:
    """The text with its numbers in words, or as it is, if one of them has not one safe reading: `digits` says why.

    Spelled are whole numbers below a million with or without marks of thousands, decimals of one digit, ordinals,
    percent and units as far as the language's entry in `languages` and `units` goes.
    """
    try:
        return read(text, language)
    except Unsafe:
        return text


@examples(
    ("Je 8 hodin.", "digits: '8' in 'Je 8 hodin.'"),
    ("Je osm hodin.", None),
    ("½ litru", "digits: '½' in '½ litru'"),
    ("二〇二四年", None),
    ("Od 10:30 do tří.", "cs", "digits: '10:30' is part of something else, in 'Od 10:30 do tří.'"),
    ("Am 3. Oktober.", "de", "digits: '3' may be a date, in 'Am 3. Oktober.'"),
    ("Είναι 5.", "el", "digits: '5': no reading of numbers in el, in 'Είναι 5.'"),
)
def digits(text: str, language: str = "") -> str | None:
    """Why the text does not say how it is spoken, or None; of a `language`, why its figures cannot be spelled."""
    found = next((i for i, character in enumerate(text) if _figure(character)), None)
    if found is None:
        return None
    if language:
        try:
            read(text, language)
        except Unsafe as unsafe:
            return f"digits: {unsafe}, in {text[:40]!r}"
    end = found + 1
    while end < len(text) and _figure(text[end]):
        end += 1
    return f"digits: {text[found:end]!r} in {text[:40]!r}"


def _figure(character: str) -> bool:
    """Whether it is a digit, a fraction or a number in a circle; the Chinese zero is a letter of its language."""
    return unicodedata.category(character)[0] == "N" and character != "〇"
