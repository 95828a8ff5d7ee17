"""A project that was moved or copied takes its tracked files along: MLflow keeps whole paths in its database."""

from __future__ import annotations

import logging
import sqlite3
from contextlib import closing
from pathlib import Path
from urllib.parse import unquote, urlsplit

log = logging.getLogger(__name__)

PLACES = (
    ("experiments", "artifact_location"), ("runs", "artifact_uri"), ("logged_models", "artifact_location"),
    ("model_versions", "source"), ("model_versions", "storage_location"),
)  # fmt: skip
"""Columns of MLflow's tables that hold the place of a file."""


def follow(database: Path, artifacts: Path) -> None:
    """Point the experiments of an SQLite database at their folders in `artifacts`, where they lay beside it elsewhere.

    An experiment whose files are still where the database says, and not here, stays as it is.
    """
    if not database.is_file():
        return
    with closing(sqlite3.connect(database)) as opened:
        try:
            known = opened.execute("SELECT name, artifact_location FROM experiments").fetchall()
        except sqlite3.DatabaseError:  # not MLflow's, or not yet: it says so itself
            return
        for name, there in known:
            here = artifacts / name
            beside = here.as_uri().removeprefix(artifacts.parent.as_uri())
            if not there or there == here.as_uri() or not there.endswith(beside):
                continue
            if Path(unquote(urlsplit(there).path)).is_dir() and not here.is_dir():
                continue
            log.warning("tracking: %s was moved: the files of %s are in %s now", database, name, artifacts)
            with opened:
                for table, column in PLACES:
                    opened.execute(
                        f"UPDATE {table} SET {column} = ? || substr({column}, ?) "  # noqa: S608 - our own words
                        f"WHERE substr({column} || '/', 1, ?) = ?",
                        (here.as_uri(), len(there) + 1, len(there) + 1, f"{there}/"),
                    )
