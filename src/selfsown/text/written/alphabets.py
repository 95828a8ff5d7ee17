"""Which letters a language is written in: one table, asked by readers, filters and gates."""

from __future__ import annotations

import re

from selfsown.errors import UserError
from selfsown.examples import examples

_SCRIPTS = {
    "Latin": "A-Za-zÀ-ÖØ-öø-ɏẀ-ỿ",
    "Cyrillic": "Ѐ-ӿ",
    "Greek": "Ͱ-Ͽἀ-῿",
    "Devanagari": "ऀ-ॿ",
    "Han": "㐀-䶿一-鿿",
    "Kana": "぀-ヿ々",
    "Thai": "฀-๿",
    "Lao": "຀-໿",
    "Khmer": "ក-៿",
    "Burmese": "က-႟",
}
"""Letters of a script, as the inside of a character class."""

# Scripts of a language, and the letters it writes beside a-z; None: any letter of its scripts. Loan letters (ü in
# Czech) are left out on purpose: a sentence with one holds a foreign name, and neither voices nor short recordings
# teach how it sounds.
_LETTERS: dict[str, tuple[tuple[str, ...], str | None]] = {
    "ca": (("Latin",), "àçèéíïòóúü·"),
    "cs": (("Latin",), "áčďéěíňóřšťúůýž"),
    "da": (("Latin",), "æøåé"),
    "de": (("Latin",), "äöüß"),
    "en": (("Latin",), ""),
    "es": (("Latin",), "áéíñóúü"),
    "fr": (("Latin",), "àâæçéèêëîïôœùûüÿ"),
    "hu": (("Latin",), "áéíóöőúüű"),
    "it": (("Latin",), "àèéìíîòóùú"),
    "lt": (("Latin",), "ąčęėįšųūž"),
    "nl": (("Latin",), "áàäéèëêíïóöúüç"),
    "pl": (("Latin",), "ąćęłńóśźż"),
    "pt": (("Latin",), "áâãàçéêíóôõú"),
    "ro": (("Latin",), "ăâîșțşţ"),
    "sk": (("Latin",), "áäčďéíĺľňóôŕšťúýž"),
    "id": (("Latin",), ""),
    "vi": (("Latin",), None),
    "be": (("Cyrillic",), None),
    "bg": (("Cyrillic",), None),
    "ru": (("Cyrillic",), None),
    "uk": (("Cyrillic",), None),
    "el": (("Greek",), None),
    "hi": (("Devanagari",), None),
    "ja": (("Han", "Kana"), None),
    "zh": (("Han",), None),
    "km": (("Khmer",), None),
    "lo": (("Lao",), None),
    "my": (("Burmese",), None),
    "th": (("Thai",), None),
}

_UNSPACED = frozenset({"ja", "km", "lo", "my", "th", "zh"})


@examples(("cs", True), ("ja", False))
def spaced(language: str) -> bool:
    """Whether spaces part its words. Where they do not, what is counted are characters."""
    return language not in _UNSPACED


@examples(("cs-CZ", "cs"), ("CS", "cs"), ("cs_CZ", "cs"), ("zh-Hans-CN", "zh"), ("", ""))
def language_of(tag: str) -> str:
    """The language of a tag, as `languages` names it: without country and script."""
    return re.split("[-_]", tag)[0].lower()


def letters_of(language: str) -> str:
    """The letters of a language's scripts, as the inside of a character class.

    Raises:
        UserError: a language whose letters are not listed here.
    """
    if language not in _LETTERS:
        raise UserError(f"languages: {language!r} is not allowed: letters are known for {', '.join(sorted(_LETTERS))}")
    return "".join(_SCRIPTS[script] for script in _LETTERS[language][0])


@examples(
    ("Příliš žluťoučký kůň.", "cs", None),
    ("Привет, Karle.", "cs", "wrong script: 'П' is not a letter of cs"),
    ("Herr Müller", "cs", "wrong script: 'ü' is not a letter of cs"),
    ("Árvíztűrő tükörfúrógép.", "hu", None),
    ("किताब", "hi", None),
    ("... 12", "nl", "no letters: '... 12'"),
)
def script_misfit(text: str, language: str) -> str | None:
    """Why the letters are not those of the language, or None.

    Raises:
        UserError: a language whose letters are not listed here.
    """
    own, extra = re.compile(f"[{letters_of(language)}]"), _LETTERS[language][1]
    letters = [c for c in text if c.isalpha()]
    if not letters:
        return f"no letters: {text[:40]!r}"
    for letter in letters:
        if extra is None:
            fits = own.match(letter) is not None
        else:
            fits = letter.lower() in extra or (letter.isascii() and letter.isalpha())
        if not fits:
            return f"wrong script: {letter!r} is not a letter of {language}"
    return None


_ACCENTED = ("cs", "lt", "pl", "ro", "sk", "vi")


@examples(
    ("The quick brown fox jumps over it.", "cs", "foreign: no letter that cs has beside a-z in 7 words"),
    ("Ten pes tam je.", "cs", None),
    ("De kat zit op de mat en slaapt.", "nl", None),
)
def language_misfit(text: str, language: str) -> str | None:
    """Why six or more words are hardly of the language, or None; for languages that rarely do without accents."""
    extra = _LETTERS[language][1]
    words = len(text.split())
    if language not in _ACCENTED or words < 6:
        return None
    accented = any(c in extra for c in text.lower()) if extra is not None else not text.isascii()
    return None if accented else f"foreign: no letter that {language} has beside a-z in {words} words"
