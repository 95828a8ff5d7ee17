"""Texts of the user's own, in a registered folder or a data set of a hub: which files hold them."""

from __future__ import annotations

from pathlib import Path

from selfsown.corpora.readers.documents.document import Reader, whole
from selfsown.corpora.readers.documents.rows import json_lines, parquet
from selfsown.corpora.readers.tables import open_parquet, own_paths

OWN: dict[str, Reader] = {".txt": whole, ".jsonl": json_lines, ".jsonl.zst": json_lines, ".parquet": parquet}
"""Readers by the end of a file's name."""

_OF_RECORDINGS = ("manifest.csv", "metadata.jsonl")
_SOUND = (".aiff", ".flac", ".m4a", ".mp3", ".oga", ".ogg", ".opus", ".wav")


def own_files(root: Path) -> dict[Path, Reader]:
    """The files below a folder that hold texts, in the order of their names; hidden ones are passed over."""
    return {
        path: next(reader for end, reader in OWN.items() if path.name.lower().endswith(end))
        for path in own_paths(root, OWN)
    }


def holds_texts(root: Path) -> bool:
    """Whether a folder holds texts, not recordings: these have a manifest, sound files or an `audio` column.

    Raises:
        UserError: a Parquet file in it is none.
    """
    if any((root / name).is_file() for name in _OF_RECORDINGS) or any(own_paths(root, _SOUND)):
        return False
    files = own_files(root)
    return bool(files) and not any(path.suffix.lower() == ".parquet" and _has_audio(path) for path in files)


def _has_audio(path: Path) -> bool:
    with open_parquet(path) as file:
        return "audio" in file.schema_arrow.names
