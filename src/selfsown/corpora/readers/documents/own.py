"""Texts of the user's own, in a registered folder or a data set of a hub: which files hold them."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from selfsown.corpora.readers.documents.document import Reader, whole
from selfsown.corpora.readers.documents.rows import json_lines, parquet

OWN: dict[str, Reader] = {".txt": whole, ".jsonl": json_lines, ".jsonl.zst": json_lines, ".parquet": parquet}
"""Readers by the end of a file's name."""

_OF_RECORDINGS = ("manifest.csv", "metadata.jsonl")
_SOUND = (".aiff", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".wav")


def own_files(root: Path) -> dict[Path, Reader]:
    """The files below a folder that hold texts, in the order of their names; hidden ones are passed over."""
    found: dict[Path, Reader] = {}
    for path in sorted(root.rglob("*")):
        reader = next((reader for end, reader in OWN.items() if path.name.endswith(end)), None)
        if reader is not None and path.is_file() and not path.name.startswith("."):
            found[path] = reader
    return found


def holds_texts(root: Path) -> bool:
    """Whether a folder holds texts, not recordings: these have a manifest, sound files or an `audio` column."""
    if any((root / name).is_file() for name in _OF_RECORDINGS):
        return False
    if any(path.suffix.lower() in _SOUND for path in root.rglob("*")):
        return False
    files = own_files(root)
    return bool(files) and not any(path.suffix == ".parquet" and _has_audio(path) for path in files)


def _has_audio(path: Path) -> bool:
    try:
        return "audio" in pq.read_schema(path).names
    except pa.ArrowException:  # no Parquet: whoever reads it says so
        return False
