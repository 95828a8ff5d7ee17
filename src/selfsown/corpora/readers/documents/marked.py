"""Documentation in reStructuredText, cut at its titles, freed of markup that says nothing to a reader.

Not a parser: what is drawn as text stays as it was typed, so lists, tables and code keep their look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

from selfsown.corpora.readers.documents.document import Document, joined, numbered, opened
from selfsown.examples import examples

_UNDERLINE = re.compile(r"([=\-~^*#+\"'`.])\1{2,}\s*")
_LEVELS = 2  # title and chapters; deeper ones stay in their section


def _rules(*pairs: tuple[str, str]) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern, re.MULTILINE), replacement) for pattern, replacement in pairs)


_WITH_BODY = "toctree|contents|index|image|figure|literalinclude|raw|include|only|meta|tabularcolumns"
"""Directives that go with all that is indented below them."""

_LINE_ALONE = (
    "module|moduleauthor|sectionauthor|currentmodule|highlight|role|default-role|default-domain|rst-class|program|"
    r"snippet|code|code-block|sourcecode|parsed-literal|auto\w+|list-table|csv-table"
)
"""Directives that say nothing themselves; what is below them stays."""

_OPTIONS = r"(?:[ \t]+:[\w-]+:.*(?:\n|\Z))*"
_RST = _rules(
    (rf"^([ \t]*)\.\. (?:{_WITH_BODY})::.*(?:\n|\Z)(?:\1[ \t]+\S.*(?:\n|\Z)|[ \t]*\n(?=(?:[ \t]*\n)*\1[ \t]+\S))*", ""),
    (rf"^[ \t]*\.\. (?:{_LINE_ALONE})::.*(?:\n|\Z){_OPTIONS}", ""),
    (r"^[ \t]*\.\. (?:_|\||\[).*(?:\n|\Z)", ""),  # targets, substitutions, footnotes
    (rf"^([ \t]*)\.\. [\w:+-]+::[ \t]*(.*(?:\n|\Z)){_OPTIONS}", r"\1\2"),
    (r"^[ \t]*\.\. .*(?:\n|\Z)", ""),  # comments
    (r":[\w+:-]+:`[!~]?([^`<]*?)\s*<[^`>]*>`", r"\1"),
    (r":[\w+:-]+:`[!~]?\.?(?:_\w+\.)?([^`]+)`", r"\1"),
    (r"`([^`<]+?)\s+<[^`>]+>`__?", r"\1"),
    (r"`([^`\n]+)`__?", r"\1"),
    (r"``([^`\n]+)``", r"\1"),
    (r"\*\*([^*]{1,200})\*\*", r"\1"),
    (r"(?<![\w*])\*([^*\s][^*\n]*)\*(?![\w*])", r"\1"),
    (r"\\(?: |(?=\*))", ""),
    (r"::$", ":"),
)


def restructured(path: Path) -> Iterator[Document]:
    """The chapters of a file."""
    manual = opened(path)
    if manual.reason:
        yield manual
        return
    yield from numbered(joined(without_markup(part) for part in sections(manual.text.replace("\r\n", "\n"))))


@examples(
    (".. _here:\n\nSee :ref:`the cache <cache>` and ``x``.\n\n.. _there:", "See the cache and x."),
    (".. toctree::\n   :maxdepth: 2\n\n   one\n   two\n\nText::\n\n    code", "Text:\n\n    code"),
    (".. code-block:: python\n   :linenos:\n\n   a = 1", "   a = 1"),
    (
        ".. note:: Mind the :class:`~a.Gap`.\n\n   *Really*, `all of it <https://x>`__.",
        "Mind the a.Gap.\n\n   Really, all of it.",
    ),
    (".. function:: f(x)\n   :noindex:\n\n   Gives **x**.", "f(x)\n\n   Gives x."),
)
def without_markup(text: str) -> str:
    """The text without the marks that only the renderer needs."""
    for pattern, replacement in _RST:
        text = pattern.sub(replacement, text)
    return text.strip("\n")


@examples(
    (
        "Title\n=====\n\nOne.\n\nChapter\n-------\nTwo.\n\nDeep\n~~~~\nThree.\n",
        ["Title\n\nOne.", "Chapter\nTwo.\n\nDeep\nThree."],
    ),
    ("=====\nTitle\n=====\nOne.", ["Title\nOne."]),
    ("No title.\n\n    a = 1\n    =====\n", ["No title.\n\n    a = 1\n    ====="]),
)
def sections(text: str) -> list[str]:
    """The chapters of a text whose titles are underlined, without the lines below and above the titles.

    The order in which kinds of underlines first appear is the order of their levels, as reStructuredText has it.
    """
    lines = text.split("\n")
    styles: list[tuple[str, bool]] = []
    starts, rules = [0], set()
    for number, (title, under) in enumerate(pairwise(lines)):
        before = lines[number - 1] if number else ""
        if not _is_title(title, under, before):
            continue
        over = before[:1] == under[:1] and bool(before)
        style = (under[0], over)
        if style not in styles:
            styles.append(style)
        rules |= {number + 1, number - 1} if over else {number + 1}
        if styles.index(style) < _LEVELS:
            starts.append(number - over)
    ends = [*starts[1:], len(lines)]
    parts = (
        "\n".join(line for number, line in enumerate(lines[start:end], start) if number not in rules).strip("\n")
        for start, end in zip(starts, ends, strict=True)
    )
    return [part for part in parts if part]


def _is_title(title: str, under: str, before: str) -> bool:
    """Whether a line is a title: below it a line of one sign, as long as itself, above it the same or nothing."""
    if not _UNDERLINE.fullmatch(under) or not title.strip() or _UNDERLINE.fullmatch(title):
        return False
    if before.strip() and not (_UNDERLINE.fullmatch(before) and before.rstrip() == under.rstrip()):
        return False
    return len(under.rstrip()) >= len(title.rstrip())
