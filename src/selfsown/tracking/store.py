"""Where runs are written: the tracking server or database in use, and the local record for when it is away.

`MLFLOW_TRACKING_URI` names the store; unset, it is `mlflow.db` in the project, with files under `mlartifacts/`. The
local record is `.selfsown/offline.db`. MLflow takes seconds to import, so it is imported only where a client is made.
"""

from __future__ import annotations

import logging
import os
import socket
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from dotenv import load_dotenv

from selfsown.errors import first_line

if TYPE_CHECKING:
    from mlflow import MlflowClient

PREFLIGHT_SECONDS = 3.0
DATABASE_PORTS = {"postgresql": 5432, "mysql": 3306, "mssql": 1433}
CLIENT_DEFAULTS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    # MLflow's own defaults keep a stage waiting for many minutes on a server that went away
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "3",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "60",
}


COPIES = (Path(".dvc/tmp/exps"), Path(".selfsown/study"))
"""Folders of a project in which copies of it run: experiments and studies."""


def home() -> Path:
    """The project's folder: the working directory, or the project that it is a copy of."""
    here = Path.cwd()
    for folder in here.parents:
        for within in COPIES:
            if folder.parts[-len(within.parts) :] == within.parts:
                return folder.parents[len(within.parts) - 1]
    return here


def private() -> Path:
    """`.selfsown/`: run states and the local record; never committed."""
    folder = home() / ".selfsown"
    folder.mkdir(exist_ok=True)
    return folder


def tracking_uri() -> str:
    """The store in use. `.env` may name it, and hold the credentials MLflow reads from the environment."""
    load_dotenv(home() / ".env")
    return os.environ.get("MLFLOW_TRACKING_URI") or f"sqlite:///{home() / 'mlflow.db'}"


def offline_uri() -> str:
    """The local record."""
    return f"sqlite:///{private() / 'offline.db'}"


def why_away(uri: str, timeout: float = PREFLIGHT_SECONDS) -> str | None:
    """Why a store cannot be reached within `timeout` seconds, or None if it answers; never raises."""
    parts = urlsplit(uri)
    try:
        if parts.scheme in ("http", "https"):
            status = requests.get(f"{uri.rstrip('/')}/health", timeout=timeout).status_code
            return f"it answers {status}" if status >= 500 else None
        port = parts.port or DATABASE_PORTS.get(parts.scheme.partition("+")[0])
        if parts.hostname and port:
            socket.create_connection((parts.hostname, port), timeout).close()
    except (OSError, ValueError) as error:
        return first_line(error)
    return None


def connect(uri: str) -> MlflowClient:
    """A client of that store for runs and models alike; makes the database of a local one."""
    for key, value in CLIENT_DEFAULTS.items():
        os.environ.setdefault(key, value)
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):  # migrations and "view run at": noise between the stage's own lines
        logging.getLogger(name).setLevel(logging.WARNING)
    return MlflowClient(tracking_uri=uri, registry_uri=uri)


def experiment_id(client: MlflowClient, name: str) -> str:
    """The experiment of that name, made or restored if need be."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        try:
            return client.create_experiment(name, artifact_location=_artifact_folder(client.tracking_uri, name))
        except MlflowException:  # another process was faster
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def _artifact_folder(uri: str, experiment: str) -> str | None:
    """A server decides itself where artefacts go; a database we write to directly keeps them in the project."""
    if urlsplit(uri).scheme in ("http", "https"):
        return None
    root = private() / "artifacts" if uri == offline_uri() else home() / "mlartifacts"
    return (root / experiment).as_uri()


def is_outage(error: Exception) -> bool:
    """Whether the store is to blame for an error, not what we sent."""
    from mlflow.exceptions import MlflowException

    if type(error).__module__.partition(".")[0] in ("boto3", "botocore"):  # artefacts that go to S3 directly
        return True
    if isinstance(error, MlflowException):
        return error.error_code not in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST")
    return isinstance(error, requests.RequestException)
