"""Plain text without marked sections: a book, a dictionary."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from pathlib import Path

from selfsown.corpora.readers.documents.document import Document, joined, numbered, opened

_PIECE = 6_000
"""Characters after which such a text is cut, at the next paragraph."""


def pieces(path: Path) -> Iterator[Document]:
    """Pieces of some thousand characters, without the margin that all lines of a piece share."""
    book = opened(path)
    if book.reason:
        yield book
        return
    paragraphs = re.split(r"\n\s*\n", book.text.replace("\r\n", "\n"))
    yield from numbered(textwrap.dedent(piece) for piece in joined(paragraphs, _PIECE))
