"""Which source files a stage reaches: the one answer to "is it still the same code?".

DVC's dependencies, the identity under which half-done work goes on, and the key of a study's seeds all come from here.
A file is reached when a chain of imports leads to it from the stage's own file, at the top of a module or inside a
function, and the packages on the way are executed too. Left out is the machinery, which decides where and how work
runs and no byte of what it makes, and files that hold nothing but a docstring.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path

PACKAGE = Path(__file__).resolve().parent

MACHINERY = frozenset(
    {
        "cli", "closure", "device", "disk", "errors", "examples", "files", "identity", "launcher", "params", "products",
        "project", "settings", "sources", "stage", "tracking", "unfinished", "workers"
    }
)  # fmt: skip
"""Modules and packages at the top of `selfsown` that are not followed.

`sources` is one of them because what it brings is pinned by sha256. What decides bytes (seeds and orders, the writing
of Parquet, normal forms) never belongs here.
"""


def reached(stage: Path) -> tuple[Path, ...]:
    """The files that decide what a stage's file makes, itself among them, sorted."""
    seen: set[Path] = set()
    stage = stage.resolve()
    ahead = {stage, *_executed(stage.parent.relative_to(PACKAGE).parts if stage.is_relative_to(PACKAGE) else ())}
    while ahead:
        seen |= ahead
        names = {name for known in ahead for name in _names(known)}
        ahead = {file for name in names if name[0] not in MACHINERY for file in _executed(name)} - seen
    data = {file for folder in {known.parent for known in seen} for file in _data_files(folder)}
    return tuple(sorted(data.union(file for file in seen if _says_something(file))))


def reads_sources(stage: Path) -> bool:
    """Whether a stage's file, or one that it reaches, asks the registry of sources."""
    return any(name[0] == "sources" for file in reached(stage) for name in _names(file))


def digest(stage: Path) -> str:
    """Sha256 over the files that a stage's file reaches: their places in the package and their bytes."""
    made = hashlib.sha256()
    for file in reached(stage):
        made.update(_place(file).as_posix().encode() + b"\0" + hashlib.sha256(file.read_bytes()).digest())
    return made.hexdigest()


def in_folders(files: Iterable[Path]) -> list[Path]:
    """The same files in as few places as possible: a folder stands for all in it where every file of it is there."""
    wanted = set(files)
    places: list[Path] = []
    for file in sorted(wanted):
        if any(file.is_relative_to(place) for place in places):
            continue
        above = [folder for folder in reversed(file.parents) if folder.is_relative_to(PACKAGE) and folder != PACKAGE]
        whole = (folder for folder in above if set(_members(folder)) <= wanted)
        places.append(next(whole, file))
    return places


def _place(file: Path) -> Path:
    """Where a file stands in the package; a stage of a test stands outside."""
    return file.relative_to(PACKAGE) if file.is_relative_to(PACKAGE) else Path(file.name)


def _executed(name: Sequence[str]) -> Iterator[Path]:
    """The files that importing a name of this package executes; its last part may name something in a module."""
    for depth in range(1, len(name) + 1):
        folder = PACKAGE.joinpath(*name[:depth])
        yield from (file for file in (folder.with_suffix(".py"), folder / "__init__.py") if file.is_file())


def _names(file: Path) -> list[tuple[str, ...]]:
    """What a file imports of this package, by the parts of the dotted names after the package's own."""
    found = _parsed(PACKAGE.name / _place(file), file.read_bytes())[0] if file.suffix == ".py" else ()
    return [tuple(rest) for first, *rest in (name.split(".") for name in found) if first == PACKAGE.name and rest]


def _says_something(file: Path) -> bool:
    return _parsed(PACKAGE.name / _place(file), file.read_bytes())[1]


@cache
def _parsed(place: Path, source: bytes) -> tuple[frozenset[str], bool]:
    """All that a module imports, as dotted names, and whether it holds more than a docstring."""
    tree = ast.parse(source)
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = place.parts[: -node.level] if node.level else ()
            names.update(".".join([*above, *filter(None, [node.module]), alias.name]) for alias in node.names)
    only_words = all(isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) for node in tree.body)
    return frozenset(names), not only_words


def _data_files(folder: Path) -> Iterator[Path]:
    """Templates and the like: what a package holds beside its modules, in folders without modules too.

    What an editor leaves for a moment (`.name.swp`, `name~`) is none of it.
    """
    if not folder.is_relative_to(PACKAGE):
        return
    for path in folder.iterdir():
        if path.name.startswith((".", "__pycache__")) or path.name.endswith("~"):
            continue
        if path.is_file() and path.suffix not in (".py", ".pyc"):
            yield path
        elif path.is_dir() and not any(path.glob("*.py")):
            yield from _data_files(path)


def _members(folder: Path) -> Iterator[Path]:
    """The files that must be reached for a folder to stand for them."""
    modules = list(folder.rglob("*.py"))
    yield from (file for file in modules if _says_something(file))
    for inner in {folder, *(file.parent for file in modules)}:
        yield from _data_files(inner)
