"""The addresses of stores: the one in use, the local record, and how each is said so that it survives a move.

`MLFLOW_TRACKING_URI` names the store; unset, it is `mlflow.db` in the project, with files under `mlartifacts/`. The
local record is `.selfsown/offline.db`. A database file that is named without its folders is the project's.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import unquote, urlsplit

from dotenv import load_dotenv

from selfsown.errors import UserError, without_password
from selfsown.project import home
from selfsown.settings import settings

SETTING = "MLFLOW_TRACKING_URI"
SERVERS = ("http", "https")
DATABASES = ("postgresql", "mysql", "mssql")
FILE = re.compile(r"(?P<scheme>sqlite(?:\+\w+)?):///(?P<path>[^?]+)(?P<query>\?.*)?")


def private() -> Path:
    """`.selfsown/`, or what `SELFSOWN_WORK` names: run states and the local record; never committed."""
    folder = settings().work_dir or home() / ".selfsown"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def tracking_uri() -> str:
    """The store in use. `.env` may name it, and hold the credentials MLflow reads from the environment.

    A server's address is without the password that it was set with, which goes into the environment: MLflow says the
    address of a server in its errors and its log.

    Raises:
        UserError: the setting is no address of a store, such as that of a server without `http://`.
    """
    load_dotenv(home() / ".env")
    uri = resolved(os.environ.get(SETTING, "").strip() or "sqlite:///mlflow.db")
    parts = urlsplit(uri)
    if not (uri.startswith(SERVERS) and parts.username and parts.password):
        return uri
    os.environ["MLFLOW_TRACKING_USERNAME"] = unquote(parts.username)
    os.environ["MLFLOW_TRACKING_PASSWORD"] = unquote(parts.password)
    return without_password(uri)


def offline_uri() -> str:
    """The local record."""
    return f"sqlite:///{private() / 'offline.db'}"


def resolved(uri: str) -> str:
    """The address with the whole path of a database file, which counts from the project.

    Raises:
        UserError: no address of a store.
    """
    if file := FILE.fullmatch(uri):
        return f"{file['scheme']}:///{home() / file['path']}{file['query'] or ''}"
    shown = without_password(uri)
    if "@" in shown:  # what stands before it may be half a password, so nothing is shown
        raise UserError(
            f"{SETTING}: this address is not allowed: it has an @ after a /, ?, # or space; in a password write those "
            "as %2F, %3F, %23 and %20, elsewhere write the @ as %40"
        )
    try:
        parts = urlsplit(uri)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UserError(f"{SETTING}: {shown!r} is not allowed: {error}") from None
    kind = parts.scheme.partition("+")[0]
    if (kind in SERVERS and host) or (kind in DATABASES and "://" in uri):
        return uri
    if re.fullmatch(r"[\w.-]*[\w-](:\d+)?(/[^:]*)?", shown.rpartition("@")[2]) and not kind.startswith("sqlite"):
        raise UserError(
            f"{SETTING}: {shown!r} is not allowed: http:// is missing: http://{shown}, or sqlite:///{shown} for a file"
        )
    raise UserError(
        f"{SETTING}: {shown!r} is not allowed: expected http://HOST:PORT, https://HOST, sqlite:///FILE, or a database "
        "such as postgresql://USER:PASSWORD@HOST/NAME"
    )


def database_file(uri: str) -> Path | None:
    """The file of a database that is one, else None."""
    file = FILE.fullmatch(uri)
    return Path(file["path"]) if file else None


def portable(uri: str) -> str:
    """The address as it is kept in a file: that of a database in the project counts from there, wherever it moves."""
    file, here = database_file(uri), home()
    if file is None or not file.is_relative_to(here):
        return uri
    return uri.replace(str(file), file.relative_to(here).as_posix(), 1)


def runs_page(at: str, experiment_id: str) -> str:
    """The page of an experiment's runs; without the workflow type MLflow 3 opens an empty one about traces."""
    return f"{without_password(at).rstrip('/')}/#/experiments/{experiment_id}/runs?workflowType=machine_learning"
