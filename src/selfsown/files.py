"""Files that are whole or not there: written under another name, synced, renamed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selfsown import disk


def write_atomic(path: Path, data: bytes) -> None:
    """Write under a temporary name, fsync, rename: after a kill the path holds the old bytes or the new, whole.

    Raises:
        DiskFull: no room for them; the old bytes stay.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with disk.writing(path, "this file", len(data), scratch=temporary):
        with temporary.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)


def write_json(path: Path, value: object) -> None:
    """Write one of the files that people and DVC read, whole or not at all, its folder made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, json.dumps(value, indent=1, ensure_ascii=False).encode() + b"\n")


def clear_temporaries(folder: Path, name: str = "*") -> None:
    """Remove what a killed `write_atomic` left, of one name or all, where nothing else writes at the time."""
    for path in folder.glob(f".{name}.*.tmp"):
        path.unlink()


@contextmanager
def whole_folder(out: Path) -> Iterator[Path]:
    """An empty folder to fill, which then takes the place of `out`; what a killed one left is cleared first."""
    made = out.with_name(f".{out.name}.tmp")
    shutil.rmtree(made, ignore_errors=True)
    made.mkdir(parents=True)
    try:
        with disk.writing(out, "what is put into this folder", scratch=made):
            yield made
            shutil.rmtree(out, ignore_errors=True)
            made.rename(out)
    finally:
        shutil.rmtree(made, ignore_errors=True)
