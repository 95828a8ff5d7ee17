"""The tracking server goes away, at the start or half-way: the stage works on, and everything arrives once."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from mlflow import MlflowClient
from mlflow.entities import Run
from mlflow.exceptions import MlflowException

from selfsown import tracking
from selfsown.compare import candidates, links
from selfsown.errors import UserError
from selfsown.tracking.state import states
from selfsown.tracking.store import connect, is_outage
from selfsown.tracking.uri import offline_uri

if TYPE_CHECKING:
    from conftest import Link

Arguments = Callable[..., dict[str, Any]]


def experiment_runs(uri: str, name: str) -> list[Run]:
    client = connect(uri)
    experiment = client.get_experiment_by_name(name)
    return list(client.search_runs([experiment.experiment_id])) if experiment else []


def points(client: MlflowClient, run: Run, key: str) -> list[int]:
    return [point.step for point in client.get_metric_history(run.info.run_id, key)]


def work(arguments: dict[str, Any], model: Path, name: str) -> None:
    """A stage that logs, registers its model and evaluates it."""
    with tracking.run(**arguments):
        for step in range(1500):
            tracking.log_metrics({"loss": 1 / (step + 1)}, step=step)
        tracking.log_bytes(b"hello", "samples/worst.md")
        tracking.log_model(
            name,
            model,
            task="automatic-speech-recognition",
            input_example=np.zeros(1600, np.float32),
            card="# Card",
            inputs=[Path("data/demo/speech")],
            metrics={"wer": 0.5},
        )
        tracking.log_evidence(
            name, model, metric="wer", evaluation=Path("data/demo/speech"), ids=["a", "b"], errors=[1, 2],
            baseline=[3, 4], units=[5, 5],
        )  # fmt: skip


def interrupted(arguments: dict[str, Any], steps: range) -> None:
    """A stage that logs some steps until Ctrl-C."""
    with tracking.run(**arguments):
        for step in steps:
            tracking.log_metrics({"loss": 1.0}, step=step)
        raise KeyboardInterrupt


def check(uri: str, run: Run, name: str) -> None:
    """The server holds all that `work` logged, once."""
    client = connect(uri)
    assert run.info.status == "FINISHED"
    assert points(client, run, "train/loss") == list(range(1500))
    assert run.data.params["optimizer.lr"] == "0.0001"
    assert [given.dataset.name for given in run.inputs.dataset_inputs] == ["demo/speech"]
    assert [file.path for file in client.list_artifacts(run.info.run_id, "samples")] == ["samples/worst.md"]
    (version,) = client.search_model_versions(f"name = '{name}'")
    assert version.run_id == run.info.run_id and version.tags["evidence.run"] == run.info.run_id
    assert float(version.tags["evidence.value"]) == pytest.approx(0.3)
    assert len(run.outputs.model_outputs) == 1
    logged = client.get_logged_model(run.outputs.model_outputs[0].model_id)
    assert [(metric.key, metric.value) for metric in logged.metrics] == [("wer", 0.5)]
    assert client.get_model_version_by_alias(name, "candidate").version == version.version
    assert str(tracking.promote(name)).startswith(f"{name}: version 1 promoted")


def test_away_at_the_start(
    server: Link, arguments: Arguments, tiny_whisper: Callable[[Path, int], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = tiny_whisper(Path("models/mixed"), 1)
    server.down()
    start = time.perf_counter()
    work(arguments(experiment="start"), model, "away-start")
    assert time.perf_counter() - start < 60
    with pytest.raises(UserError, match="is away"):
        tracking.sync()
    server.up()
    with monkeypatch.context() as cut:
        cut.setattr(MlflowClient, "create_model_version", _fails)
        with pytest.raises(ConnectionError):
            tracking.sync()
    assert "1 run(s) uploaded" in tracking.sync()
    assert tracking.sync() == "nothing to upload"
    (run,) = experiment_runs(server.uri, "start")
    check(server.uri, run, "away-start")


def _fails(*arguments: Any, **more: Any) -> None:
    raise ConnectionError("the cable was pulled")


def test_away_half_way(server: Link, arguments: Arguments) -> None:
    with tracking.run(**arguments(experiment="half")):
        for step in range(600):
            tracking.log_metrics({"loss": 1.0}, step=step)
        server.down()
        for step in range(600, 1200):
            tracking.log_metrics({"loss": 1.0}, step=step)
        tracking.log_bytes(b"late", "late.txt")
    server.up()
    (left,) = experiment_runs(server.uri, "half")
    assert left.info.status == "RUNNING"
    assert "1 run(s) uploaded" in tracking.sync()
    (run,) = experiment_runs(server.uri, "half")
    assert run.info.run_id == left.info.run_id and run.info.status == "FINISHED"
    assert points(connect(server.uri), run, "train/loss") == list(range(1200))
    assert [file.path for file in connect(server.uri).list_artifacts(run.info.run_id)] == ["late.txt"]


def test_a_run_killed_on_the_server_goes_on_offline_and_ends_up_as_one(server: Link, arguments: Arguments) -> None:
    with pytest.raises(KeyboardInterrupt):
        interrupted(arguments(experiment="both"), range(10))
    server.down()
    with tracking.run(**arguments(experiment="both")):
        for step in range(5, 20):
            tracking.log_metrics({"loss": 2.0}, step=step)
    server.up()
    tracking.sync()
    (run,) = experiment_runs(server.uri, "both")
    history = connect(server.uri).get_metric_history(run.info.run_id, "train/loss")
    assert [(point.step, point.value) for point in history] == [(s, 1.0 if s < 10 else 2.0) for s in range(20)]
    assert run.info.status == "FINISHED"


def test_an_uploaded_unfinished_run_is_resumed_on_the_server(server: Link, arguments: Arguments) -> None:
    server.down()
    with pytest.raises(KeyboardInterrupt):
        interrupted(arguments(experiment="again"), range(1, 2))
    server.up()
    tracking.sync()
    with tracking.run(**arguments(experiment="again")):
        tracking.log_metrics({"loss": 1.0}, step=1)
        tracking.log_metrics({"loss": 1.0}, step=2)
    (run,) = experiment_runs(server.uri, "again")
    assert run.info.status == "FINISHED" and points(connect(server.uri), run, "train/loss") == [1, 2]
    assert tracking.sync() == "nothing to upload"


def test_a_half_open_server_does_not_hang_a_stage(
    project: Path, arguments: Arguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A host that accepts connections and says nothing."""
    import socket

    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen()
        monkeypatch.setenv("MLFLOW_TRACKING_URI", f"http://127.0.0.1:{mute.getsockname()[1]}")
        start = time.perf_counter()
        with tracking.run(**arguments(experiment="mute")):
            tracking.log_metrics({"loss": 1.0}, step=1)
        assert time.perf_counter() - start < 20
    (run,) = experiment_runs(offline_uri(), "mute")
    assert run.info.status == "FINISHED"


