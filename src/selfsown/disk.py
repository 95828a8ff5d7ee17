"""Room on a disk: asked for before long work, and where it runs out half-way, one line instead of a traceback."""

from __future__ import annotations

import errno
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selfsown.errors import UserError

FULL = (errno.ENOSPC, errno.EDQUOT)

# Where no errno says it: safetensors, quotas, SQLite, torch, and NumPy, which only knows how far it came.
SAID = ("No space left on device", "quota exceeded", "disk is full", "inline_container", "requested and")


class DiskFull(UserError):
    """A disk has too little room; the message names the path, what was to be written and how much is missing."""


def free(path: Path) -> int:
    """Bytes that may still be written where a path is, or is to be."""
    return shutil.disk_usage(next(there for there in (path, *path.absolute().parents) if there.exists())).free


def check(path: Path, what: str, size: int) -> None:
    """Ask for room before work starts.

    Args:
        path: where it will be written.
        what: is written there, for the error.
        size: bytes of all of it that are not there yet.

    Raises:
        DiskFull: fewer are free.
    """
    there = free(path)
    if there < size:
        raise DiskFull(_message(path, what, size, there))


@contextmanager
def writing(path: Path, what: str, size: int = 0, *, scratch: Path | None = None) -> Iterator[None]:
    """A disk that is full while a path is written is a `DiskFull`, whichever library notices it.

    Args:
        size: bytes of what is written, if that is known.
        scratch: what is half written then, and is removed.
    """
    try:
        yield
    except Exception as error:
        if isinstance(error, DiskFull) or not is_full(error):
            raise
        if scratch is not None and scratch.is_dir():
            shutil.rmtree(scratch, ignore_errors=True)
        elif scratch is not None:
            scratch.unlink(missing_ok=True)
        named = getattr(error, "filename", None)
        place = Path(named) if isinstance(named, str) and not scratch else path
        raise DiskFull(_message(place, what, size, free(place))) from error


def is_full(error: BaseException | None) -> bool:
    """Whether a full disk is behind an error, or behind what it was raised from."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        if not isinstance(error, UserError) and any(words in str(error) for words in SAID):
            return True
        error = error.__cause__ or error.__context__
    return False


def bytes_below(folder: Path) -> int:
    """Bytes of all files and links in a folder, 0 where there is none."""
    return sum(path.lstat().st_size for path in folder.rglob("*") if not path.is_dir() or path.is_symlink())


def in_words(size: float) -> str:
    """`1.5 GB`."""
    power = next((power for power in range(4) if size < 999.5 * 1000**power), 4)
    return f"{size / 1000**power:.3g} {('bytes', 'kB', 'MB', 'GB', 'TB')[power]}"


def _message(path: Path, what: str, size: int, there: int) -> str:
    missing = f"{in_words(size)}, {in_words(size - there)} more than are free" if size > there else (
        f"more than the {in_words(there)} that are free now"
    )  # fmt: skip
    return f"{path}: the disk is full: {what} needs {missing}; make room and start again, what is finished is kept"
