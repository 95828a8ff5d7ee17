"""A tracked stage's MLflow run: opened or resumed, written in batches, and closed with its true status.

`run` makes it the active one; the `log_*` functions write to the active run and do nothing without one, so a stage
reads the same tracked or not. A store that is away, at the start or half-way, never stops a stage: the run goes on in
the local record (`uri.offline_uri`), tagged with the run it continues, and `sync` uploads it later. A server that
refuses us stops a stage before its work; half-way, when work would be lost, the local record serves too. A run that
somebody deletes half-way goes on as a new one.

A resumed run never gets a second value for a step: what is logged again for a (metric, step) already in its history is
dropped, so the points are those of the first pass. A metric without a step is dropped only if its value is the same.
"""

from __future__ import annotations

import logging
import math
import os
import signal
import threading
import time
import traceback
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any, TypeVar

from selfsown import disk
from selfsown.errors import first_line, without_password
from selfsown.project import home, root
from selfsown.tracking import lineage
from selfsown.tracking.state import CLOSED_BECAUSE, RUN_MARK, RunState, Status, close, load, reap, run_status
from selfsown.tracking.store import connect, experiment_id, is_outage, let_in, refusal, why_away
from selfsown.tracking.uri import database_file, offline_uri, tracking_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import DatasetInput

log = logging.getLogger(__name__)
T = TypeVar("T")

FLUSH_POINTS = 500
FLUSH_SECONDS = 5.0
SYSTEM_SECONDS = 5.0
SYNC_TARGET = "sync.target"
SYNC_URI = "sync.uri"
SYNC_DONE = "sync.done"


class Terminated(SystemExit):
    """The process was asked to end (SIGTERM, SIGHUP)."""


