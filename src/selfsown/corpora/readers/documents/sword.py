"""Books of the SWORD project (zText modules): verses of OSIS markup in zlib blocks, a block per book.

Layout, from the project's own reader: `.bzs` lists 12 bytes a block (offset, packed size, unpacked size; little endian
uint32), `.bzz` holds the blocks.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from html import unescape
from pathlib import Path

from selfsown.corpora.readers.documents.document import Document, decoded, joined

_CHAPTER = re.compile(r'<chapter\b[^>]*\bsID="[^"]*"[^>]*/>')
_NOTE = re.compile(r"<note\b.*?</note>", re.DOTALL)
_BREAK = re.compile(
    r'<(?:div|lg|l|title|list|item)\b(?=[^>]*(?:\bsID=|\btype="(?:main|x-introduction|psalm)"))[^>]*>|</title>'
)
_TAG = re.compile(r"<[^>]*>")
_BLANKS = re.compile(r"[^\S\n]+")


def chapters(path: Path) -> Iterator[Document]:
    """The chapters of a testament, without notes and numbers; `path` is its `.bzs` file."""
    packed = path.with_suffix(".bzz").read_bytes()
    for number, (start, size, _) in enumerate(struct.iter_unpack("<III", path.read_bytes())):
        if not size:
            continue
        book = decoded(zlib.decompress(packed[start : start + size]))
        if book.reason:
            yield Document(book.text, f"book {number}", reason=book.reason)
            continue
        parts = map(_plain, _CHAPTER.split(_NOTE.sub(" ", book.text)))
        for chapter, text in enumerate(joined(filter(None, parts)), start=1):
            yield Document(text, f"book {number} section {chapter}")


def _plain(osis: str) -> str:
    text = unescape(_TAG.sub("", _BREAK.sub("\n", osis.replace("\n", " "))))
    lines = (_BLANKS.sub(" ", line).strip() for line in text.split("\n"))
    return "\n".join(filter(None, lines))
