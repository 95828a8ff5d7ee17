"""A checkout that is moved or copied takes its runs, models and unfinished work along; addresses are checked."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mlflow.tracking._tracking_service import utils

from selfsown import tracking
from selfsown.errors import UserError
from selfsown.settings import settings
from selfsown.tracking.state import load
from selfsown.tracking.store import connect
from selfsown.tracking.uri import offline_uri, portable, resolved, tracking_uri

Arguments = Callable[..., dict[str, Any]]


@pytest.fixture
def elsewhere(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("else where") / "moved"


@pytest.mark.parametrize("copied", [False, True], ids=["moved", "copied"])
def test_runs_models_and_unfinished_work_follow(
    copied: bool,
    project: Path,
    elsewhere: Path,
    arguments: Arguments,
    tiny_whisper: Callable[[Path, int], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with tracking.run(**arguments()):
        tracking.log_bytes(b"before", "samples/before.txt")
        tracking.log_model(
            "mine", tiny_whisper(Path("models/a"), 1), task="automatic-speech-recognition",
            input_example=np.zeros(1600, np.float32), card="# Card", inputs=[],
        )  # fmt: skip
    with pytest.raises(KeyboardInterrupt), tracking.run(**arguments(fingerprint="f2")):
        raise KeyboardInterrupt
    before = {path.relative_to(project) for path in (project / "mlartifacts").rglob("*")}
    (shutil.copytree if copied else shutil.move)(str(project), str(elsewhere))
    monkeypatch.chdir(elsewhere)
    utils._artifact_repos_cache.clear()  # as in a new process
    if not copied:
        project.mkdir()  # so that what is written there would be seen
    with tracking.run(**arguments(fingerprint="f2")):
        tracking.log_bytes(b"after", "samples/after.txt")
    client = connect(tracking_uri())
    found = client.search_runs([client.get_experiment_by_name("demo").experiment_id])
    assert sorted(run.data.tags.get("resumed", "0") for run in found) == ["0", "1"], "the unfinished one goes on"
    names = {file.path for run in found for file in client.list_artifacts(run.info.run_id, "samples")}
    assert names == {"samples/before.txt", "samples/after.txt"}
    shutil.rmtree(project / "mlartifacts", ignore_errors=True)
    folder = tracking.download_model("mine", "candidate", elsewhere / "got")
    assert list(folder.rglob("*.safetensors"))
    if not copied:
        assert not list(project.iterdir())
    assert before < {path.relative_to(elsewhere) for path in (elsewhere / "mlartifacts").rglob("*")}


def test_a_store_that_two_projects_share_keeps_the_files_where_they_are(
    project: Path, elsewhere: Path, arguments: Arguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    shared = tracking_uri()
    elsewhere.mkdir()
    (elsewhere / "data/demo").mkdir(parents=True)
    shutil.copytree("data/demo/speech", elsewhere / "data/demo/speech")
    for place in (elsewhere, project, elsewhere):
        monkeypatch.chdir(place)
        monkeypatch.setenv("MLFLOW_TRACKING_URI", shared)
        with tracking.run(**arguments()):
            tracking.log_bytes(b"x", f"{place.name}.txt")
    assert not (elsewhere / "mlartifacts").exists() and len(list((project / "mlartifacts").rglob("*.txt"))) == 3


def test_a_record_of_unfinished_work_names_no_folder(project: Path, arguments: Arguments) -> None:
    with pytest.raises(KeyboardInterrupt), tracking.run(**arguments()):
        raise KeyboardInterrupt
    (record,) = Path(".selfsown/runs").iterdir()
    assert str(project) not in record.read_text()
    state = load("demo.train@a")
    assert state is not None and state.uri == tracking_uri()
    assert resolved(portable(offline_uri())) == offline_uri()


def test_an_unfinished_run_goes_on_in_another_checkout(
    project: Path, arguments: Arguments, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELFSOWN_WORK", str(project / "volume"))
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{project / 'mlflow.db'}")
    settings.cache_clear()
    for name in ("first", "second"):
        shutil.copytree("data", f"{name}/data")
        shutil.copy("params.yaml", name)
    monkeypatch.chdir(project / "first")
    with pytest.raises(KeyboardInterrupt), tracking.run(**arguments()):
        raise KeyboardInterrupt
    monkeypatch.chdir(project / "second")
    shutil.rmtree(project / "first")
    with tracking.run(**arguments()):
        pass
    settings.cache_clear()
    client = connect(tracking_uri())
    (run,) = client.search_runs([client.get_experiment_by_name("demo").experiment_id])
    assert run.info.status == "FINISHED" and run.data.tags["resumed"] == "1"
    assert not Path(".selfsown").exists()


def test_a_database_file_counts_from_the_project_wherever_one_stands(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path(".dvc").mkdir()
    Path(".dvc/config").touch()
    Path(".env").write_text("MLFLOW_TRACKING_URI=sqlite:///runs/mine.db\n")
    for place in ("data/demo", ".dvc/tmp/exps/tmp1", ".selfsown/study/demo.study"):
        Path(place).mkdir(parents=True, exist_ok=True)
        monkeypatch.chdir(project / place)
        monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
        assert tracking_uri() == f"sqlite:///{project}/runs/mine.db"
        monkeypatch.chdir(project)


@pytest.mark.parametrize(
    ("uri", "told"),
    [
        ("127.0.0.1:5000", "http:// is missing: http://127.0.0.1:5000"),
        ("localhost:5000/", "http:// is missing"),
        ("tracking.example/mlflow", "http:// is missing: http://tracking.example/mlflow"),
        ("mlruns", r"sqlite:///mlruns for a file"),
        ("./mlruns", "expected http://HOST:PORT"),
        ("file:///srv/mlruns", "expected http://HOST:PORT"),
        ("http:/127.0.0.1:5000", "expected http://HOST:PORT"),
        ("http://", "expected http://HOST:PORT"),
        ("http://host:port", "Port could not be cast"),
        ("htp://host", "expected http://HOST:PORT"),
        ("sqlite://mlflow.db", "sqlite:///FILE"),
        ("me:secret@host:5000", "http:// is missing"),
        ("me:secret@s@host:5000", "http:// is missing"),
        ("http://me:p/secret@host", "%2F"),
        ("http://secret?s:p@host", "%2F"),
    ],
)
def test_what_is_no_address_of_a_store_is_named(uri: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    with pytest.raises(UserError, match=rf"^MLFLOW_TRACKING_URI: .* is not allowed: .*{told}") as error:
        tracking_uri()
    assert "secret" not in str(error.value)


@pytest.mark.parametrize(
    "uri",
    [
        "http://host:5000",
        "https://me:pw@host/x",
        "postgresql://me:pw@host/x",
        "mysql+pymysql://host/x",
        "sqlite:////a/b.db",
    ],
)
def test_addresses_of_stores_stay_as_they_are(uri: str) -> None:
    assert resolved(uri) == uri == portable(uri)


def test_a_command_that_reads_makes_no_database(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for ask in (lambda: tracking.promote("mine"), lambda: tracking.download_model("mine", "champion", tmp_path)):
        with pytest.raises(UserError, match=r"mlflow\.db is away \(no such file"):
            ask()
    assert not list(tmp_path.glob("*.db"))
