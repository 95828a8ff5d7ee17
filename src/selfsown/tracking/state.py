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
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import quote

import psutil
from pydantic import Field, TypeAdapter, ValidationError

from selfsown.errors import UserError, first_line, without_password
from selfsown.files import clear_temporaries, write_atomic
from selfsown.tracking.store import connect, why_away
from selfsown.tracking.uri import portable, private, resolved

if TYPE_CHECKING:
    from mlflow import MlflowClient

log = logging.getLogger(__name__)

RUN_MARK = "selfsown.mark"
CLOSED_BECAUSE = "closed_because"

Status = Literal["RUNNING", "FINISHED", "FAILED", "KILLED"]


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
    pid: Annotated[int, Field(ge=0)] = 0
    started: float = 0.0
    host: str = ""
    status: Status = "RUNNING"

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
        write_atomic(self.path, json.dumps({**asdict(self), "uri": portable(self.uri)}, indent=1).encode())

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
        experiment = client.get_experiment_by_name(self.experiment)
        if experiment is None:
            return None
        found = client.search_runs([experiment.experiment_id], f"tags.`{RUN_MARK}` = '{self.mark}'")
        return str(found[0].info.run_id) if found else None


_RECORD = TypeAdapter(RunState)


def _folder() -> Path:
    folder = private() / "runs"
    folder.mkdir(exist_ok=True)
    return folder


def states() -> Iterator[RunState]:
    """Every unfinished run of this project; a file that is no record of one is named, and passed over."""
    for path in sorted(_folder().glob("*.json")):
        try:
            state = _RECORD.validate_json(path.read_bytes())
            state.uri = resolved(state.uri)
        except (OSError, ValidationError, UserError) as error:
            why = error.errors()[0]["msg"] if isinstance(error, ValidationError) else first_line(error)
            log.warning("tracking: %s: no record of a run: %s; passed over, and may be deleted", path, why)
            continue
        yield state


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


def close(state: RunState, client: MlflowClient, status: Status, reason: str) -> bool:
    """Give a run that is still RUNNING in its store its true end; false where it was deleted, and may come back."""
    run_id = state.find_run(client)
    if run_id is None:
        return True
    there = run_status(client, run_id)
    if there == "RUNNING":
        client.set_tag(run_id, CLOSED_BECAUSE, reason)
        client.set_terminated(run_id, status)
    return there is not None


def run_status(client: MlflowClient, run_id: str) -> str | None:
    """RUNNING, FINISHED, FAILED or KILLED; None if its store no longer knows the run, or has it among the deleted."""
    from mlflow.exceptions import MlflowException

    try:
        info = client.get_run(run_id).info
    except MlflowException as error:
        if error.error_code == "RESOURCE_DOES_NOT_EXIST":
            return None
        raise
    return str(info.status) if info.lifecycle_stage == "active" else None


def reap() -> list[str]:
    """Close as KILLED every RUNNING run whose process is gone; where that cannot be done it is left for later.

    Returns:
        Names of the closed runs.
    """
    closed = []
    for state in states():
        if state.status != "RUNNING" or is_alive(state) or why_away(state.uri):
            continue
        try:
            if not close(state, connect(state.uri), "KILLED", f"its process {state.pid} is gone"):
                continue
        except Exception as error:  # whatever it is, an old run is no reason to keep a new one from its work
            shown = without_password(state.uri)
            log.warning("tracking: %s: %s: %s; left as it is", state.name, shown, first_line(error))
            continue
        state.status = "KILLED"
        state.save()
        closed.append(state.name)
    return closed
