"""The form of a document's characters, signs that they were decoded wrongly, and the id that a text has."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from selfsown.examples import examples

_DAMAGE = re.compile(
    "(?P<replacement>\ufffd)"
    # UTF-8 read as Windows-1252 or Latin-1: every sign beyond ASCII becomes two or three
    "|(?P<mojibake>â[€\u0080].|Â[\u00a0-¿]|Ã[\u0080-¿]|ï»¿)"
    r"|(?P<control>[\x00-\x08\x0b\x0e-\x1f\x7f])"
)
_NAMES = {"replacement": "U+FFFD", "mojibake": "UTF-8 read as another encoding", "control": "a control character"}


@examples(
    ("naïve café – “déjà vu”", ""),
    ("itâ€™s", "damaged: UTF-8 read as another encoding: 'itâ€™s'"),
    ("Ã©tude", "damaged: UTF-8 read as another encoding: 'Ã©tude'"),
    ("a\ufffdb", "damaged: U+FFFD: 'a\ufffdb'"),
    ("a\x00b", "damaged: a control character: 'a\\x00b'"),
)
def damage(text: str) -> str:
    """Why the text was not decoded as it was written, or an empty text."""
    found = _DAMAGE.search(text)
    if not found:
        return ""
    return f"damaged: {_NAMES[str(found.lastgroup)]}: {text[max(0, found.start() - 10) : found.end() + 10]!r}"


_BLANK = re.compile(r"\n{3,}")


@examples(
    ("\ufeffOne  \r\n\r\n\r\n\r\n two\f\n", "One\n\n two"),
    ("cafe\u0301", "café"),
)
def tidy(text: str) -> str:
    """NFC, plain line ends, no form feeds, soft hyphens or blanks at a line's end, at most one blank line in a row."""
    plain = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n")
    if not plain.isascii():
        plain = unicodedata.normalize("NFC", plain).replace("\ufeff", "").replace("\u00ad", "").replace("\u00a0", " ")
    lines = "\n".join(line.rstrip() for line in plain.split("\n"))
    return _BLANK.sub("\n\n", lines).strip("\n")


def text_id(text: str) -> str:
    """What names a document: the first 16 hexadecimal digits of the sha256 of its text."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]
