"""Unpacking of wheels, sdists, zip files and Debian packages into a folder that nothing can be written outside of."""

from __future__ import annotations

import fnmatch
import lzma
import posixpath
import shutil
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import zstandard
from debian.arfile import ArError, ArFile

from selfsown.sources.failures import UnsafeArchiveError

_READ_ONLY = 0o444
_EXECUTABLE = 0o555


def unpack(archive: Path, root: Path, keep: tuple[str, ...]) -> list[str]:
    """Unpacks the members of a zip, tar or deb that match one of the globs `keep`.

    Returns:
        The relative paths of the files and links written.

    Raises:
        UnsafeArchiveError: a member leaves `root`, is a device, would replace a file, no member matches, or it is no
            archive at all.
    """
    try:
        written = _unpack(archive, root, keep)
    except (ArError, EOFError, lzma.LZMAError, tarfile.TarError, zipfile.BadZipFile, zstandard.ZstdError) as error:
        raise UnsafeArchiveError(f"{archive.name} cannot be read as an archive: {error}") from error
    if not written:
        raise UnsafeArchiveError(f"{archive.name}: no member matches {', '.join(keep)}")
    return written


def _unpack(archive: Path, root: Path, keep: tuple[str, ...]) -> list[str]:
    if zipfile.is_zipfile(archive):
        return _unpack_zip(archive, root, keep)
    if archive.suffix == ".deb":
        with _deb_data(archive) as members:
            return _unpack_tar(archive, members, root, keep)
    with tarfile.open(archive) as members:
        return _unpack_tar(archive, members, root, keep)


def _inside(name: str, archive: Path) -> str:
    """The member's name as a clean relative path."""
    clean = posixpath.normpath(name)
    if clean.startswith(("/", "../")) or clean == ".." or "\\" in name or "\0" in name:
        raise UnsafeArchiveError(f"{archive.name}: member {name!r} would be written outside its folder")
    return clean


def _wanted(name: str, keep: tuple[str, ...]) -> bool:
    return any(fnmatch.fnmatchcase(name, pattern) for pattern in keep)


def _free_path(root: Path, name: str, archive: Path) -> Path:
    """Where to write the member: not there yet, and reached without passing through a link."""
    path = root / name
    if any((root / parent).is_symlink() for parent in Path(name).parents if parent != Path()):
        raise UnsafeArchiveError(f"{archive.name}: member {name!r} would be written through a link")
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.is_symlink() or path.exists():
        raise UnsafeArchiveError(f"{archive.name}: member {name!r} would replace a file that is already there")
    return path


def _write(stream: IO[bytes], path: Path, executable: bool) -> None:
    with path.open("xb") as out:
        shutil.copyfileobj(stream, out, 1 << 20)
    path.chmod(_EXECUTABLE if executable else _READ_ONLY)


def _link_target(name: str, target: str, archive: Path) -> str:
    """A link target that stays inside: `/` in a package means the root of the tree it is unpacked into."""
    folder = posixpath.dirname(name)
    at = posixpath.normpath(target.lstrip("/") if target.startswith("/") else posixpath.join(folder, target))
    if at.startswith("../") or at == "..":
        raise UnsafeArchiveError(f"{archive.name}: link {name!r} leads outside its folder, to {target!r}")
    return posixpath.relpath(at, folder or ".")


def _unpack_zip(archive: Path, root: Path, keep: tuple[str, ...]) -> list[str]:
    written = []
    with zipfile.ZipFile(archive) as members:
        for info in members.infolist():
            name = _inside(info.filename, archive)
            if info.is_dir() or not _wanted(name, keep):
                continue
            with members.open(info) as stream:
                _write(stream, _free_path(root, name, archive), executable=False)
            written.append(name)
    return written


def _unpack_tar(archive: Path, members: tarfile.TarFile, root: Path, keep: tuple[str, ...]) -> list[str]:
    written = []
    for info in members:
        name = _inside(info.name, archive)
        if info.isdir() or not _wanted(name, keep):
            continue
        if info.issym():
            _free_path(root, name, archive).symlink_to(_link_target(name, info.linkname, archive))
        elif info.isreg() or info.islnk():
            stream = members.extractfile(info)
            if stream is None:
                raise UnsafeArchiveError(f"{archive.name}: hard link {name!r} points at nothing in the archive")
            _write(stream, _free_path(root, name, archive), executable=bool(info.mode & 0o100))
        else:
            raise UnsafeArchiveError(f"{archive.name}: member {name!r} is neither file, folder nor link")
        written.append(name)
    return written


@contextmanager
def _deb_data(archive: Path) -> Iterator[tarfile.TarFile]:
    """The `data.tar.*` of a Debian package. Ubuntu packs with zstd, which `tarfile` can not read before Python 3.14."""
    with tempfile.TemporaryFile() as plain, archive.open("rb") as package:
        member = next((m for m in ArFile(fileobj=package).getmembers() if m.name.startswith("data.tar")), None)
        if member is None:
            raise UnsafeArchiveError(f"{archive.name} holds no data.tar: it is not a Debian package")
        if member.name.endswith(".zst"):
            zstandard.ZstdDecompressor().copy_stream(member, plain)  # type: ignore[arg-type]  # an ArMember reads like a file
            plain.seek(0)
            with tarfile.open(fileobj=plain) as members:
                yield members
        else:
            with tarfile.open(fileobj=member) as members:  # type: ignore[call-overload]  # an ArMember reads like a file
                yield members