@pytest.fixture
def secret(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Puts a name and a password into the address of the server in use."""

    def use(uri: str) -> None:
        monkeypatch.setenv("MLFLOW_TRACKING_URI", uri.replace("://", "://me:sec%2Fr@et@"))
        for name in ("USERNAME", "PASSWORD"):
            monkeypatch.setenv(f"MLFLOW_TRACKING_{name}", "")

    return use


def test_a_password_in_the_address_is_in_no_message(
    project: Path, arguments: Arguments, secret: Callable[[str], None], caplog: pytest.LogCaptureFixture
) -> None:
    secret("http://127.0.0.1:1")
    with tracking.run(**arguments()):
        pass
    with pytest.raises(UserError, match=r"http://127\.0\.0\.1:1 is away") as told:
        tracking.sync()
    said = caplog.text + str(told.value) + links()
    assert said.count("http://127.0.0.1:1 is away") == 3 and "me:" not in said and "et@" not in said
    assert (os.environ["MLFLOW_TRACKING_USERNAME"], os.environ["MLFLOW_TRACKING_PASSWORD"]) == ("me", "sec/r@et")


def test_a_password_is_in_no_message_of_a_server_that_goes_away_half_way(
    server: Link,
    arguments: Arguments,
    secret: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    secret(server.uri)
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    with tracking.run(**arguments(experiment="secret")):
        page = (
            f"- [secret]({server.uri}/#/experiments/{experiment_runs(server.uri, 'secret')[0].info.experiment_id}/runs"
        )
        assert page in links()
        server.down()
        tracking.log_metrics({"loss": 1.0}, step=1)
    with answering(500, server.port):
        with pytest.raises(MlflowException) as told:
            tracking.promote("mine")
        runs, models = links(), candidates()
    assert "this run goes on in the local record" in caplog.text
    for said in (caplog.text, str(told.value), runs, models):
        assert f"API request to {server.uri}/api" in said and "me:" not in said and "et@" not in said


@contextmanager
def answering(status: int, port: int) -> Iterator[None]:
    """A server that is healthy and answers all else with a status."""

    class Refuses(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200 if self.path == "/health" else status)
            self.end_headers()

        do_POST = do_PATCH = do_GET

        def log_message(self, *_: Any) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", port), Refuses) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield
        server.shutdown()


@pytest.mark.parametrize(
    ("status", "help"), [(401, r"MLFLOW_TRACKING_PASSWORD"), (403, r"user 'me' may not .*permission EDIT")]
)
def test_a_server_that_refuses_is_one_error_before_any_work(
    status: int, help: str, server: Link, arguments: Arguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An unfinished run of the stage is left there, and goes on once the server lets us in again."""
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "me")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "wrong")
    with pytest.raises(KeyboardInterrupt):
        interrupted(arguments(experiment=f"refused-{status}"), range(1, 2))
    server.down()
    with answering(status, server.port):
        for state in states():  # left RUNNING by a process that is gone
            state.status, state.pid = "RUNNING", 2**22 + 1
            state.save()
        assert tracking.reap() == []
        for ask in (
            lambda: interrupted(arguments(experiment=f"refused-{status}"), range(2, 3)),
            lambda: tracking.promote("mine"),
            lambda: tracking.download_model("mine", "champion", Path()),
        ):
            with pytest.raises(UserError, match=rf"^{server.uri} refuses \({status}\): .*{help}") as told:
                ask()
            assert "wrong" not in str(told.value)
    server.up()
    with tracking.run(**arguments(experiment=f"refused-{status}")):
        tracking.log_metrics({"loss": 1.0}, step=2)
    (run,) = experiment_runs(server.uri, f"refused-{status}")
    assert run.info.status == "FINISHED" and points(connect(server.uri), run, "train/loss") == [1, 2]
    assert not experiment_runs(offline_uri(), f"refused-{status}")


def test_a_refusal_half_way_loses_no_work(server: Link, arguments: Arguments) -> None:
    with tracking.run(**arguments(experiment="late")):
        tracking.log_metrics({"loss": 1.0}, step=1)
        server.down()
        with answering(401, server.port):
            tracking.log_bytes(b"late", "late.txt")
    (run,) = experiment_runs(offline_uri(), "late")
    assert run.info.status == "FINISHED"
    with answering(401, server.port), pytest.raises(UserError, match=r"refuses \(401\)"):
        tracking.sync()
    server.up()
    assert "1 run(s) uploaded" in tracking.sync()
    (run,) = experiment_runs(server.uri, "late")
    assert run.info.status == "FINISHED" and points(connect(server.uri), run, "train/loss") == [1]


def test_an_outage_of_direct_s3_is_an_outage() -> None:
    from boto3.exceptions import S3UploadFailedError
    from botocore.exceptions import EndpointConnectionError, NoCredentialsError

    for error in (
        S3UploadFailedError(),
        EndpointConnectionError(endpoint_url="http://127.0.0.1"),
        NoCredentialsError(),
    ):
        assert is_outage(error)
    assert not is_outage(ValueError())