class ActiveRun:
    """The run of this process, whichever store it is in at the moment."""

    def __init__(self, state: RunState, tags: dict[str, str], params: dict[str, str], inputs: list[DatasetInput]):
        self.state = state
        self._about = (tags, params, inputs)
        self._points: list[tuple[str, float, int, int]] = []
        self._flushed = time.monotonic()
        self._history: dict[str, dict[int, float]] = {}
        self.resumed = False
        self._open()

    def _open(self) -> None:
        """Find or make the run in `state.uri`, describe it, and start its system metrics."""
        from mlflow.entities import Param, RunTag
        from mlflow.system_metrics.system_metrics_monitor import SystemMetricsMonitor

        tags, params, inputs = self._about
        self.state.claim()
        self.client: MlflowClient = connect(self.state.uri)
        self.resumed = bool(self.state.run_id)
        if self.resumed:
            previous = self.client.get_run(self.state.run_id).data.tags
            self.client.update_run(self.state.run_id, status="RUNNING")
            tags = {**tags, "resumed": str(int(previous.get("resumed", 0)) + 1)}
            for stale in {CLOSED_BECAUSE, SYNC_DONE, "error"} & previous.keys():
                self.client.delete_tag(self.state.run_id, stale)
        else:
            made = self.client.create_run(
                experiment_id(self.client, self.state.experiment),
                tags={RUN_MARK: self.state.mark},
                run_name=self.state.name.partition("~")[0],
            )
            self.state.run_id = made.info.run_id
            self.state.save()
        self.client.log_batch(
            self.state.run_id,
            params=[Param(key, value) for key, value in params.items()],
            tags=[RunTag(key, value) for key, value in tags.items()],
        )
        if inputs:
            self.client.log_inputs(self.state.run_id, inputs)
        self._monitor = SystemMetricsMonitor(
            self.state.run_id, sampling_interval=SYSTEM_SECONDS, resume_logging=True, tracking_uri=self.state.uri
        )
        self._monitor.start()

    def do(self, action: Callable[[MlflowClient, str], T]) -> T:
        """Run `action(client, run_id)`; if the store is away, in the local record instead."""
        file = database_file(self.state.uri)
        try:
            with disk.writing(file, "what this stage tracks") if file is not None else nullcontext():
                return action(self.client, self.state.run_id)
        except Exception as error:
            if self._is_deleted(error):
                self._start_over()
            elif self.state.uri != offline_uri() and (is_outage(error) or refusal(error)):
                self._fall_back(first_line(error))
            else:
                raise
        return action(self.client, self.state.run_id)

    def _is_deleted(self, error: Exception) -> bool:
        """Whether somebody deleted the run, or its experiment, while it was written."""
        if getattr(error, "error_code", "") not in ("INVALID_PARAMETER_VALUE", "RESOURCE_DOES_NOT_EXIST"):
            return False
        return run_status(self.client, self.state.run_id) is None

    def _start_over(self) -> None:
        log.warning("tracking: %s: run %s was deleted; this stage goes on in a new one",
                    without_password(self.state.uri), self.state.run_id)  # fmt: skip
        self._monitor.finish()
        experiment_id(self.client, self.state.experiment)  # a deleted one comes back, and the run with it
        if run_status(self.client, self.state.run_id) is None:
            self.state.run_id, self.state.mark = "", uuid.uuid4().hex
        self._open()

    def _fall_back(self, reason: str) -> None:
        log.warning("tracking: %s: %s; this run goes on in the local record, `selfsown sync` uploads it",
                    without_password(self.state.uri), reason)  # fmt: skip
        self._monitor.finish()
        self._about[0].update({SYNC_URI: self.state.uri, SYNC_TARGET: self.state.run_id})
        self.state.uri, self.state.run_id, self.state.mark = offline_uri(), "", uuid.uuid4().hex
        self._open()

    def log_metrics(self, metrics: Mapping[str, float], step: int | None) -> None:
        """Buffer points; flush when there are many or the last flush is some seconds ago."""
        now = int(time.time() * 1000)
        for name, number in metrics.items():
            key, value = lineage.entity_key(name), float(number)
            if not (self.resumed and self._is_logged(key, step, value)):
                self._points.append((key, value, now, step or 0))
        if len(self._points) >= FLUSH_POINTS or time.monotonic() - self._flushed > FLUSH_SECONDS:
            self.flush()

    def _is_logged(self, key: str, step: int | None, value: float) -> bool:
        if key not in self._history:
            past = self.do(lambda client, run_id: client.get_metric_history(run_id, key))
            self._history[key] = {point.step: point.value for point in past}
        steps = self._history[key]
        if step is None:
            return 0 in steps and (steps[0] == value or (math.isnan(steps[0]) and math.isnan(value)))
        return step in steps

    def flush(self) -> None:
        """Send the buffered metrics in one batch."""
        from mlflow.entities import Metric

        points, self._points = self._points, []
        self._flushed = time.monotonic()
        if points:
            self.do(lambda client, run_id: client.log_batch(run_id, metrics=[Metric(*point) for point in points]))

    def finish(self, status: Status, error: BaseException | None = None) -> None:
        """Close with `status`; the state file stays unless the run is FINISHED, so that a restart resumes it."""
        self._monitor.finish()
        self.flush()
        if error is not None:
            text = "".join(traceback.format_exception(error))
            self.do(lambda client, run_id: client.set_tag(run_id, "error", f"{type(error).__name__}: {error}"[:5000]))
            self.do(lambda client, run_id: client.log_text(run_id, text, "error.txt"))
        self.do(lambda client, run_id: client.set_terminated(run_id, status))
        if status == "FINISHED":
            self.state.path.unlink(missing_ok=True)
        else:
            self.state.status = status
            self.state.save()


_active: ActiveRun | None = None


def active() -> ActiveRun | None:
    """The run of the stage at work in this process."""
    return _active


@contextmanager
def run(
    name: str,
    *,
    experiment: str,
    params: Mapping[str, Any],
    inputs: Mapping[str, Path],
    fingerprint: str,
    enabled: bool = True,
) -> Iterator[None]:
    """Track what happens inside as the run of stage `name` (`<pipeline>.<stage>` or `<pipeline>.<stage>@<label>`).

    A run that an earlier process left unfinished with the same fingerprint is resumed under its id, whether it was
    killed, failed or is still marked RUNNING; with another fingerprint it is closed as KILLED. An exception closes the
    run as FAILED with the error as a tag; KeyboardInterrupt, SIGTERM and SIGHUP close it as KILLED.

    Args:
        params: nested; logged flattened.
        inputs: argument name -> product; logged as dataset inputs with their DVC hash.
        fingerprint: of all that decides the result.
        enabled: false yields without a run and without importing MLflow.

    Raises:
        UserError: the tracking server refuses us (401, 403), before the work; or `MLFLOW_TRACKING_URI` is no address.
    """
    global _active
    if not enabled:
        yield
        return
    with _signals_raise():
        with let_in():
            _active = _start(name, experiment, params, inputs, fingerprint)
        try:
            yield
        except BaseException as error:
            killed = isinstance(error, (KeyboardInterrupt, Terminated))
            try:
                _active.finish("KILLED" if killed else "FAILED", error)
            except Exception as second:  # the stage's own error is the one to show
                log.warning("tracking: the run could not be closed: %s", first_line(second))
            raise
        else:
            _active.finish("FINISHED")
        finally:
            _active = None


