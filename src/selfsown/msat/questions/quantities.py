"""The quantities that a person reads in a question: `1/2 cup`, `1,000 hens`, `20%`, `10k`, but not `2nd` or `v2.0`.

A text is read from left to right. What could be read in two ways, or is a number of another kind (a time of day, a
date, a code), is refused with the place where it stands.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from fractions import Fraction

from selfsown.arithmetic import Refused, parse_decimal

_GAP = "\u00a0\u2009\u202f"
_WHOLE = (
    r"(?!0[0-9])(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]{1,3}(?:['’][0-9]{3})+"
    rf"|[0-9]{{1,3}}(?:[{_GAP}][0-9]{{3}})+|[1-9][0-9]{{0,2}} 0[0-9]{{2}}(?: [0-9]{{3}})*|[0-9]+)"
)
_VULGAR = "¼½¾⅐-⅞"
_SLASH = "[/\u2044]"
_ENDS = rf"(?!\w*[0-9])(?![.,/:^'’\u2044{_GAP}][0-9])(?![{_VULGAR}])(?! [0-9]+{_SLASH}[0-9])(?!\*\*)(?! ?\^)(?! [kK]\b)"
_SIGNS = "²³¹¼-¾\u2070-\u209c\u2150-\u218b\u2460-\u24ff\u2776-\u2793\u3007\u3021-\u3029"
"""Signs of numbers that `\\w` takes for letters."""
_SCALES = {"thousand": 10**3, "million": 10**6, "billion": 10**9}
_SCALE = rf"[ -](?:{'|'.join(_SCALES)})\b"
_WORDS = (
    rf"(?![{_SIGNS}])[^\W\d_]\w*(?:[-'’]\w+|(?<=[0-9])\.[0-9]+)*",  # B12, COVID-19, v2.0
    rf"[0-9]+(?:[,'’ {_GAP}][0-9]{{3}})*(?:st|nd|rd|th)\b",  # 2nd, 1,000th
    r"(?:1[0-9]|20)[0-9]0['’]?s\b",  # 1990s
    r"(?:(?<=\b(?:[Tt]he|his|her|our) )|(?<=['’]))[1-9]0['’]?s\b",  # the 90s
    r"24/7\b",
)
_UNCLEAR = (
    r"(?:(?<=[$£€¥])|(?<=[$£€¥] ))[0-9][0-9.,]*[mMbB]\b",  # £3m: millions or metres
    rf"[0-9]+-[0-9]+{_SLASH}[0-9]+",  # 2-1/2: two and a half, or a half less than two
    rf"(?:[0-9]+ ?)?[{_VULGAR}](?:[kK]\b|{_SCALE})",
    rf"(?:[0-9]+ )?[0-9]+{_SLASH}[0-9]+(?:[kK]\b|{_SCALE})",
    r"[0-9]{1,2}\.[0-5][0-9](?= ?[ap]\.?m\b)",  # 3.30 pm
)
_TOKEN = re.compile(
    rf"(?P<word>{'|'.join(_WORDS)})"
    rf"|(?P<unclear>{'|'.join(_UNCLEAR)})"
    r"|(?P<several>[0-9]{1,3}(?: [1-9][0-9]{2})+(?![0-9.,/]))"  # one number or several
    rf"|(?P<mixed>(?:(?P<units>[0-9]+) ?)?(?P<sign>[{_VULGAR}]))"
    rf"|(?P<fraction>(?:(?P<before>(?!0[0-9])[0-9]+) )?(?P<over>[0-9]+){_SLASH}(?P<under>[0-9]+)(?![\w/]|[.,:][0-9]))"
    r"|(?P<ratio>(?P<first>[0-9]+):(?P<second>[0-9]+)(?![\w:]|[.,/][0-9]))"
    rf"|(?P<number>(?P<digits>(?:{_WHOLE})(?:\.[0-9]+)?)(?:(?P<thousand>[kK]\b)|(?P<scale>{_SCALE}))?{_ENDS}"
    rf"|(?<!\w)\.[0-9]+{_ENDS})(?!(?:M|B|mn|bn)\b)"
)
_BELOW_ZERO = re.compile(rf"(?<![\w)])[-−][($£€¥]?(?:\.?[0-9][0-9.,]*|[{_VULGAR}])")
_RATIO = re.compile(r"\b(?:ratios?|proportions?)\b", re.IGNORECASE)
_TIME = re.compile(r"(?:[01]?[0-9]|2[0-4]):[0-5][0-9]")
_AT = re.compile(r"\b(?:at|from|to|until|till|by|before|after|since) $", re.IGNORECASE)
_HOW = "write it as 1000 or 1,000 or 12.5 or 1/2"


@dataclass(frozen=True)
class Quantity:
    """A number in a text: where it stands, and its exact value."""

    start: int
    end: int
    value: Fraction


def read_quantities(text: str) -> list[Quantity]:
    """The quantities of a text, in their order.

    Raises:
        Refused: a number below zero, or one that cannot be read for certain.

    >>> [str(found.value) for found in read_quantities("1 1/2 cups for the 2nd of 1,000 hens, 20% off 10k")]
    ['3/2', '1000', '20', '10000']
    """
    if negative := _BELOW_ZERO.search(text):
        raise Refused(f"{negative[0]!r}: numbers below zero are not read; say it in words")
    found: list[Quantity] = []
    place = 0
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None:
            if unicodedata.category(text[place]).startswith("N"):
                raise Refused(f"{_shown(text, place)} is not read as a number; {_HOW}")
            place += 1
            continue
        found += _read(token, text)
        place = token.end()
    return found


def _read(token: re.Match[str], text: str) -> list[Quantity]:
    """What a token says; a word says no quantity, a ratio two."""
    start, end = token.span()
    if token["word"]:
        return []
    if token["unclear"]:
        raise Refused(f"{_shown(text, start)} is not read as a number; {_HOW}, and millions in full")
    if token["several"]:
        raise Refused(f"{token[0]!r} is one number or several; write 12,500, or words between them")
    if token["ratio"]:
        if _TIME.fullmatch(token[0]) and (_AT.search(text, 0, start) or not _RATIO.search(text)):
            raise Refused(f"{_shown(text, start)} is a time of day; write a number of hours or minutes")
        return [Quantity(*token.span(side), parse_decimal(token[side])) for side in ("first", "second")]
    if token["fraction"]:
        whole, under = parse_decimal(token["before"] or "0"), parse_decimal(token["under"])
        part = parse_decimal(token["over"])
        if not under or (whole and part >= under):
            raise Refused(f"{token[0]!r} is not read as a number; {_HOW}")
        return [Quantity(start, end, whole + part / under)]
    if token["mixed"]:
        over, _, under_sign = unicodedata.normalize("NFKC", token["sign"]).partition("\u2044")
        return [Quantity(start, end, parse_decimal(token["units"] or "0") + Fraction(int(over), int(under_sign)))]
    digits = re.sub(rf"[,'’ {_GAP}]", "", token["digits"] or token["number"])
    scale = 1000 if token["thousand"] else _SCALES[token["scale"][1:]] if token["scale"] else 1
    return [Quantity(start, end, parse_decimal(digits) * scale)]


def _shown(text: str, place: int) -> str:
    """The word around a place, without the punctuation and brackets about it."""
    start, end = text.rfind(" ", 0, place) + 1, text.find(" ", place)
    return repr(text[start : len(text) if end < 0 else end].strip(".,;:!?()\"'")[:40])
