"""Which documents a collection can be made of: the sources that the repository knows, and the user's own.

A source that stands in `SHELF` says where its documents are and how they are read. Any other name is a source of the
registry, of kind `folder` or `hub`, whose `.txt`, `.jsonl`, `.jsonl.zst` and `.parquet` files are read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path
from typing import Literal

from selfsown.corpora.readers.documents.document import Document, Reader, whole
from selfsown.corpora.readers.documents.html import pages
from selfsown.corpora.readers.documents.marked import restructured
from selfsown.corpora.readers.documents.own import OWN, own_files
from selfsown.corpora.readers.documents.plain import pieces
from selfsown.corpora.readers.documents.sword import chapters
from selfsown.errors import UserError
from selfsown.sources import fetch

Kind = Literal["text", "code"]


@dataclass(frozen=True)
class Shelf:
    """Documents of a source: `files` are globs below its folder, each with the reader of what it finds."""

    source: str
    kind: Kind
    domain: str
    files: dict[str, Reader]
    without: str = ""

    def read(self, root: Path) -> dict[Path, Reader]:
        """The files and their readers, in the order of their names."""
        found = {path: reader for glob, reader in self.files.items() for path in root.glob(glob)}
        kept = {path: found[path] for path in sorted(found) if path.is_file()}
        return {path: reader for path, reader in kept.items() if not fnmatch(path.as_posix(), self.without)}


_DOC = "usr/share/doc"

SHELF = {
    "anarchism": Shelf("anarchism", "text", "book", {f"{_DOC}/anarchism/html/*.html": pages}),
    "bible": Shelf("sword-text-web", "text", "book", {"usr/share/sword/modules/**/*.bzs": chapters}),
    "debian-docs": Shelf(
        "debian-docs",
        "text",
        "manual",
        {
            f"{_DOC}/debian-policy/policy.html/_sources/*.rst.txt": restructured,
            "usr/share/developers-reference/_sources/*.rst.txt": restructured,
            "usr/share/debian-reference/ch*.en.html": pages,
        },
    ),
    "devil": Shelf("dict-devil", "text", "book", {"usr/share/dictd/devil.dict.dz": pieces}),
    "django": Shelf("django", "code", "code", {"*/django/**/*.py": whole}, without="*/tests/*"),
    "django-docs": Shelf("django", "text", "documentation", {"*/docs/**/*.txt": restructured}),
    "docutils-docs": Shelf("docutils", "text", "documentation", {"*/docs/**/*.rst": restructured}),
    "jargon": Shelf("jargon-text", "text", "book", {f"{_DOC}/jargon-text/jargon.txt.gz": pieces}),
    "networkx": Shelf("networkx", "code", "code", {"*/networkx/**/*.py": whole}, without="*/tests/*"),
    "sqlalchemy": Shelf("sqlalchemy", "code", "code", {"*/lib/**/*.py": whole}, without="*/testing/*"),
    "sqlalchemy-docs": Shelf(
        "sqlalchemy", "text", "documentation", {"*/doc/build/**/*.rst": restructured}, without="*/changelog/*"
    ),
}
"""By the name that `corpora.documents.collections` uses."""


def source_of(name: str) -> str:
    """The registry's name of what a collection calls `name`."""
    return SHELF[name].source if name in SHELF else name


def files_of(name: str) -> tuple[Path, dict[Path, Reader]]:
    """A source's folder, fetched, and its files of documents.

    Raises:
        UserError: no such source, or no file of it holds documents.
    """
    root = fetch(source_of(name))
    found = SHELF[name].read(root) if name in SHELF else own_files(root)
    if not found:
        wanted = ", ".join(SHELF[name].files if name in SHELF else (f"*{end}" for end in OWN))
        raise UserError(f"source {name!r}: {root} has no file of documents: expected {wanted}")
    return root, found


def read_documents(root: Path, file: Path, reader: Reader) -> Iterator[tuple[str, Document]]:
    """The documents of a file, each with its name: the file's path below the source's folder, and its place there."""
    for document in reader(file):
        yield f"{file.relative_to(root).as_posix()} {document.place}".rstrip(), document
