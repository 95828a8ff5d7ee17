"""`sync`: upload what was recorded while the tracking server was away.

Every step looks first for what an interrupted upload already made (the run by its tag, models by folder digest, metrics
by step), so `sync` may be killed and repeated, and everything arrives once. A local run that continues one on the
server (tags `sync.uri`, `sync.target`) is merged into it.
"""

from __future__ import annotations

import json
import logging
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock
from tqdm import tqdm

from selfsown.errors import UserError, without_password
from selfsown.tracking.active import SYNC_DONE, SYNC_TARGET, SYNC_URI
from selfsown.tracking.models import attach_evidence, models_of, register
from selfsown.tracking.state import reap, run_status
from selfsown.tracking.store import connect, experiment_id, let_in, why_away
from selfsown.tracking.uri import offline_uri, private, tracking_uri

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities import Metric, Run

log = logging.getLogger(__name__)
ORIGIN = "sync.origin"


@let_in()
def sync() -> str:
    """Upload the runs of the local record to the store in use: parameters, metric histories, tags, dataset inputs,
    artefacts, registered versions and their evaluations, and the status. A run still at work is left for later.

    Returns:
        What was done, in words.

    Raises:
        UserError: the store is away.
    """
    uri = tracking_uri()
    if reason := why_away(uri):
        raise UserError(f"{without_password(uri)} is away ({reason}); nothing was uploaded, try again later")
    if not (private() / "offline.db").is_file():
        return "nothing to upload"
    with FileLock(private() / "sync.lock"):
        reap()
        local, server = connect(offline_uri()), connect(uri)
        waiting = [run for run in _runs(local) if SYNC_DONE not in run.data.tags]
        ready = [run for run in waiting if run.info.status != "RUNNING"]
        for run in tqdm(ready, desc="sync", unit="run", disable=len(ready) < 2):
            _upload(local, server, run)
    still = f", {len(waiting) - len(ready)} still at work" if len(waiting) > len(ready) else ""
    return f"{len(ready)} run(s) uploaded to {without_password(uri)}{still}" if waiting else "nothing to upload"


def _runs(client: MlflowClient) -> list[Run]:
    experiments = [experiment.experiment_id for experiment in client.search_experiments()]
    found: list[Run] = []
    page = client.search_runs(experiments, max_results=1000, order_by=["attributes.start_time ASC"])
    found.extend(page)
    while page.token:
        page = client.search_runs(
            experiments, max_results=1000, order_by=["attributes.start_time ASC"], page_token=page.token
        )
        found.extend(page)
    return found


def _upload(local: MlflowClient, server: MlflowClient, run: Run) -> None:
    from mlflow.entities import Param, RunTag

    target = _target(local, server, run)
    tags = {key: value for key, value in run.data.tags.items() if not key.startswith("sync.")}
    server.log_batch(
        target,
        params=[Param(key, value) for key, value in run.data.params.items()],
        tags=[RunTag(key, value) for key, value in {**tags, ORIGIN: run.info.run_id}.items()],
    )
    if run.inputs is not None:
        server.log_inputs(target, run.inputs.dataset_inputs)
    for key in run.data.metrics:
        server.log_batch(target, metrics=_missing(local, server, run.info.run_id, target, key))
    artefacts = _local_folder(run.info.artifact_uri)
    if artefacts.is_dir():
        server.log_artifacts(target, str(artefacts))
    _upload_models(local, server, run, target)
    for path in sorted((artefacts / "evidence").glob("*.json")):
        record = json.loads(path.read_bytes())
        if not attach_evidence(server, target, f"evidence/{path.name}", record):
            log.warning("sync: %s: no registered version has digest %s", record["model"], record["digest"])
    server.set_terminated(target, run.info.status, run.info.end_time)
    local.set_tag(run.info.run_id, SYNC_DONE, server.tracking_uri)
    shutil.rmtree(artefacts, ignore_errors=True)


def _target(local: MlflowClient, server: MlflowClient, run: Run) -> str:
    """The server's run: the one it continues, the one an earlier upload made, or a new one."""
    tags = run.data.tags
    if SYNC_TARGET in tags and tags.get(SYNC_URI) == server.tracking_uri and run_status(server, tags[SYNC_TARGET]):
        return tags[SYNC_TARGET]
    experiment = experiment_id(server, local.get_experiment(run.info.experiment_id).name)
    found = server.search_runs([experiment], f"tags.`{ORIGIN}` = '{run.info.run_id}'")
    if found:
        target = found[0].info.run_id
    else:
        target = server.create_run(
            experiment, run.info.start_time, {ORIGIN: run.info.run_id}, run.info.run_name
        ).info.run_id
    local.set_tag(run.info.run_id, SYNC_URI, server.tracking_uri)
    local.set_tag(run.info.run_id, SYNC_TARGET, target)
    return str(target)


def _missing(local: MlflowClient, server: MlflowClient, run_id: str, target: str, key: str) -> list[Metric]:
    """Points of a metric the server has not: told apart by step, system metrics (whose steps restart) by time."""
    by = "timestamp" if key.startswith("system/") else "step"
    there = {getattr(point, by) for point in server.get_metric_history(target, key)}
    return [point for point in local.get_metric_history(run_id, key) if getattr(point, by) not in there]


def _upload_models(local: MlflowClient, server: MlflowClient, run: Run, target: str) -> None:
    for model in models_of(local, run.info.experiment_id, run.info.run_id):
        saved = _local_folder(model.artifact_location)
        if str(model.status) != "READY" or not saved.is_dir():
            continue
        tags = {key: value for key, value in model.tags.items() if not key.startswith("mlflow.")}
        name = tags.pop("registered_name")
        metrics = {metric.key: metric.value for metric in model.metrics or []}
        card = (saved / "README.md").read_text()
        register(server, target, name, saved, tags, metrics, model_type=model.model_type, card=card)
        shutil.rmtree(saved)


def _local_folder(uri: str) -> Path:
    from mlflow.utils.file_utils import local_file_uri_to_path

    return Path(local_file_uri_to_path(uri))
