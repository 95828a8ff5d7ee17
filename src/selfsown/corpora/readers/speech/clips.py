"""A clip: what every reader of a speech corpus yields, before anything is decoded or judged."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq

SPLITS = ("seed", "text", "dev", "test", "ood")
"""seed: real speech to train on; text: only its texts are used; dev and test: held out; ood: another corpus."""


@dataclass(frozen=True)
class Clip:
    """One recording and its words, as its corpus says.

    `group` is what must not be torn apart by the split (a level, a book). `row` is the row of a Parquet file, else
    None for a file of its own. `split` and `reason` (why it is refused) are empty until decided. `repeats`: its text
    may stand on other splits of its corpus too, as whoever made the corpus wants it.
    """

    id: str
    group: str
    file: str
    text: str
    language: str
    speaker: str
    source: str
    row: int | None = None
    split: str = ""
    reason: str = ""
    repeats: bool = False


Reader = Callable[[Sequence[str]], Iterator[Clip]]
"""languages -> clips in those of them that the corpus has."""


class ClipBytes:
    """Reads encoded audio; keeps the last Parquet file open, because its rows are asked for in turn."""

    def __init__(self) -> None:
        self._path: str | None = None
        self._rows: list[dict[str, object]] = []

    def __call__(self, clip: Clip) -> bytes:
        """The encoded bytes of a clip.

        Raises:
            OSError: the file cannot be read.
            ValueError: the Parquet row holds no audio bytes.
        """
        if clip.row is None:
            return Path(clip.file).read_bytes()
        if self._path != clip.file:
            self._rows = pq.read_table(clip.file, columns=["audio"])["audio"].to_pylist()
            self._path = clip.file
        data = (self._rows[clip.row] or {}).get("bytes")
        if not isinstance(data, bytes):
            raise ValueError("no bytes in its audio column")
        return data
