"""Finding numbers in a text, and reading them where there is but one reading."""

from __future__ import annotations

import re
from typing import NamedTuple

from selfsown.text.written.alphabets import letters_of, spaced
from selfsown.text.written.numbers.languages import READINGS, Reading
from selfsown.text.written.numbers.units import ABBREVIATED, CURRENCIES, UNITS, WORDS

LARGEST = 999_999
"""A million and more have a form of their own for what is counted ("un million d'euros"), or are spelled wrongly."""

LAST_DAY = 31
"""A stop behind no more than this may be that of a date which a segmenter has cut."""


class Unsafe(ValueError):
    """A number that may be read in more than one way; the message names it."""


class Number(NamedTuple):
    """A number in figures: its value, its decimal, if any, and whether it has marks of thousands."""

    whole: int
    decimal: str
    grouped: bool


_SPACES = " \u00a0\u2009\u202f"
_CHAIN = re.compile(rf"\d+(?:[{_SPACES}.,'’]\d+)*")
_OPENS = re.compile(r"(?:^\W*|[!?]\s[\"'¿¡\s-]*)$")
"""What ends before a number that begins a sentence. Behind a stop it may, or may follow an abbreviation."""

_JOINED = re.compile(r"\s*[-–−:/x×+=*^]\s*")
"""What makes one expression of two numbers: a range, a time, a ratio, a product."""


def read(text: str, language: str) -> str:
    """The text with every number in words.

    Raises:
        Unsafe: one of them has not one safe reading.
    """
    parts, end = [], 0
    for match in _CHAIN.finditer(text):
        before, after = text[: match.start()], text[match.end() :]
        words, length = _spoken(match.group(), before, after, language)
        parts += [text[end : match.start()], words[:1].upper() + words[1:] if _OPENS.search(before) else words]
        end = match.end() + length
    return "".join([*parts, text[end:]])


def _spoken(chain: str, before: str, after: str, language: str) -> tuple[str, int]:
    """The words of a number, and how many characters behind it they are the words of too."""
    reading = READINGS.get(language)
    if reading is None:
        raise Unsafe(f"{chain!r}: no reading of numbers in {language}")
    number = _parse(chain, reading)
    _check_joined(chain, before, after)
    ordinal = re.match(rf"(?:{reading.ordinals})(?!\w)", after) if reading.ordinals else None
    unit = ABBREVIATED.match(after)
    if unit and unit["unit"] in WORDS.get(language, ()):
        unit = None
    _check_neighbours(chain, before, after, unit, reading)
    if ordinal:
        words, length = _ordinal(number, chain + ordinal.group(), language), ordinal.end()
    else:
        words, length = _cardinal(number, reading, language), 0
        if re.search(reading.agrees or "(?!)", words):
            raise Unsafe(f"{chain!r} takes the gender of what is counted")
        if unit:
            words, length = _counted(words, number, chain + unit.group(), unit, language), unit.end()
        else:
            _check_stop(chain, before, after, reading)
    _check_touching(chain + after[:length], before, after[length:], language)
    return words, length


def _parse(chain: str, reading: Reading) -> Number:
    marks = (_SPACES if reading.spaces else "") + re.escape(reading.thousands)
    found = re.fullmatch(
        rf"(?P<whole>\d+|\d{{1,3}}(?P<mark>[{marks}])\d{{3}}(?:(?P=mark)\d{{3}})*)"
        rf"(?:{re.escape(reading.decimal)}(?P<decimal>\d))?",
        chain.replace("’", "'"),
    )
    if not found:
        raise Unsafe(f"{chain!r} is not one number, or in none of the language's ways to write one")
    figures = re.sub(r"\D", "", found["whole"])
    if len(figures) > 1 and figures[0] == "0":
        raise Unsafe(f"{chain!r} begins with 0")
    if int(figures) > LARGEST:
        raise Unsafe(f"{chain!r} is a million or more")
    if found["decimal"] and not reading.point:
        raise Unsafe(f"{chain!r} has a decimal, whose words depend on the number")
    first, last = reading.years or (0, -1)
    if found["whole"] == chain and not found["mark"] and first <= int(figures) <= last:
        raise Unsafe(f"{chain!r} may be a year")
    return Number(int(figures), found["decimal"] or "", bool(found["mark"]))


def _check_joined(chain: str, before: str, after: str) -> None:
    left = re.search(rf"\d+{_JOINED.pattern}$", before)
    right = re.match(rf"{_JOINED.pattern}\d+", after)
    if left or right:
        whole = (left.group() if left else "") + chain + (right.group() if right else "")
        raise Unsafe(f"{whole!r} is part of something else")


