"""Text shared by corpora and evaluation: one clean form, one form to compare, normalisers for WER, and filters.

Each function below that turns or judges text carries its own examples (`@examples`), which a test runs: they are what
the rule is meant to do, beside the rule.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from itertools import pairwise
from typing import Any, Literal, TypeVar, get_args

from selfsown.errors import UserError

F = TypeVar("F", bound=Callable[..., Any])

EXAMPLES: list[tuple[Callable[..., Any], tuple[Any, ...], Any]] = []
"""(function, arguments, expected result) of every example in this module."""


def examples(*cases: tuple[Any, ...]) -> Callable[[F], F]:
    """Attach cases `(*arguments, expected)` to a function."""

    def attach(function: F) -> F:
        EXAMPLES.extend((function, case[:-1], case[-1]) for case in cases)
        return function

    return attach


_TYPOGRAPHY = str.maketrans(
    {
        **dict.fromkeys("„“”‟«»〝〞", '"'),
        **dict.fromkeys("‚‘’‛‹›´`", "'"),
        **dict.fromkeys("‐‑‒–—―−", "-"),
        "…": "...",
    }
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


@examples(
    ("Ahoj, SVĚTE - „jak“ je?", "ahoj světe jak je"),
    ("Straße", "strasse"),
    ("किताब।", "किताब"),
    ("... !", ""),
)
def normalize_for_comparison(text: str) -> str:
    """Casefolded words without punctuation: two texts with the same form are the same text."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", normalize_text(text)).casefold())
    kept = (c if c.isalnum() or _is_mark(c) else "" if c in _JOINERS else " " for c in folded)
    return unicodedata.normalize("NFKC", " ".join("".join(kept).split()))


def _is_mark(character: str) -> bool:
    return unicodedata.category(character)[0] == "M"


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


_SCRIPTS = {
    "Latin": "A-Za-zÀ-ÖØ-öø-ɏẀ-ỿ",
    "Cyrillic": "Ѐ-ӿ",
    "Greek": "Ͱ-Ͽἀ-῿",
    "Devanagari": "ऀ-ॿ",
    "Han": "㐀-䶿一-鿿",
    "Kana": "぀-ヿ々",
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
}


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
