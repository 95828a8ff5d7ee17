"""The two passes over the files of a collection: a look at every document, then the rows of those that are kept."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa

from selfsown.corpora.documents.choice import Look
from selfsown.corpora.documents.rules import CodeCollection, TextCollection, judge
from selfsown.corpora.readers.documents.document import Reader
from selfsown.corpora.readers.documents.shelf import SHELF, files_of, read_documents
from selfsown.corpora.schemas.document import DOCUMENT, split_of
from selfsown.shards import ShardResult, with_reason
from selfsown.text.documents.encoding import text_id, tidy
from selfsown.text.documents.heldout import HeldOut
from selfsown.text.documents.near import Sketch, sketch

BYTES_PER_SHARD = 4 << 20
"""Of a source's files, as they lie on disk; a larger file is a shard of its own."""

REJECTED_CHARACTERS = 500
"""How much of the text of a refused document is kept: its name says where the whole one is."""


@dataclass(frozen=True)
class Shard:
    """Files of one source, read one after another."""

    source: str
    licence: str
    root: Path
    files: tuple[tuple[Path, Reader], ...]


def cut(source: str, licence: str) -> Iterator[Shard]:
    """The files of a source in shards, which follow from their names and sizes alone."""
    root, files = files_of(source)
    held: list[tuple[Path, Reader]] = []
    size = 0
    for path, reader in files.items():
        held.append((path, reader))
        size += path.stat().st_size
        if size >= BYTES_PER_SHARD:
            yield Shard(source, licence, root, tuple(held))
            held, size = [], 0
    if held:
        yield Shard(source, licence, root, tuple(held))


class Looker:
    """The first pass: judges every document of a shard, and keeps no text."""

    def __init__(self, rules: TextCollection | CodeCollection, held_out: HeldOut) -> None:
        self._rules, self._held_out = rules, held_out

    def __call__(self, shard: Shard) -> Look:
        """What is known of the shard's documents."""
        ids: list[int] = []
        characters: list[int] = []
        reasons: dict[int, str] = {}
        sketches: dict[int, Sketch] = {}
        for path, reader in shard.files:
            for row, (_, document) in enumerate(read_documents(shard.root, path, reader), len(ids)):
                text, reason, words = judge(document, self._rules, self._held_out)
                ids.append(int(text_id(text), 16))
                characters.append(len(text))
                if reason:
                    reasons[row] = reason
                elif self._rules.near_duplicate is not None:
                    sketches[row] = sketch(words.keys)
        return Look(shard.source, np.array(ids, np.uint64), np.array(characters, np.int64), reasons, sketches)


class Writer:
    """The second pass: the rows of a shard, by the reasons that were decided on."""

    def __init__(self, kind: str, validation: float, seed: int) -> None:
        self._kind, self._validation, self._seed = kind, validation, seed

    def __call__(self, item: tuple[Shard, dict[int, str]]) -> ShardResult:
        """The shard's rows, kept and refused."""
        shard, reasons = item
        kept: list[dict[str, str]] = []
        rejected: list[dict[str, str]] = []
        domain = SHELF[shard.source].domain if shard.source in SHELF else self._kind
        number = -1
        for path, reader in shard.files:
            for name, document in read_documents(shard.root, path, reader):
                number += 1
                text = tidy(document.text)
                digest = text_id(text)
                refused = number in reasons
                (rejected if refused else kept).append({
                    "id": digest, "text": text[:REJECTED_CHARACTERS] if refused else text, "source": shard.source,
                    "name": name, "domain": document.domain or domain, "licence": shard.licence,
                    "split": "" if refused else split_of(digest, self._validation, self._seed),
                })  # fmt: skip
        said = [reasons[place] for place in sorted(reasons)]
        return ShardResult(
            pa.Table.from_pylist(kept, DOCUMENT), with_reason(pa.Table.from_pylist(rejected, DOCUMENT), said)
        )
