"""Debian and Ubuntu packages through the machine's own apt, without root and without installing anything.

apt keeps its package lists in the cache of this project, so its own state is neither needed nor touched; the
signatures of the lists are checked with the keys and against the servers the machine is set up for.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from filelock import FileLock

from selfsown.sources.download import Bar, Origin
from selfsown.sources.failures import OriginError

_LISTS_STALE_SECONDS = 24 * 3600
_URI_LINE = re.compile(r"^'[^']+' (?P<file>\S+\.deb) (?P<bytes>\d+)", re.MULTILINE)


def machine_architecture() -> str:
    """Debian's name of this machine's architecture."""
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())


class Candidate(NamedTuple):
    """A package file that apt would download."""

    name: str
    version: str
    architecture: str
    bytes: int

    @property
    def filename(self) -> str:
        """Its name in a mirror: without the version, which differs between releases."""
        return f"{self.name}_{self.architecture}.deb"


class Apt:
    """apt-get with package lists of its own in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.lists, self.cache = folder / "lists", folder / "cache"

    def candidates(self, alternatives: Sequence[str], *, dependencies: bool) -> list[Candidate]:
        """The file of the first of the alternatives that this release has, then the libraries the machine lacks.

        Raises:
            OriginError: no apt here, no server answers, or no such package.
        """
        self._update()
        for name in alternatives:
            try:
                found = _parse(self._run("download", "--print-uris", name))
            except OriginError:
                continue
            if dependencies:
                plan = _parse(self._run("install", "--print-uris", "--yes", "--no-install-recommends", name))
                found += [c for c in plan if c.name != name and c.name.startswith("lib")]
            return found
        raise OriginError(f"apt knows no package {' or '.join(alternatives)} on this release")

    def origin(self, candidate: Candidate) -> Origin:
        """Where the candidate comes from."""
        return Origin(f"apt: {candidate.name} {candidate.version}", lambda path: self._save(candidate, path))

    def _save(self, candidate: Candidate, path: Path) -> None:
        # a folder of its own: apt-get of a killed run may still be writing to the one of that run
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            with Bar(candidate.filename, candidate.bytes) as bar:
                try:
                    self._run("download", candidate.name, cwd=Path(scratch), watch=bar.update)
                except OriginError:  # a newer version may have replaced the one in the lists
                    self._update(stale_seconds=0)
                    self._run("download", candidate.name, cwd=Path(scratch), watch=bar.update)
            got = next(Path(scratch).glob("*.deb"), None)
            if got is None:
                raise OriginError(f"apt-get wrote no file for {candidate.name}")
            shutil.move(got, path)

    def _update(self, stale_seconds: float = _LISTS_STALE_SECONDS) -> None:
        """Brings the lists up to date if they are missing or older than that."""
        stamp = self.folder / "updated"
        self.folder.mkdir(parents=True, exist_ok=True)
        with FileLock(self.folder / "lock"):
            if stamp.exists() and time.time() - stamp.stat().st_mtime < stale_seconds:
                return
            for folder in (self.lists, self.cache / "archives"):
                (folder / "partial").mkdir(parents=True, exist_ok=True)
            # one server of several failing leaves the others' lists usable: what counts is whether there is any
            self._run("update", check=False)
            if not any(self.lists.glob("*Packages*")):
                raise OriginError("apt-get update reached no package server")
            stamp.touch()

    def _run(
        self, *arguments: str, cwd: Path | None = None, check: bool = True, watch: Callable[[int], None] | None = None
    ) -> str:
        options = {
            "Dir::State::Lists": self.lists.resolve(),
            "Dir::Cache": self.cache.resolve(),
            # container images turn these two off, and apt then parses all lists anew at each call
            "Dir::Cache::pkgcache": "pkgcache.bin",
            "Dir::Cache::srcpkgcache": "srcpkgcache.bin",
            "Debug::NoLocking": "1",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
        }
        apt_get = shutil.which("apt-get")
        if apt_get is None:
            raise OriginError("this machine has no apt-get")
        command = [apt_get, "-qq", *(f"-o{key}={value}" for key, value in options.items()), *arguments]
        with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
            environment = {**os.environ, "LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}
            process = subprocess.Popen(command, cwd=cwd, env=environment, stdout=out, stderr=err)
            seen = 0
            while process.poll() is None:
                time.sleep(0.05)
                if watch is not None and cwd is not None:
                    size = sum(file.stat().st_size for file in cwd.iterdir() if file.is_file())
                    watch(size - seen)
                    seen = size
            out.seek(0)
            err.seek(0)
            if check and process.returncode != 0:
                raise OriginError(f"apt-get {arguments[0]}: {' '.join(err.read().split())[-300:]}")
            return out.read()


def _parse(printed: str) -> list[Candidate]:
    """Candidates from the lines of `--print-uris`."""
    found = []
    for line in _URI_LINE.finditer(printed):
        name, version, architecture = unquote(line["file"]).removesuffix(".deb").split("_")
        found.append(Candidate(name, version, architecture, int(line["bytes"])))
    return found
