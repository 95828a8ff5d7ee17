"""One file, from the mirror or the first of its origins that delivers: verified, and never partial under its name."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn
from urllib3.util import Retry

from selfsown import disk
from selfsown.errors import without_password
from selfsown.settings import settings
from selfsown.sources.failures import OriginError, UnreachableError, WrongDigestError
from selfsown.sources.tree import file_sha256

_CONNECT_SECONDS, _READ_SECONDS = 10, 60
_CHUNK = 1 << 20


@dataclass(frozen=True)
class Origin:
    """A place that may have the file: what to call it in an error, and how to write it to a path.

    `save` raises `OriginError` when the place does not deliver.
    """

    label: str
    save: Callable[[Path], None]


class Bar:
    """A progress bar for `total` bytes (None: unknown) on standard error, shown while it is entered."""

    def __init__(self, label: str, total: int | None) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
        self._progress = Progress(*columns, console=Console(stderr=True))
        self._task = self._progress.add_task(label, total=total)

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._progress.stop()

    def update(self, increment: int) -> None:
        """Adds `increment` bytes."""
        self._progress.update(self._task, advance=increment)


def save_url(url: str, path: Path) -> None:
    """Streams `url` into `path`.

    Raises:
        OriginError: no answer, a status other than 200, or a body cut short.
    """
    session = requests.Session()
    retries = Retry(total=2, backoff_factor=0.5, status_forcelist=(429, 502, 503, 504), raise_on_status=False)
    for scheme in ("http://", "https://"):
        session.mount(scheme, HTTPAdapter(max_retries=retries))
    # bytes as stored: a compressed transfer would hide the length that tells a whole body from a cut one
    headers = {"Accept-Encoding": "identity"}
    try:
        with session.get(url, headers=headers, stream=True, timeout=(_CONNECT_SECONDS, _READ_SECONDS)) as response:
            response.raise_for_status()
            length = int(response.headers["Content-Length"]) if "Content-Length" in response.headers else None
            with Bar(path.name.removesuffix(".part"), length) as bar, path.open("wb") as out:
                for chunk in response.iter_content(_CHUNK):
                    out.write(chunk)
                    bar.update(len(chunk))
            if length is not None and path.stat().st_size != length:
                raise OriginError(f"body cut short at {path.stat().st_size} of {length} bytes")
    except requests.RequestException as error:
        raise OriginError(str(error)) from error


def mirror_origin(source: str, file: str) -> Origin | None:
    """The mirror as an origin of `<source>/<file>`, if the setting names one."""
    mirror, folder = settings().mirror, settings().mirror_dir
    if mirror is None:
        return None
    if folder is None:
        url = f"{mirror.rstrip('/')}/{source}/{quote(file)}"
        return Origin(without_password(url), lambda path: save_url(url, path))
    held = folder / source / file

    def copy(path: Path) -> None:
        if not held.is_file():
            raise OriginError("no such file")
        shutil.copyfile(held, path)

    return Origin(str(held), copy)


def obtain(
    source: str, file: str, sha256: str | None, origins: Sequence[Origin], folder: Path, profiles: list[str]
) -> Path:
    """Puts a file into `folder` under its own name, once whole and verified.

    A file left there by a killed run is used if its digest is right. The mirror is asked first, then the origins
    in order, unless the setting `offline` forbids it.

    Args:
        sha256: the pin, or None where what is inside the file is pinned instead.
        profiles: who needs the source, for the error.

    Raises:
        WrongDigestError: a place delivered other bytes than pinned; they are deleted.
        UnreachableError: no place delivered.
        DiskFull: no room for it.
    """
    path = folder / file
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.exists() and (sha256 is None or file_sha256(path) == sha256):
        return path
    mirror = mirror_origin(source, file)
    offline = settings().offline
    tried = [] if mirror else ["the mirror: SELFSOWN_MIRROR is not set"]
    for origin in ([mirror] if mirror else []) + ([] if offline else list(origins)):
        part = path.with_name(f"{path.name}.part")
        try:
            with disk.writing(path, f"source '{source}'", scratch=part):
                origin.save(part)
        except OriginError as error:
            part.unlink(missing_ok=True)
            tried.append(f"{origin.label}: {error}")
            continue
        observed = file_sha256(part)
        if sha256 is not None and observed != sha256:
            size = part.stat().st_size
            part.unlink()
            advice = (
                f"it came from {origin.label}, {size} bytes, and was deleted. Replace it there, or change the pin in "
                f"conf/sources.yaml if the new content is meant"
            )
            raise WrongDigestError(source, file, sha256, observed, advice)
        with part.open("rb") as stream:
            os.fsync(stream.fileno())
        part.replace(path)
        return path
    if offline:
        tried.append("no origin: SELFSOWN_OFFLINE is set")
    raise UnreachableError(source, file, tried, profiles, offline)
