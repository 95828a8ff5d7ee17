"""One small file per unfinished run, `.selfsown/runs/<name>.json`: who writes which run, and what it computes.

It is written before the run exists and removed after the run has finished, so whatever moment a process is killed at,
the next one finds the run and resumes or closes it. A process is known by its id and its start time, because ids are
used again.
"""

from __future__ import annotations

import json
import logging
import os
import socket
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

import psutil

from selfsown.errors import first_line
from selfsown.files import clear_temporaries, write_atomic
from selfsown.tracking.store import connect, experiment_id, is_outage, private, why_away

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)

RUN_MARK = "selfsown.mark"
CLOSED_BECAUSE = "closed_because"


@dataclass
class RunState:
    """What `.selfsown/runs/<name>.json` says.

    Attributes:
        mark: tag of the run in its store; finds a run whose creator died before it could note `run_id`.
        started: start of the process, seconds since the epoch.
        status: RUNNING, or FAILED/KILLED once closed.
    """

    name: str
    experiment: str
    uri: str
    fingerprint: str
    mark: str
    run_id: str = ""
    pid: int = 0
    started: float = 0.0
    host: str = ""
    status: str = "RUNNING"

    @property
    def path(self) -> Path:
        """Where it is kept."""
        return _folder() / f"{quote(self.name, safe='@')}.json"

    def claim(self) -> None:
        """Write it with this process as the owner."""
        self.pid, self.host, self.status = os.getpid(), socket.gethostname(), "RUNNING"
        self.started = psutil.Process().create_time()
        clear_temporaries(self.path.parent, self.path.name)
        self.save()

    def save(self) -> None:
        """Write it as it is, atomically."""
        write_atomic(self.path, json.dumps(asdict(self), indent=1).encode())

    @property
    def in_other_hands(self) -> bool:
        """Whether another process of this machine is at work on it."""
        return self.host == socket.gethostname() and self.pid != os.getpid() and is_alive(self)

    def set_aside(self) -> None:
        """Keep it under another name for `reap`, because its name is needed."""
        self.path.unlink(missing_ok=True)
        self.name = f"{self.name}~{self.mark[:8]}"
        self.save()

    def find_run(self, client: MlflowClient) -> str | None:
        """Id of the run in its store, if it was ever made there."""
        if self.run_id:
            return self.run_id
        found = client.search_runs([experiment_id(client, self.experiment)], f"tags.`{RUN_MARK}` = '{self.mark}'")
        return str(found[0].info.run_id) if found else None


def _folder() -> Path:
    folder = private() / "runs"
    folder.mkdir(exist_ok=True)
    return folder


def states() -> Iterator[RunState]:
    """Every unfinished run of this project."""
    for path in sorted(_folder().glob("*.json")):
        yield RunState(**json.loads(path.read_bytes()))


def load(name: str) -> RunState | None:
    """The unfinished run of that name."""
    return next((state for state in states() if state.name == name), None)


def is_alive(state: RunState) -> bool:
    """Whether the process that wrote the state is at work; another machine's cannot be seen and counts as alive."""
    if state.host != socket.gethostname():
        return True
    try:
        process = psutil.Process(state.pid)
        return abs(process.create_time() - state.started) < 2 and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def close(state: RunState, client: MlflowClient, status: str, reason: str) -> None:
    """Give a run that is still RUNNING in its store its true end."""
    run_id = state.find_run(client)
    if run_id is not None and run_status(client, run_id) == "RUNNING":
        client.set_tag(run_id, CLOSED_BECAUSE, reason)
        client.set_terminated(run_id, status)


def run_status(client: MlflowClient, run_id: str) -> str | None:
    """RUNNING, FINISHED, FAILED or KILLED; None if its store no longer knows the run."""
    from mlflow.exceptions import MlflowException

    try:
        return str(client.get_run(run_id).info.status)
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise


def reap() -> list[str]:
    """Close as KILLED every RUNNING run whose process is gone; a store that is away is left for later.

    Returns:
        Names of the closed runs.
    """
    closed = []
    for state in states():
        if state.status != "RUNNING" or is_alive(state) or why_away(state.uri):
            continue
        try:
            close(state, connect(state.uri), "KILLED", f"its process {state.pid} is gone")
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("tracking: %s: %s: %s; left as it is", state.name, state.uri, first_line(error))
            continue
        state.status = "KILLED"
        state.save()
        closed.append(state.name)
    return closed
