"""`selfsown clean`: what may go because it can be made again, with its size; nothing is removed before it was shown.

DVC's cache is not among it: `dvc gc` knows what other branches and experiments need.
"""

from __future__ import annotations

import re
import shutil
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from selfsown import disk
from selfsown.project import home
from selfsown.settings import settings
from selfsown.sources.registry import load_registry
from selfsown.tracking.active import SYNC_DONE
from selfsown.tracking.state import states
from selfsown.tracking.uri import database_file, offline_uri, private
from selfsown.unfinished import FOLDER, WORK


@dataclass(frozen=True)
class Leftover:
    """Files and folders that go together, and why they may."""

    why: str
    paths: tuple[Path, ...]

    @property
    def size(self) -> int:
        """Bytes of all of it."""
        return sum(disk.bytes_below(p) if p.is_dir() and not p.is_symlink() else p.lstat().st_size for p in self.paths)

    def __str__(self) -> str:
        return f"{disk.in_words(self.size):>10}  {self.paths[0]}: {self.why}"

    def remove(self) -> None:
        """Remove it; sources are read-only, and go all the same."""
        for path in self.paths:
            if path.is_symlink() or path.is_file():
                path.unlink()
                continue
            for folder in (path, *(below for below in path.rglob("*") if below.is_dir() and not below.is_symlink())):
                folder.chmod(0o755)
            shutil.rmtree(path)


def leftovers(days: int) -> list[Leftover]:
    """What may go; unfinished work and studies' clones that changed in the last days stay."""
    before = time.time() - 86400 * days
    return [*_old_sources(), *_abandoned(before), *_finished_studies(before), *_uploaded()]


def _old_sources() -> Iterator[Leftover]:
    """Downloads of sources, by name and digest, that the registry has no more."""
    store = settings().cache_dir / "sources"
    named = {f"{name}-{source.key[:16]}" for name, source in load_registry().items()}
    groups: dict[str, list[Path]] = {}
    for path in sorted(store.iterdir()) if store.is_dir() else ():
        name = path.name
        for ending in (".json", ".lock", ".partial"):
            name = name.removesuffix(ending)
        groups.setdefault(name, []).append(path)
    for name, paths in groups.items():
        if name not in named and not name.startswith("."):
            yield Leftover("no source of conf/sources.yaml; it would be fetched again", tuple(paths))


def _abandoned(before: float) -> Iterator[Leftover]:
    """Half-done work, here and on the disk that `SELFSOWN_WORK` names, and what a killed upload left."""
    works = [path for place in ("data", "models") for path in (home() / place).rglob(WORK)]
    works += sorted((private() / FOLDER).glob("*"))
    for path in works:
        if _changed(path) < before:
            yield Leftover("unfinished work that nothing has gone on with", (path,))
    for path in private().glob("tmp*"):
        if path.is_dir() and _changed(path) < before:
            yield Leftover("of a model that was not registered to the end", (path,))


def _finished_studies(before: float) -> Iterator[Leftover]:
    """Clones of studies whose seeds are merged: what counts of them is in metrics/."""
    for clone in (home() / ".selfsown/study").glob("*"):
        study = re.sub(r"-[1-9]\d*$", "", clone.name)  # `make study AT_ONCE=2` has a clone a lane
        merged = any((home() / f"metrics/{name}.json").is_file() for name in (clone.name, study))
        if merged and _changed(clone) < before:
            yield Leftover("the clone of a study whose result is in metrics/", (clone,))


def _uploaded() -> Iterator[Leftover]:
    """The local record, once the server has all of it and no unfinished run goes on in it."""
    file = database_file(offline_uri())
    if file is None or not file.is_file() or any(state.uri == offline_uri() for state in states()):
        return
    with closing(sqlite3.connect(f"{file.as_uri()}?mode=ro", uri=True)) as opened:
        asked = (
            "SELECT count(*), count(tags.key) FROM runs "
            "LEFT JOIN tags ON tags.run_uuid = runs.run_uuid AND tags.key = ?"
        )
        runs, uploaded = opened.execute(asked, (SYNC_DONE,)).fetchone()
    if 0 < runs == uploaded:
        paths = (file, private() / "artifacts")
        yield Leftover("the record of runs, all uploaded", tuple(path for path in paths if path.exists()))


def _changed(path: Path) -> float:
    """When a path, or what is in it, was last changed."""
    return max(p.lstat().st_mtime for p in (path, *path.rglob("*")))
