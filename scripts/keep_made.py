"""Keep what a run changes of the files that git tracks, so that a run which was killed goes on in another checkout.

    python scripts/keep_made.py watch FOLDER     # copies what changes, until its parent ends
    python scripts/keep_made.py save FOLDER      # copies once
    python scripts/keep_made.py restore FOLDER   # puts it where nothing is changed yet

These are lock files, metrics and the results page. Without the lock of a stage that keeps its output while it works DVC
runs it again: such stages are in no run cache. A copy lies at FOLDER/BLOB/PATH, where BLOB is git's id of what was
committed as PATH (`new`: nothing). It goes back over that alone, never over what was committed since.
"""

import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import yaml

from selfsown.files import write_atomic
from selfsown.params import read_yaml
from selfsown.workers import die_with_parent

NEW = "new"
MADE = ("dvc.lock", "pipelines/*/dvc.lock", "metrics", "reports/results.md", "docs/dag.svg")
SECONDS = 5.0
SETTLED = 2.0
"""Seconds without a change after which nobody is at work on a file: DVC writes its lock files in place."""


def changed() -> list[Path]:
    """The files of a run that differ from the commit, new ones among them."""
    status = "--no-optional-locks status --porcelain -z --no-renames --untracked-files=all --"
    asked = ["git", *status.split(), *MADE]
    lines = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split("\0")
    return [path for line in lines if line and (path := Path(line[3:])).is_file()]


def committed() -> dict[Path, str]:
    """Git's id of what is committed, by path."""
    asked = ["git", "ls-tree", "-r", "-z", "HEAD"]
    lines = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split("\0")
    return {Path(path): about.split()[2] for about, _, path in (line.partition("\t") for line in lines if line)}


def is_whole(path: Path) -> bool:
    """A lock file whose writer was killed half-way is mostly no YAML, or no mapping with stages."""
    if path.name != "dvc.lock":
        return True
    try:
        return "stages" in (read_yaml(path) or {})
    except (yaml.YAMLError, TypeError):
        return False


def save(folder: Path, settled: float = 0.0) -> None:
    """Copy what is changed, not there yet, and has been left alone for so many seconds."""
    blobs = committed()
    for path in changed():
        copy = folder / blobs.get(path, NEW) / path
        with suppress(FileNotFoundError):  # DVC removes a stage's outputs before it runs
            if time.time() - path.stat().st_mtime < settled:
                continue
            made = path.read_bytes()
            if (not copy.is_file() or copy.read_bytes() != made) and is_whole(path):
                copy.parent.mkdir(parents=True, exist_ok=True)
                write_atomic(copy, made)


def restore(folder: Path) -> None:
    """Put back what was kept, over what is as it was committed then."""
    ours, blobs = set(changed()), committed()
    for copy in sorted(folder.rglob("*")):
        blob, *parts = copy.relative_to(folder).parts
        path = Path(*parts)
        if copy.is_file() and copy.suffix != ".tmp" and path not in ours and blobs.get(path, NEW) == blob:
            path.parent.mkdir(parents=True, exist_ok=True)
            write_atomic(path, copy.read_bytes())


def main(command: str, folder: str) -> None:
    """Do what the docstring says."""
    if command == "watch":
        die_with_parent()
        while True:
            save(Path(folder), SETTLED)
            time.sleep(SECONDS)
    {"save": save, "restore": restore}[command](Path(folder))


if __name__ == "__main__":
    main(*sys.argv[1:])
