"""A run's content and true end; what a kill leaves is resumed under its id or closed."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from mlflow.entities import Run

from selfsown import tracking
from selfsown.tracking.lineage import dvc_digest
from selfsown.tracking.state import load
from selfsown.tracking.store import NOTE, connect
from selfsown.tracking.uri import offline_uri, tracking_uri

Arguments = Callable[..., dict[str, Any]]
Start = Callable[[str], "subprocess.Popen[str]"]

STAGE = """
import sys, time
from pathlib import Path
from selfsown import tracking
from selfsown.tracking.active import active
with tracking.run("demo.train@a", experiment="demo", params={"seed": 3}, inputs={}, fingerprint="f1"):
    for step in range(1, 41):
        tracking.log_metrics({"loss": 1 / step}, step=step)
    active().flush()
    print("ready", flush=True)
    time.sleep(60)
"""


def runs(uri: str | None = None) -> list[Run]:
    """Runs of experiment `demo`, oldest first."""
    client = connect(uri or tracking_uri())
    experiment = client.get_experiment_by_name("demo")
    found = client.search_runs([experiment.experiment_id], order_by=["attributes.start_time ASC"]) if experiment else []
    return list(found)


def steps(run_id: str, key: str = "train/loss") -> list[int]:
    client: MlflowClient = connect(tracking_uri())
    return [point.step for point in client.get_metric_history(run_id, key)]


def test_a_run_carries_what_it_was_made_from(
    project: Path, arguments: Arguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.2")
    params = {"seed": 3, "prompt": "p" * 9000, "optimizer": {"betas": [0.9, 0.98]}, "voices": {"cs+m3": 1}}
    with tracking.run(**arguments(params=params)):
        tracking.log_metrics({"wer": 0.5, "wer/cs+nl": 0.25})
        tracking.log_bytes(b"hello", "samples/worst.md")
        tracking.log_bytes(b"fLaC", "samples/worst.flac")
        tracking.log_artifact(Path("data"), "copied")
        time.sleep(1.0)
    (run,) = runs()
    assert run.info.status == "FINISHED"
    assert run.info.run_name == "demo.train@a"
    assert run.data.params["optimizer.betas"] == "[0.9, 0.98]"
    assert len(run.data.params["prompt"]) == 6000
    assert run.data.metrics["wer"] == 0.5 and run.data.metrics["wer/cs_2bnl"] == 0.25
    assert any(key.startswith("system/cpu") for key in run.data.metrics)
    assert run.data.tags["composed_from"] == "smoke"
    (given,) = run.inputs.dataset_inputs
    assert given.dataset.name == "demo/speech"
    assert given.dataset.digest == dvc_digest(Path("data/demo/speech"))
    assert {tag.key: tag.value for tag in given.tags}["mlflow.data.context"] == "training"
    files = {path.relative_to(project / "mlartifacts").as_posix().partition("artifacts/")[2]
             for path in (project / "mlartifacts").rglob("*") if path.is_file()}  # fmt: skip
    assert {"samples/worst.md", "samples/worst.flac"} <= files
    assert "copied/demo/speech/part-00000.parquet" in files
    assert not list(Path(".selfsown/runs").iterdir())


def test_curves_are_in_sections_and_results_are_not(project: Path, arguments: Arguments) -> None:
    with tracking.run(**arguments()):
        named = {"loss": 1.0, "grad_norm": 2.0, "eval_wer": 0.5, "train_runtime": 9.0, "tokens_per_second": 7.0}
        tracking.log_metrics({**named, "train_loss": 1.1, "mfu": 0.2, "rewards/margins": 1.0}, step=10)
        tracking.log_metrics({"wer": 0.5})
    (run,) = runs()
    assert {key for key in run.data.metrics if not key.startswith("system/")} == {
        "train/loss", "train/grad_norm", "train/mean_loss", "dev/wer", "speed/runtime", "speed/tokens_per_second",
        "speed/mfu", "rewards/margins", "wer",
    }  # fmt: skip


def test_an_experiment_is_described_by_its_pipelines_paper(project: Path, arguments: Arguments) -> None:
    with tracking.run(**arguments()):
        pass
    client = connect(tracking_uri())
    assert NOTE not in client.get_experiment_by_name("demo").tags, "no pipeline has that name"
    paper = Path("pipelines/demo/paper.yaml")
    paper.parent.mkdir(parents=True)
    paper.write_text('title: Demo, a system\narxiv: "1234.5678"\nabout: It learns.\n')
    with tracking.run(**arguments(fingerprint="f2")):
        pass
    told = client.get_experiment_by_name("demo").tags[NOTE]
    assert told.startswith("**Demo, a system** ([arXiv 1234.5678](https://arxiv.org/abs/1234.5678)). It learns.")
    client.set_experiment_tag(client.get_experiment_by_name("demo").experiment_id, NOTE, "mine")
    with tracking.run(**arguments(fingerprint="f3")):
        pass
    assert client.get_experiment_by_name("demo").tags[NOTE] == "mine", "what somebody wrote stays"


def test_a_thousand_steps_are_quick(project: Path, arguments: Arguments) -> None:
    with tracking.run(**arguments()):
        start = time.process_time()
        for step in range(1000):
            tracking.log_metrics({"loss": 1.0, "lr": 0.1, "grad_norm": 2.0}, step=step)
        took = time.process_time() - start
    (run,) = runs()
    assert steps(run.info.run_id) == list(range(1000))
    assert took < 5, f"{took:.1f} s; one call per step would take 25"


def test_without_tracking_nothing_is_written(project: Path, arguments: Arguments) -> None:
    with tracking.run(**arguments(enabled=False)):
        tracking.log_metrics({"loss": 1.0}, step=1)
        tracking.log_bytes(b"x", "x.txt")
    assert runs() == []


@pytest.mark.parametrize(
    ("error", "status"),
    [(ValueError("lr is negative"), "FAILED"), (SystemExit(2), "FAILED"), (KeyboardInterrupt(), "KILLED")],
)
def test_errors_close_the_run_honestly(project: Path, arguments: Arguments, error: BaseException, status: str) -> None:
    def stage() -> None:
        with tracking.run(**arguments()):
            tracking.log_metrics({"loss": 1.0}, step=1)
            raise error

    with pytest.raises(type(error)):
        stage()
    (run,) = runs()
    assert run.info.status == status
    assert run.data.tags["error"].startswith(type(error).__name__)
    assert steps(run.info.run_id) == [1], "buffered metrics are not lost"


def test_a_failed_run_is_resumed_after_the_cause_is_mended(project: Path, arguments: Arguments) -> None:
    with pytest.raises(MemoryError), tracking.run(**arguments()):
        raise MemoryError
    with tracking.run(**arguments()):
        pass
    (run,) = runs()
    assert run.info.status == "FINISHED" and run.data.tags["resumed"] == "1" and "error" not in run.data.tags
    with tracking.run(**arguments()):
        pass
    assert len(runs()) == 2, "a finished run is never reopened"


def test_sigterm_closes_as_killed(project: Path, start_python: Start) -> None:
    process = start_python(STAGE)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 128 + signal.SIGTERM
    (run,) = runs()
    assert run.info.status == "KILLED" and len(steps(run.info.run_id)) == 40


def test_kill_9_resumes_the_same_run_without_doubled_steps(
    project: Path, arguments: Arguments, start_python: Start
) -> None:
    process = start_python(STAGE)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.kill()  # not waited for yet: a zombie must count as dead
    time.sleep(0.5)
    assert runs()[0].info.status == "RUNNING"
    with tracking.run(**arguments(params={"seed": 3}, inputs={})):
        for step in range(21, 61):  # as a stage does that starts again from its checkpoint at step 20
            tracking.log_metrics({"loss": 1 / step}, step=step)
    (run,) = runs()
    assert run.info.status == "FINISHED" and run.data.tags["resumed"] == "1"
    assert steps(run.info.run_id) == list(range(1, 61))


@pytest.mark.slow
def test_kill_9_at_many_moments_leaves_no_running_run(project: Path, arguments: Arguments, start_python: Start) -> None:
    code = STAGE.replace("with tracking", "import mlflow\nprint('up', flush=True)\nwith tracking")
    for delay in (0.1, 0.2, 0.3, 0.5, 0.8):
        process = start_python(code)
        assert process.stdout is not None and process.stdout.readline() == "up\n"
        time.sleep(delay)
        process.kill()
        process.wait()
    with tracking.run(**arguments(params={"seed": 3}, inputs={}, fingerprint="other")):
        pass
    tracking.reap()
    assert "RUNNING" not in {run.info.status for run in runs()}
    assert [run.info.status for run in runs()].count("FINISHED") == 1


def test_changed_parameters_close_the_old_run(project: Path, arguments: Arguments, start_python: Start) -> None:
    process = start_python(STAGE)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    process.kill()
    process.wait()
    with tracking.run(**arguments(fingerprint="f2")):
        pass
    assert sorted(run.info.status for run in runs()) == ["FINISHED", "KILLED"]


def test_reap_tells_a_reused_process_id_from_the_owner(
    project: Path, arguments: Arguments, start_python: Start
) -> None:
    process = start_python(STAGE)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    assert tracking.reap() == [], "its process is alive"
    state = load("demo.train@a")
    assert state is not None
    state.started -= 3600
    Path(state.path).write_text(json.dumps(state.__dict__))
    assert tracking.reap() == ["demo.train@a"]
    assert runs()[0].info.status == "KILLED"


def test_two_processes_at_the_same_stage_keep_two_runs(
    project: Path, arguments: Arguments, start_python: Start
) -> None:
    process = start_python(STAGE)
    assert process.stdout is not None and process.stdout.readline() == "ready\n"
    with tracking.run(**arguments()):
        pass
    assert [run.info.status for run in runs()] == ["RUNNING", "FINISHED"]
    os.kill(process.pid, signal.SIGTERM)
    process.wait(60)
    assert [run.info.status for run in runs()] == ["KILLED", "FINISHED"]


def test_seeds_side_by_side_each_go_on_in_their_own_run(
    project: Path, arguments: Arguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    lanes = [project / f".selfsown/study/{name}" for name in ("p.study", "p.study-1")]
    for lane in lanes:
        (lane / "data/demo/speech").mkdir(parents=True)
        (lane / ".dvc").mkdir()
        (lane / ".dvc/config").touch()
    for again in (False, True):  # the second lane starts anew first
        for lane in lanes[::-1] if again else lanes:
            monkeypatch.chdir(lane)
            with suppress(KeyboardInterrupt), tracking.run(**arguments()):
                tracking.log_metrics({"lane": lanes.index(lane)}, step=int(again))
                raise KeyboardInterrupt
    monkeypatch.chdir(project)
    client = connect(tracking_uri())
    curves = [[point.value for point in client.get_metric_history(run.info.run_id, "train/lane")] for run in runs()]
    assert sorted(curves) == [[0, 0], [1, 1]]
    assert {run.info.run_name for run in runs()} == {"demo.train@a"}


def test_queued_experiments_track_in_the_project(
    project: Path, arguments: Arguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = project / ".dvc/tmp/exps/tmpabc"
    (copy / "data/demo/speech").mkdir(parents=True)
    monkeypatch.chdir(copy)
    with tracking.run(**arguments()):
        pass
    monkeypatch.chdir(project)
    assert len(runs()) == 1 and not (copy / "mlflow.db").exists()


@pytest.mark.parametrize("gone", ["run", "experiment", "run, for good"])
@pytest.mark.parametrize("end", ["killed", "failed"])
def test_what_was_deleted_in_the_ui_stops_no_later_start(
    end: str, gone: str, project: Path, arguments: Arguments
) -> None:
    with pytest.raises(MemoryError), tracking.run(**arguments()):
        raise MemoryError
    (left,) = runs()
    client = connect(tracking_uri())
    if end == "killed":  # with SIGKILL: nobody could say so
        client.update_run(left.info.run_id, "RUNNING")
        state = load("demo.train@a")
        assert state is not None
        state.status, state.pid = "RUNNING", 2**22 + 1
        state.save()
    if gone == "experiment":
        client.delete_experiment(left.info.experiment_id)
    else:
        client.delete_run(left.info.run_id)
    if gone == "run, for good":
        client._tracking_client.store._hard_delete_run(left.info.run_id)
    tracking.reap()
    with tracking.run(**arguments()):
        tracking.log_metrics({"loss": 1.0}, step=50)
    (run,) = runs()  # a deleted experiment comes back with its runs, so there it is the one that was left
    assert run.info.status == "FINISHED" and 50 in steps(run.info.run_id)
    assert (run.info.run_id == left.info.run_id) == (gone == "experiment")
    assert not list(Path(".selfsown/runs").iterdir())


@pytest.mark.parametrize("gone", ["run", "experiment"])
def test_what_is_deleted_half_way_goes_on_as_a_run(gone: str, project: Path, arguments: Arguments) -> None:
    with tracking.run(**arguments()):
        tracking.log_metrics({"loss": 1.0}, step=1)
        (first,) = runs()
        client = connect(tracking_uri())
        if gone == "run":
            client.delete_run(first.info.run_id)
        else:
            client.delete_experiment(first.info.experiment_id)
        tracking.log_metrics({"loss": 1.0}, step=2)
        tracking.log_bytes(b"late", "late.txt")
    (run,) = runs()
    assert run.info.status == "FINISHED" and 2 in steps(run.info.run_id)
    assert not runs(offline_uri()), "the store was there all the time"


RECORD = {"name": "a", "experiment": "demo", "uri": "sqlite:///x/y", "fingerprint": "f", "mark": "m"}
GARBAGE = {
    "empty": b"",
    "binary": b"\xff\x00",
    "text": b"hello",
    "list": b"[1]",
    "half": json.dumps(RECORD).encode()[:-9],
    "keys": b'{"name": "demo.train@a"}',
    "types": json.dumps(dict.fromkeys(RECORD, 1)).encode(),
    "store": json.dumps(RECORD | {"uri": "nowhere"}).encode(),
    "process": json.dumps(RECORD | {"pid": -4}).encode(),
    "status": json.dumps(RECORD | {"status": 3}).encode(),
}


def test_garbage_among_the_records_is_named_and_passed_over(
    project: Path, arguments: Arguments, caplog: pytest.LogCaptureFixture
) -> None:
    folder = Path(".selfsown/runs")
    (folder / "folder.json").mkdir(parents=True)
    for name, data in GARBAGE.items():
        (folder / f"{name}.json").write_bytes(data)
    (folder / "demo.train@a.json").write_bytes(b"{")
    with tracking.run(**arguments()):
        pass
    assert runs()[0].info.status == "FINISHED"
    for name in ("folder", "demo.train@a", *GARBAGE):
        assert f"{name}.json: no record of a run: " in caplog.text
    assert not (folder / "demo.train@a.json").exists() and (folder / "text.json").exists()


CONNECT = """
import time
from pathlib import Path
from mlflow import MlflowClient
from selfsown.tracking.store import connect
from selfsown.tracking.uri import tracking_uri
print("ready", flush=True)
while not Path("go").exists():
    time.sleep(0.001)
connect(tracking_uri())
"""


def test_processes_that_begin_at_once_share_one_new_database(project: Path, start_python: Start) -> None:
    started = [start_python(CONNECT) for _ in range(3)]
    for process in started:
        assert process.stdout is not None and process.stdout.readline() == "ready\n"
    Path("mlflow.db").unlink()
    Path("go").touch()
    assert [process.wait(timeout=120) for process in started] == [0, 0, 0]
    assert connect(tracking_uri()).get_experiment_by_name("Default") is not None
