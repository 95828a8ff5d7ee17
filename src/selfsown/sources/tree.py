"""A folder's digest, and the manifest that says a fetched folder is whole.

The digest covers paths, file contents and link targets; times, owners and permissions are not data.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from selfsown.files import write_atomic
from selfsown.sources.failures import SourceError

Listing = dict[str, list[int | str]]
"""Relative path -> [bytes] or [bytes, time of change in ns] of a file, or [link target]."""


def file_sha256(path: Path) -> str:
    """Hex sha256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def walk(root: Path) -> Iterator[str]:
    """Relative paths, with `/`, of all files and links below `root`, in no fixed order; folders are not listed.

    Raises:
        SourceError: a name is not UTF-8.
    """
    for folder, subfolders, files in os.walk(root):
        linked = [name for name in subfolders if Path(folder, name).is_symlink()]
        for name in files + linked:
            path = Path(folder, name).relative_to(root).as_posix()
            if not path.isascii() and os.fsencode(path) != path.encode(errors="surrogatepass"):
                raise SourceError(f"{root}: the name of the file {os.fsencode(path)!r} is not UTF-8: rename it")
            yield path


def check_names(root: Path) -> None:
    """A look at the names of all files.

    Raises:
        SourceError: one is not UTF-8.
    """
    for _ in walk(root):
        pass


def tree_sha256(root: Path, paths: Iterable[str] | None = None) -> str:
    """Hex sha256 over the given relative paths (default: all) and what they hold."""
    digest = hashlib.sha256()
    for relative in sorted(walk(root) if paths is None else paths):
        path = root / relative
        content = f"link {path.readlink()}" if path.is_symlink() else f"file {file_sha256(path)}"
        digest.update(f"{relative}\0{content}\n".encode())
    return digest.hexdigest()


def listing(root: Path, *, times: bool) -> Listing:
    """What a look at the folder shows without reading its files."""
    found: Listing = {}
    for relative in walk(root):
        path = root / relative
        state = path.lstat()
        if path.is_symlink():
            found[relative] = [str(path.readlink())]
        elif times:
            found[relative] = [state.st_size, state.st_mtime_ns]
        else:
            found[relative] = [state.st_size]
    return dict(sorted(found.items()))


def write_manifest(manifest: Path, root: Path, sha256: str, *, times: bool = False) -> None:
    """Marks `root` as whole. Written last, so that a folder without a manifest is known to be unfinished.

    Args:
        times: also note when each file changed: for folders that others write to. A cache may be copied, which
            changes times.
    """
    record = {"sha256": sha256, "times": times, "files": listing(root, times=times)}
    write_atomic(manifest, json.dumps(record, ensure_ascii=False).encode())


def damage(manifest: Path, root: Path, *, full: bool = False) -> str | None:
    """Why `root` can not be used as it is, or None if it is what its manifest says.

    The cheap check compares names, sizes and link targets, and times where they were noted; `full` also reads
    every file.
    """
    if not manifest.exists() or not root.is_dir():
        return "not there, or not finished"
    try:
        record = json.loads(manifest.read_text(encoding="utf-8"))
        files, sha256, times = record["files"], record["sha256"], record["times"]
    except (ValueError, KeyError):
        return "its manifest can not be read"
    present = listing(root, times=times)
    if present != files:
        changed = {path for path in present.keys() | files if present.get(path) != files.get(path)}
        return f"changed since it was made: {', '.join(sorted(changed)[:5])}"
    if full and tree_sha256(root) != sha256:
        return "content changed since it was made"
    return None
