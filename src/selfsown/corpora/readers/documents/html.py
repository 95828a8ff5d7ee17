"""HTML as text: a section of the page per document, without navigation, scripts and tables of contents."""

from __future__ import annotations

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

from selfsown.corpora.readers.documents.document import Document, joined, numbered, opened

_BLOCKS = frozenset({
    "address", "article", "blockquote", "body", "br", "dd", "div", "dl", "dt", "figcaption", "figure", "h1", "h2",
    "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "ol", "p", "pre", "section", "table", "tr", "ul"
})  # fmt: skip
_HIDDEN = frozenset({"footer", "form", "head", "nav", "noscript", "script", "style", "svg", "template"})
_HIDDEN_CLASSES = frozenset({"footer", "navfooter", "navheader", "navigation", "related", "sphinxsidebar", "toc"})
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)
_CELLS = ("td", "th")
_IN_CELLS = ("p", "div", "br")  # part no lines there: a row of a table is one line
_SECTIONS = ("h1", "h2", "h3")


def pages(path: Path) -> Iterator[Document]:
    """The sections of a page, cut at its headings of the first three levels."""
    page = opened(path)
    if page.reason:
        yield page
        return
    parser = _Text()
    parser.feed(page.text)
    parser.close()
    yield from numbered(joined(parser.sections()))


class _Text(HTMLParser):
    """Collects the visible text, a paragraph a block element, a line a row of a table."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._sections: list[list[str]] = [[]]
        self._words: list[str] = []
        self._hidden: list[str] = []  # the hidden element and what of the same name is open in it
        self._preformatted = 0
        self._in_row = False

    def sections(self) -> Iterator[str]:
        """The texts between headings, each with its own, where there is more than white space."""
        self._end_block()
        for blocks in self._sections:
            if blocks:
                yield "\n\n".join(blocks)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._hidden:
            if tag == self._hidden[0]:
                self._hidden.append(tag)
            return
        classes = next((value or "" for name, value in attrs if name == "class"), "").split()
        if (tag in _HIDDEN or not _HIDDEN_CLASSES.isdisjoint(classes)) and tag not in _VOID:
            self._hidden.append(tag)
        elif tag in _CELLS:
            self._in_row = True
            if "".join(self._words).strip():
                self._words.append(" | ")
        elif self._in_row and tag in _IN_CELLS:
            self._words.append(" ")
        elif tag in _BLOCKS:
            self._end_block()
            if tag in _SECTIONS:
                self._sections.append([])
            self._preformatted += tag == "pre"

    def handle_endtag(self, tag: str) -> None:
        if self._hidden:
            if tag == self._hidden[0]:
                self._hidden.pop()
        elif tag in _BLOCKS and not (self._in_row and tag in _IN_CELLS):
            self._end_block()
            self._preformatted = max(0, self._preformatted - (tag == "pre"))

    def handle_data(self, data: str) -> None:
        if not self._hidden:
            self._words.append(data)

    def _end_block(self) -> None:
        text = "".join(self._words)
        self._words.clear()
        self._in_row = False
        text = text.strip("\n").rstrip() if self._preformatted else " ".join(text.split())
        if text.strip():
            self._sections[-1].append(text)
