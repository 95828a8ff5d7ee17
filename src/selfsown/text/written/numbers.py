"""Numbers in running text: which are left as digits, and how whole ones are spelled."""

from __future__ import annotations

import re

from selfsown.examples import examples


@examples(("Je 8 hodin.", "digits: '8' in 'Je 8 hodin.'"), ("Je osm hodin.", None))
def digits(text: str) -> str | None:
    """Why the text does not say how it is spoken, or None."""
    found = re.search(r"\d+", text)
    return f"digits: {found.group()!r} in {text[:40]!r}" if found else None


_INTEGER = re.compile(r"(?<![\w.,:-])(?P<number>\d{1,4})(?![\w%°-]|[.,:]\d)(?P<ordinal>\.\s+(?P<next>\w))?")


@examples(
    ("Mám 3 psy.", "cs", "Mám tři psy."),
    ("Hij is 12 jaar.", "nl", "Hij is twaalf jaar."),
    ("Dne 3. října", "cs", "Dne 3. října"),
    ("Bylo jich 5. Šli.", "cs", "Bylo jich pět. Šli."),
    ("od 10:30", "cs", "od 10:30"),
    ("有 3 只", "zh", "有 3 只"),
)
def spell_digits(text: str, language: str) -> str:
    """Whole numbers below 10,000 in words; the rest stays, so that `digits` drops it.

    That is ordinals, times, decimals, and all numbers of a language that num2words lacks.
    """
    from num2words import num2words

    def spell(match: re.Match[str]) -> str:
        if match["next"] and not match["next"].isupper():
            return match.group()  # "3. října": a full stop amid a sentence makes it an ordinal
        try:
            return str(num2words(int(match["number"]), lang=language)) + (match["ordinal"] or "")
        except NotImplementedError:  # a language num2words lacks
            return match.group()

    return _INTEGER.sub(spell, text)