def _check_neighbours(chain: str, before: str, after: str, unit: re.Match[str] | None, reading: Reading) -> None:
    """Words before the number, and behind it and its unit, in whose company it has another form."""
    if not _OPENS.search(before) and re.search(r"\.\W*$", before):
        raise Unsafe(f"{chain!r} follows a stop, which may be that of an abbreviation")
    left = _word_before(before)
    governors: set[str] = set()
    for word in reversed(re.findall(r"\w+|[^\w\s]", before) if left else []):
        governors.add(word.lower())
        if word.lower() not in reading.hedges:
            break
    rights = [
        re.match(r"\w*[.,]?\s+(?:de\s+|of\s+)?(\w+)", rest) for rest in (after, after[unit.end() :] if unit else "")
    ]
    neighbours = {left, *(right[1] for right in rights if right)}
    if reading.months & {form for word in neighbours for form in (word, word.lower())}:
        raise Unsafe(f"{chain!r} may be a date")
    oblique = reading.oblique and any(re.search(reading.oblique, right[1]) for right in rights if right)
    if oblique or governors & reading.inflects or (unit and governors & reading.inflects_units):
        raise Unsafe(f"{chain!r} is in another case")
    if left in CURRENCIES:
        raise Unsafe(f"{left + ' ' + chain!r} has a unit that is not safe to read")


def _word_before(before: str) -> str:
    left = re.search(r"(\w+)\s+$", before)
    return left[1] if left else ""


def _check_stop(chain: str, before: str, after: str, reading: Reading) -> None:
    """A stop behind a number ends a sentence, or makes an ordinal or the number of a list of it."""
    if not re.match(r"\.(?!\.)", after):
        return
    rest = after[1:].lstrip("\"'").strip()
    cut_short = not rest and reading.ordinal_stop and int(re.sub(r"\D", "", chain)) <= LAST_DAY
    goes_on = rest and (reading.noun_capitals or not rest.lstrip("\"'-¿¡ ")[:1].isupper())
    # "Ludvík 14. Bourbonský", "lata 90. XX wieku": the capital is that of a name or of a Roman number
    named = rest and (_word_before(before)[:1].isupper() or re.match(r"[IVXLCDM]+\b", rest))
    if cut_short or goes_on or (named and reading.ordinal_stop) or not before.strip("\"'- "):
        raise Unsafe(f"{chain + '.'!r} may be an ordinal")


def _check_touching(chain: str, before: str, after: str, language: str) -> None:
    """A number stands alone, between spaces and marks, or among letters where words are written without spaces."""
    own = "" if spaced(language) else letters_of(language)
    left = re.search(rf"(?:^|[\s\"¿¡「『〈《【（、。，{own}])$", before)
    right = re.match(rf"$|\s|[.,;:!?](?![\w–—-])|[\"…」』〉》】）、。，；：！？{own}]", after)
    inches = after.startswith('"') and before.count('"') % 2 == 0
    if not left or not right or inches:
        touching = re.split(r"\s", before)[-1] + chain + re.split(r"\s", after)[0]
        raise Unsafe(f"{touching!r} is part of something else")


def _cardinal(number: Number, reading: Reading, language: str) -> str:
    words = re.sub(reading.apart or "(?!)", " ", _num2words(number.whole, language))
    if not number.decimal:
        return words
    return _joint(language).join([words, reading.point, _num2words(int(number.decimal), language)])


def _ordinal(number: Number, written: str, language: str) -> str:
    """Of a language whose ordinals do not change."""
    if number.decimal or number.whole == 0:
        raise Unsafe(f"{written!r} is part of something else")
    # English has a suffix for each number, French one for 1 and one for the others; Dutch is not so strict
    if language == "en" and written.replace(",", "") != _num2words(number.whole, language, "ordinal_num"):
        raise Unsafe(f"{written!r} is no ordinal")
    if language == "fr" and (number.whole == 1) != written.endswith("er"):
        raise Unsafe(f"{written!r} is no ordinal")
    return _num2words(number.whole, language, "ordinal")


def _counted(words: str, number: Number, written: str, unit: re.Match[str], language: str) -> str:
    """The number with its unit in words."""
    forms = UNITS.get(language, {}).get(unit["unit"])
    if not forms or unit["power"] or (number.decimal and len(forms) > 1):
        raise Unsafe(f"{written!r} has a unit that is not safe to read")
    return _joint(language).join([words, forms[0] if len(forms) == 1 else _plural(number.whole, forms, language)])


def _joint(language: str) -> str:
    return " " if spaced(language) else ""


def _num2words(number: int, language: str, to: str = "cardinal") -> str:
    from num2words import num2words

    return str(num2words(number, lang=language, to=to))


def _plural(number: int, forms: tuple[str, ...], language: str) -> str:
    from num2words import CONVERTER_CLASSES

    return str(CONVERTER_CLASSES[language].pluralize(number, forms))
