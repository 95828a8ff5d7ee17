"""Where a sentence ends, and what is no sentence that anybody would read aloud."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from functools import cache, cached_property
from itertools import pairwise
from typing import Any

from selfsown.examples import examples

_INNER_STOP = re.compile(r"[.!?;:。！？।]\W*\s|[。！？।॥။។៕]|\n")
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
    ("ខ្ញុំទៅ។ គាត់មក។", "km", ["ខ្ញុំទៅ។", "គាត់មក។"]),
)
def segment(text: str, language: str) -> list[str]:
    """The sentences of a paragraph."""
    if not _INNER_STOP.search(text):
        return [text] if text else []
    parts = re.split(r"(?<=[។៕])", text) if language == "km" else _segmenter(language).segment(text)
    return [part for part in (sentence.strip() for sentence in parts) if part]


@dataclass(frozen=True)
class Ends:
    """What stands at the ends of a language's sentences, as the insides of character classes.

    `stops`: one of them is last, but for quotes; empty where nothing marks an end. `opens` may come before the first
    word. `quotes` beside plain ones; `apart`: a space is inside of quotes. `speech`: two quotes, the second of which
    needs no stop before it if it is last and the first is first. `clitics`: a pattern of small words that leave the
    capital to the next one.
    """

    stops: str = ".!?"
    opens: str = ""
    quotes: str = ""
    apart: bool = False
    speech: str = ""
    clitics: str = ""

    @cached_property
    def whole(self) -> re.Pattern[str]:
        """A whole sentence, with its first letter or digit as `first`."""
        before = rf"[\"'{self.quotes}-]*\s*(?:\.{{3,}}\s*)?" + (rf"[{self.opens}]*[\"']?" if self.opens else "")
        space = r"\s*" if self.apart else ""
        after = rf"{space}[\"']?" + (rf"[{self.quotes}]*" if self.quotes else "")
        ends = [rf".*[{self.stops}]{after}$"] if self.stops else []
        if self.speech:
            ends.append(rf"{self.speech[0]}[^{self.speech}]*{self.speech[1]}$")
        return re.compile(rf"(?={'|'.join(ends)}){before}(?:{self.clitics or '(?!)'})?(?P<first>\w).*", re.DOTALL)


_PLAIN = Ends()
_CJK = Ends(stops=".!?。！？．｡…", quotes="「」『』《》〈〉【】〔〕（）")
_ENDS = {
    "ca": Ends(opens="¿¡"),
    "el": Ends(stops=".!;"),
    "es": Ends(opens="¿¡"),
    "fr": Ends(apart=True),
    "hi": Ends(stops=".!?।॥"),
    "ja": replace(_CJK, speech="「」"),
    "km": Ends(stops=".!?។៕"),
    "lo": Ends(stops=""),
    "my": Ends(stops=".!?။"),
    "nl": Ends(clitics=r"(?<=')[a-z]{1,2}[\s-]"),  # 's Avonds, 't Is, 's-Gravenhage
    "th": Ends(stops=""),
    "zh": _CJK,
}
"""Of languages that differ from most."""


@examples(
    ("Kočka spí.", "cs", None),
    ('"Spí?" zeptal se.', "cs", None),
    ("Nastavení stránky", "cs", "unfinished: 'Nastavení stránky'"),
    ("a pak odešel.", "cs", "unfinished: 'a pak odešel.'"),
    ("¿Qué hora es?", "es", None),
    ('" Où va-t-il? "', "fr", None),
    ("'s Avonds regent het.", "nl", None),
    ("... Ano.", "cs", None),
    ("Τι ώρα είναι;", "el", None),
    ("यह किताब है।", "hi", None),
    ("「今日は何曜日？」", "ja", None),
    ("「もう帰ろう」", "ja", None),
    ("これは「本」", "ja", "unfinished: 'これは「本」'"),
    ("我们明天去北京", "zh", "unfinished: '我们明天去北京'"),
    ("วันนี้อากาศดี", "th", None),
)
def unfinished(text: str, language: str) -> str | None:
    """Why the text is no whole sentence of the language (no capital first, no stop last), or None."""
    found = _ENDS.get(language, _PLAIN).whole.fullmatch(text)
    return None if found and not found["first"].islower() else f"unfinished: {text[:40]!r}"


_MARKUP = re.compile(
    r"[<>{}\[\]()|\\_=@#$%^*~/&§+©®™°•]|\b(?:https?|www|ftp|mailto)\b|[^\W\d_]\.[^\W\d_]{2,}|"
    r"[:;]['-]?([DPpOoSsXxCc])\1*(?!\w)|\bXD+\b|"  # faces
    r"\s--\w|\s-\w(?![^-]*\w-(?:[\s.,;:!?]|$))"  # options, but for words between dashes
)
_SAYS = re.compile(r"(?<=\s)-(?=\w)")
"""A dash between what is said and who says it, in texts that begin with a dash."""


@examples(
    ("Stiskni <b>Enter</b>.", "markup or code: '<' in 'Stiskni <b>Enter</b>.'"),
    ("Použij volbu --help hned.", "markup or code: ' --h' in 'Použij volbu --help hned.'"),
    ("Viz readme.txt.", "markup or code: 'e.txt' in 'Viz readme.txt.'"),
    ("A%1.", "markup or code: '%' in 'A%1.'"),
    ("Volá getName hned.", "markup or code: 'tN' in 'Volá getName hned.'"),
    ('"Ano," řekl žlutý kůň - a šel.', None),
    ("-Vamos -dijo Pedro.", None),
    ("Mi hermano -el mayor- duerme.", None),
    ("To je super :D", "markup or code: ':D' in 'To je super :D'"),
)
def markup(text: str) -> str | None:
    """Why the text is markup, code or a placeholder that nobody reads aloud, or None."""
    found = _MARKUP.search(_SAYS.sub("", text) if re.match(r"-\W*\w", text) else text)
    humps = (a + b for a, b in pairwise(text) if a.islower() and b.isupper())
    part = found.group() if found else next(humps, None)
    return f"markup or code: {part!r} in {text[:40]!r}" if part else None
