"""Stores of runs and models: whether one answers, clients of it, its experiments, and what its errors mean.

MLflow takes seconds to import, so it is imported only where a client is made.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import requests
from filelock import FileLock

from selfsown.errors import UserError, first_line, without_password
from selfsown.params import read_yaml
from selfsown.project import home, root
from selfsown.tracking import moved
from selfsown.tracking.uri import SERVERS, database_file, offline_uri, private, tracking_uri

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


def why_away(uri: str, timeout: float = PREFLIGHT_SECONDS) -> str | None:
    """Why a store cannot be reached within `timeout` seconds, or None if it answers; never raises."""
    if (file := database_file(uri)) is not None:
        return None if file.parent.is_dir() else f"{file.parent}: no such folder"
    parts = urlsplit(uri)
    try:
        if parts.scheme in SERVERS:
            status = requests.get(f"{uri.rstrip('/')}/health", timeout=timeout).status_code
            return f"it answers {status}" if status >= 500 else None
        port = parts.port or DATABASE_PORTS.get(parts.scheme.partition("+")[0])
        if parts.hostname and port:
            socket.create_connection((parts.hostname, port), timeout).close()
    except (OSError, ValueError) as error:
        return first_line(error)
    return None


def connect(uri: str) -> MlflowClient:
    """A client of that store for runs and models alike; makes the database of a local one.

    One process makes it while others wait: MLflow's migrations of two at once break each other off.
    """
    file = database_file(uri)
    if file is not None and file.is_relative_to(home()):
        moved.follow(file, _artifact_root(uri))
    for key, value in CLIENT_DEFAULTS.items():
        os.environ.setdefault(key, value)
    from mlflow import MlflowClient

    for name in ("mlflow", "alembic"):  # migrations and "view run at": noise between the stage's own lines
        logging.getLogger(name).setLevel(logging.WARNING)
    with FileLock(f"{file}.lock") if file is not None else nullcontext():
        return MlflowClient(tracking_uri=uri, registry_uri=uri)


def reached(purpose: str) -> MlflowClient:
    """A client of the store in use, for a command that reads what is there; no database is made for it.

    Args:
        purpose: what needs the store, for the error.

    Raises:
        UserError: it is away, or a database that nothing was written to yet.
    """
    uri = tracking_uri()
    file = database_file(uri)
    missing = "no such file: nothing was tracked there yet" if file is not None and not file.is_file() else None
    if reason := why_away(uri) or missing:
        raise UserError(f"{without_password(uri)} is away ({reason}); {purpose}")
    return connect(uri)


NOTE = "mlflow.note.content"
"""The tag that the UI shows as an experiment's description."""

READ_RUNS = """
A run is a stage that trains or measures. Group the table by the tag `repro` to have those of one `dvc repro` together.
`composed_from` is the profile, `device` what it ran on, `dvc.exp` DVC's experiment. Curves are under `train`, `dev`
and `speed`; what has no prefix is a result.
"""


def note(experiment: str) -> str:
    """What a pipeline's `paper.yaml` says it is, and how its runs are read; empty where no pipeline has that name."""
    file = root() / "pipelines" / experiment / "paper.yaml"
    if not file.is_file():
        return ""
    said = read_yaml(file)
    paper = f" ([arXiv {said['arxiv']}](https://arxiv.org/abs/{said['arxiv']}))" if "arxiv" in said else ""
    return f"**{said['title']}**{paper}. {said.get('about', '')}\n{READ_RUNS}"


def experiment_id(client: MlflowClient, name: str) -> str:
    """The experiment of that name, made or restored if need be; one without a description gets its pipeline's."""
    from mlflow.exceptions import MlflowException

    found = client.get_experiment_by_name(name)
    if found is None:
        tags = {NOTE: text} if (text := note(name)) else {}
        try:
            return client.create_experiment(name, _artifact_folder(client.tracking_uri, name), tags)
        except MlflowException:  # another process was faster
            found = client.get_experiment_by_name(name)
            if found is None:
                raise
    if found.lifecycle_stage == "deleted":
        client.restore_experiment(found.experiment_id)
    if NOTE not in found.tags and (text := note(name)):
        client.set_experiment_tag(found.experiment_id, NOTE, text)
    return str(found.experiment_id)


def _artifact_folder(uri: str, experiment: str) -> str | None:
    """A server decides itself where artefacts go; those of a database that we write to lie in the project."""
    return None if urlsplit(uri).scheme in SERVERS else (_artifact_root(uri) / experiment).as_uri()


def _artifact_root(uri: str) -> Path:
    """A database file has them beside it."""
    if uri == offline_uri():
        return private() / "artifacts"
    file = database_file(uri)
    return (home() if file is None else file.parent) / "mlartifacts"


def is_outage(error: Exception) -> bool:
    """Whether the store is to blame for an error, not what we sent; a server that refuses us is there."""
    from mlflow.exceptions import MlflowException

    if refusal(error):
        return False
    if type(error).__module__.partition(".")[0] in ("boto3", "botocore"):  # artefacts that go to S3 directly
        return True
    if isinstance(error, MlflowException):
        return error.error_code not in ("INVALID_PARAMETER_VALUE", "BAD_REQUEST")
    return isinstance(error, requests.RequestException)


def refusal(error: Exception) -> int | None:
    """401 where a server does not know who asks, 403 where it does not let them; None for every other error."""
    of_mlflow = getattr(error, "get_http_status_code", None)
    status = of_mlflow() if of_mlflow else getattr(getattr(error, "response", None), "status_code", None)
    return status if status in (401, 403) else None


@contextmanager
def let_in() -> Iterator[None]:
    """A server that refuses what is asked of it inside is one error, which says what to set.

    Raises:
        UserError: it answered 401 or 403.
    """
    try:
        yield
    except Exception as error:
        status = refusal(error)
        if status is None:
            raise
        user = os.environ.get("MLFLOW_TRACKING_USERNAME")
        told = {
            401: "it does not know who asks: set MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD, or "
            "MLFLOW_TRACKING_TOKEN, in the environment or in .env, to what it knows",
            403: f"{f'user {user!r}' if user else 'nobody without a name'} may not do that there: whoever runs the "
            "server grants the permission EDIT, or adds this address of it to its --allowed-hosts",
        }[status]
        raise UserError(
            f"{without_password(tracking_uri())} refuses ({status}): {told}\n  {first_line(error)}"
        ) from None
