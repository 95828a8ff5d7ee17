"""The one fetcher: `fetch(name)` gives the folder that holds a source's verified files.

A fetched source is `<cache>/sources/<name>-<key>/` beside `<name>-<key>.json`, its manifest, which is written last.
Work in progress is in `<name>-<key>.partial/`: finished downloads there survive a kill, anything else is made anew.
They stay until the manifest is written, so that no moment of a kill costs a second download.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from pathlib import Path

from filelock import FileLock

from selfsown import disk, project
from selfsown.files import clear_temporaries
from selfsown.settings import settings
from selfsown.sources import tree
from selfsown.sources.archives import unpack
from selfsown.sources.deb import Apt, machine_architecture
from selfsown.sources.download import Origin, obtain, save_url
from selfsown.sources.failures import OriginError, SourceError, UnreachableError, UnsafeArchiveError, WrongDigestError
from selfsown.sources.hub import hub_origin
from selfsown.sources.package import package_origin
from selfsown.sources.registry import (
    REGISTRY,
    DebPackage,
    DebSource,
    FolderSource,
    HubSource,
    PackageSource,
    Source,
    UrlFile,
    UrlSource,
    find_source,
)

_log = logging.getLogger(__name__)


def fetch(name: str, *, full: bool = False, registry: Path = REGISTRY) -> Path:
    """The folder with the source's files, downloaded, verified and unpacked unless it is already there.

    The files are read-only: they are shared by all that runs on this machine.

    Args:
        full: also read every file of a folder that is already there and compare its digest.

    Raises:
        RegistryError: no such source.
        WrongDigestError: something delivered is not what the registry pins; it is deleted.
        UnreachableError: a file is in no cache, mirror or reachable origin.
        UnsafeArchiveError: an archive tries to write outside its folder.
        DiskFull: no room for it in the cache.
    """
    source = find_source(name, registry)
    store = settings().cache_dir / "sources"
    store.mkdir(parents=True, exist_ok=True)
    target = store / f"{name}-{source.key[:16]}"
    manifest = target.with_name(f"{target.name}.json")
    if isinstance(source, FolderSource):
        return _check_folder(name, source, manifest, full)
    partial = target.with_name(f"{target.name}.partial")
    if not partial.exists() and tree.damage(manifest, target, full=full) is None:
        return target
    with FileLock(target.with_name(f"{target.name}.lock")):
        reason = tree.damage(manifest, target, full=full)
        if reason is None:  # another process fetched it while this one waited, or was killed as it cleared away
            shutil.rmtree(partial, ignore_errors=True)
            return target
        if manifest.exists():
            _log.warning("source '%s' is fetched again: %s", name, reason)
        manifest.unlink(missing_ok=True)
        clear_temporaries(store, manifest.name)
        profiles = _profiles_naming(name, registry)
        root = partial / "tree"
        for stale in (target, root):
            if stale.exists():
                shutil.rmtree(stale)
        root.mkdir(parents=True)
        downloads = partial / "downloads"
        disk.check(target, f"source '{name}'", source.download_bytes - disk.bytes_below(downloads))
        try:
            with disk.writing(target, f"what is unpacked of source '{name}'", scratch=root):
                _Builder(name, downloads, root, profiles).build(source)
        except SourceError:
            shutil.rmtree(root)
            raise
        os.sync()  # once, instead of one fsync for each of thousands of files
        root.rename(target)
        tree.write_manifest(manifest, target, tree.tree_sha256(target))
        shutil.rmtree(partial)
    return target


def _check_folder(name: str, source: FolderSource, manifest: Path, full: bool) -> Path:
    """A folder of the user's own: read whole the first time, and again when its listing changed."""
    folder = source.folder
    if not folder.is_dir():
        raise UnreachableError(name, str(folder), [f"{folder}: no such folder"], [], settings().offline)
    if full or tree.damage(manifest, folder) is not None:
        observed = tree.tree_sha256(folder)
        if observed != source.sha256:
            advice = (
                f"the folder changed since it was registered: if that is meant, `selfsown source add {name} {folder}`"
            )
            raise WrongDigestError(name, str(folder), source.sha256, observed, advice)
        tree.write_manifest(manifest, folder, observed, times=True)
    return folder


