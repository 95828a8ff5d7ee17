"""Markdown from texts of anybody's."""

from __future__ import annotations

from html import escape


def cell(text: object) -> str:
    """A text as the inside of a table's cell."""
    plain = " ".join(escape(str(text), quote=False).split())
    for mark in "\\`*_[]|":
        plain = plain.replace(mark, "\\" + mark)
    return plain
