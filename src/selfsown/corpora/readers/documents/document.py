"""What a reader of documents yields, and how it opens files and cuts books."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from selfsown.corpora.readers.tables import unlike

SECTION = 1_500
"""Characters below which a section is read together with the next: too little to learn from or to test on."""


@dataclass(frozen=True)
class Document:
    """A text as its source has it; `reason` says why the reader refuses it.

    Attributes:
        place: where in its file, such as "row 7"; empty where the file is one document.
        domain: what the source itself calls this kind of text, if it does.
    """

    text: str
    place: str = ""
    domain: str = ""
    reason: str = ""


Reader: TypeAlias = Callable[[Path], Iterator[Document]]
"""The documents of one file, always in the same order."""


def decoded(data: bytes) -> Document:
    """A file's bytes as one document, refused where they are not UTF-8, or not the file itself."""
    pointer = unlike(data) if data else ""
    try:
        return Document(data.decode("utf-8-sig"), reason=f"not the file: {pointer}" if pointer else "")
    except UnicodeDecodeError as error:
        reason = f"undecodable: byte {error.object[error.start]:#x} at {error.start} is not UTF-8"
        return Document(data.decode("utf-8", errors="replace"), reason=reason)


def opened(path: Path) -> Document:
    """A whole file, unpacked where it is gzip."""
    data = path.read_bytes()
    return decoded(gzip.decompress(data) if data.startswith(b"\x1f\x8b") else data)


def whole(path: Path) -> Iterator[Document]:
    """A file that is one document: source code, a text of the user's own."""
    yield opened(path)


def joined(sections: Iterable[str], shortest: int = SECTION) -> Iterator[str]:
    """Sections in their order, each with as many of the next as make it `shortest` characters long."""
    text = ""
    for section in sections:
        text = f"{text}\n\n{section}" if text else section
        if len(text) >= shortest:
            yield text
            text = ""
    if text:
        yield text


def numbered(sections: Iterable[str]) -> Iterator[Document]:
    """Sections as documents."""
    for number, section in enumerate(sections, start=1):
        yield Document(section, place=f"section {number}")