def _profiles_naming(name: str, registry: Path) -> list[str]:
    """What in `conf/` names the source, for the error: `profile gpu`, `variant published`."""
    word = re.compile(rf"(?<![\w.-]){re.escape(name)}(?![\w.-])")
    files = (
        file
        for file in (project.root() / registry.parent).glob("*/*.yaml")
        if word.search(file.read_text(encoding="utf-8"))
    )
    return sorted({f"{'variant' if file.parent.name == 'variant' else 'profile'} {file.stem}" for file in files})


class _Builder:
    """Fills `root` with the files of one source; downloads pass through `downloads`."""

    def __init__(self, name: str, downloads: Path, root: Path, profiles: list[str]) -> None:
        self.name, self.downloads, self.root, self.profiles = name, downloads, root, profiles

    def build(self, source: Source) -> None:
        match source:
            case PackageSource():
                for file in source.files:
                    unpack(self._obtain(file.filename, file.sha256, package_origin(file)), self.root, file.keep)
            case UrlSource():
                for url_file in source.files:
                    self._add_url(url_file)
            case HubSource():
                for hub_file in source.files:
                    self._place(
                        self._obtain(hub_file.path, hub_file.sha256, hub_origin(source, hub_file)), hub_file.path
                    )
            case DebSource():
                apt = Apt(settings().cache_dir / "apt")
                for package in source.packages:
                    self._add_deb(package, apt)

    def _obtain(self, file: str, sha256: str | None, *origins: Origin) -> Path:
        return obtain(self.name, file, sha256, origins, self.downloads, self.profiles)

    def _place(self, download: Path, relative: str) -> None:
        path = self.root / relative
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.hardlink_to(download)  # not moved: the tree is made anew after a kill, the download is not
        except OSError:  # a file system without links
            shutil.copyfile(download, path)
        path.chmod(0o444)

    def _add_url(self, file: UrlFile) -> None:
        origins = (Origin(url, lambda path, url=url: save_url(url, path)) for url in file.urls)  # type: ignore[misc]
        download = self._obtain(file.path, file.sha256, *origins)
        if file.keep:
            unpack(download, self.root, file.keep)
        else:
            self._place(download, file.path)

    def _debs(self, package: DebPackage, apt: Apt) -> list[Path]:
        """The package's file, and those of the libraries it needs and this machine lacks."""
        # known names first: a mirror then serves a machine without apt, and one that is offline
        names = [f"{n}_{a}.deb" for n in package.alternatives for a in ("all", machine_architecture())]
        tried: list[str] = []
        found: Path | None = None
        for file in names:
            try:
                found = obtain(self.name, file, None, [], self.downloads, self.profiles)
                break
            except UnreachableError as error:
                tried += error.tried[:1]
        if settings().offline:
            if found is None:
                raise UnreachableError(self.name, names[0], tried, self.profiles, offline=True)
            if package.dependencies:
                _log.warning("offline: %s relies on the shared libraries of this machine", package.package)
            return [found]
        if found is not None and not package.dependencies:
            return [found]
        try:
            candidates = apt.candidates(package.alternatives, dependencies=package.dependencies)
        except OriginError as error:
            raise UnreachableError(self.name, names[0], [*tried, str(error)], self.profiles, offline=False) from error
        files = [self._obtain(c.filename, None, apt.origin(c)) for c in candidates[1 if found else 0 :]]
        return [found, *files] if found else files

    def _add_deb(self, package: DebPackage, apt: Apt) -> None:
        main, *libraries = self._debs(package, apt)
        try:
            written = unpack(main, self.root, package.keep)
        except UnsafeArchiveError as error:
            main.unlink()  # without a digest nothing else would keep it from being taken again
            raise UnsafeArchiveError(f"source '{self.name}': {error}; the file was deleted") from error
        observed = tree.tree_sha256(self.root, written)
        if package.sha256 is not None and observed != package.sha256:
            main.unlink()
            advice = (
                "the unpacked files were compared, and deleted. Another Debian or Ubuntu release may hold other "
                "content under the same name: put the pinned version into SELFSOWN_MIRROR, or pin the new digest"
            )
            raise WrongDigestError(self.name, main.name, package.sha256, observed, advice)
        for library in libraries:
            unpack(library, self.root, ("*/lib/*.so*", "lib/*.so*", "*/copyright"))