def _start(
    name: str, experiment: str, params: Mapping[str, Any], inputs: Mapping[str, Path], fingerprint: str
) -> ActiveRun:
    reap()
    uri = tracking_uri()
    if reason := why_away(uri):
        shown = without_password(uri)
        log.warning("tracking: %s is away (%s); recording locally, `selfsown sync` uploads it", shown, reason)
        uri = offline_uri()
    tags = lineage.source_tags(name, params, fingerprint)
    context = "evaluation" if "evaluat" in name else "training"
    datasets = [lineage.dataset_input(key, lineage.product(path), context) for key, path in inputs.items()]
    if (copy := os.path.relpath(root(), home())) != ".":
        name = f"{name}~{copy}"  # copies in which seeds or experiments run side by side are at the same stages
    state = RunState(name, experiment, uri, fingerprint, uuid.uuid4().hex)
    left = load(name)
    if left is not None and left.in_other_hands:
        state.name = f"{name}~{state.mark[:8]}"  # the same stage is at work in another process: keep both
    elif left is not None:
        try:
            _take_over(left, state, tags)
        except Exception as error:
            if left.uri == uri and not is_outage(error):
                raise
            there = without_password(left.uri)
            log.warning("tracking: %s: %s; a run of %s stays open there", there, first_line(error), name)
            left.set_aside()
    flat = lineage.flatten(params)
    try:
        return ActiveRun(state, tags, flat, datasets)
    except Exception as error:
        if state.uri == offline_uri() or not is_outage(error):
            raise
        shown = without_password(uri)
        log.warning("tracking: %s: %s; recording locally, `selfsown sync` uploads it", shown, first_line(error))
        if state.run_id:
            tags.update({SYNC_URI: state.uri, SYNC_TARGET: state.run_id})
        state.uri, state.run_id = offline_uri(), ""
        return ActiveRun(state, tags, flat, datasets)


def _take_over(left: RunState, state: RunState, tags: dict[str, str]) -> None:
    """Point `state` at the run an earlier process left, or close that run."""
    same = left.fingerprint == state.fingerprint
    if why_away(left.uri):
        if same and left.run_id:
            tags.update({SYNC_URI: left.uri, SYNC_TARGET: left.run_id})
        left.set_aside()
        return
    client = connect(left.uri)
    if left.uri == state.uri:
        experiment_id(client, left.experiment)  # a deleted one comes back with its runs
    run_id = left.find_run(client)
    if run_id is not None and left.uri == offline_uri() != state.uri and run_status(client, run_id):
        tags_there = client.get_run(run_id).data.tags
        if tags_there.get(SYNC_URI) == state.uri and SYNC_DONE in tags_there:  # uploaded meanwhile: go on up there
            left.uri, run_id = state.uri, tags_there[SYNC_TARGET]
            client = connect(left.uri)
    resumable = run_id is not None and run_status(client, run_id) not in (None, "FINISHED")
    if run_id is not None and resumable and same and left.uri in (state.uri, offline_uri()):
        state.uri, state.run_id, state.mark = left.uri, run_id, left.mark
    else:
        close(left, client, "KILLED", "parameters, inputs or code changed before it was finished")


@contextmanager
def _signals_raise() -> Iterator[None]:
    """SIGTERM and SIGHUP unwind the stack like Ctrl-C does, unless something else handles or ignores them."""

    def terminate(number: int, frame: FrameType | None) -> None:
        raise Terminated(128 + number)

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    ours = [number for number in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(number) is signal.SIG_DFL]
    for number in ours:
        signal.signal(number, terminate)
    try:
        yield
    finally:
        for number in ours:
            signal.signal(number, signal.SIG_DFL)
