"""Where the project is: found from a folder inside it, as git and DVC find theirs, and from a copy of it."""

from __future__ import annotations

from pathlib import Path

MARK = Path(".dvc/config")

COPIES = (Path(".dvc/tmp/exps"), Path(".selfsown/study"))
"""Folders of a project in which copies of it run: experiments and studies."""


def root() -> Path:
    """The folder that `params.yaml`, `conf/` and the paths of every `dvc.yaml` are below.

    The nearest one, at the working directory or above it, that has DVC's configuration; else the working directory.
    """
    here = Path.cwd()
    return next((folder for folder in (here, *here.parents) if (folder / MARK).is_file()), here)


def home() -> Path:
    """The root, or, where that is a copy in which an experiment or a study runs, the project that it was copied from.

    What git does not know, and no copy has, is here: `.env`, tracked runs, recordings of one's own.
    """
    here = root()
    for folder in here.parents:
        for within in COPIES:
            if folder.parts[-len(within.parts) :] == within.parts:
                return folder.parents[len(within.parts) - 1]
    return here
