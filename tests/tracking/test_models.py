"""Registered models answer through MLflow; the champion is only replaced by a better one."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import mlflow
import numpy as np
import pytest
from click.testing import CliRunner
from mlflow import MlflowClient
from safetensors.numpy import save_file
from tests import actions

from selfsown import tracking
from selfsown.cli import app
from selfsown.compare import candidates
from selfsown.errors import UserError
from selfsown.tracking.lineage import dvc_digest
from selfsown.tracking.store import connect
from selfsown.tracking.uri import tracking_uri

Arguments = Callable[..., dict[str, Any]]
SPEECH = Path("data/demo/speech")


def whisper_version(folder: Path) -> str | None:
    return tracking.log_model(
        "selfsown-whisper",
        folder,
        task="automatic-speech-recognition",
        input_example=np.zeros(1600, np.float32),
        card="# Whisper\nSpeaks Czech.",
        inputs=[SPEECH],
        metrics={"wer": 0.5},
        config={"chunk_length_s": 30, "ignore_warning": True},
    )


@pytest.fixture(params=["sqlite", pytest.param("server", marks=pytest.mark.slow)])
def store(request: pytest.FixtureRequest, project: Path) -> MlflowClient:
    if request.param == "server":
        request.getfixturevalue("server")
    return connect(tracking_uri())


def test_registered_whisper_transcribes(
    store: MlflowClient,
    arguments: Arguments,
    tiny_whisper: Callable[[Path, int], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = tiny_whisper(Path("models/mixed"), 0)
    with tracking.run(**arguments()):
        number = whisper_version(folder)
        assert whisper_version(folder) == number, "a resumed stage registers nothing twice"
    version = store.get_model_version_by_alias("selfsown-whisper", "candidate")
    assert str(version.version) == number
    assert version.tags["data.demo/speech"] == dvc_digest(SPEECH)
    assert version.tags["digest"] == dvc_digest(folder)
    assert version.description.startswith("# Whisper")
    registered = store.get_registered_model("selfsown-whisper")
    assert registered.tags == {"pipeline": "demo", "task": "automatic-speech-recognition"}
    assert "`selfsown promote selfsown-whisper` makes it the `@champion`" in registered.description
    monkeypatch.setattr(mlflow, "_tracking_uri", None, raising=False)
    mlflow.set_tracking_uri(tracking_uri())
    mlflow.set_registry_uri(tracking_uri())
    model = mlflow.pyfunc.load_model("models:/selfsown-whisper@candidate")
    audio = np.random.default_rng(0).normal(0, 0.1, 16000).astype(np.float32)
    text = model.predict(audio)
    assert isinstance(text, str) and text
    from transformers import pipeline

    assert text == pipeline("automatic-speech-recognition", model=str(folder))(audio.copy())["text"]
    signature = model.metadata.signature
    assert signature.inputs.to_dict()[0]["tensor-spec"] == {"dtype": "float32", "shape": (-1,)}
    saved = Path(mlflow.artifacts.download_artifacts("models:/selfsown-whisper@candidate"))
    names = {path.name for path in saved.rglob("*")}
    assert {"README.md", "model.safetensors", "input_example.json", "serve.py"} <= names
    assert not [name for name in names if name.endswith((".pkl", ".bin", ".pt"))]
    run = store.get_run(version.run_id)
    logged = store.get_logged_model(run.outputs.model_outputs[0].model_id)
    assert str(logged.status) == "READY" and logged.params["optimizer.lr"] == "0.0001"
    assert [(metric.key, metric.value) for metric in logged.metrics] == [("wer", 0.5)]


def test_pickled_weights_are_refused(project: Path, arguments: Arguments) -> None:
    Path("models/bad").mkdir(parents=True)
    Path("models/bad/pytorch_model.bin").write_bytes(b"")
    with pytest.raises(UserError, match=r"pytorch_model\.bin"), tracking.run(**arguments()):
        whisper_version(Path("models/bad"))


N = 200
IDS = [f"u{index}" for index in range(N)]
UNITS = np.full(N, 10.0)
RNG = np.random.default_rng(0)
UNTOUCHED = RNG.binomial(10, 0.6, N).astype(float)


@pytest.fixture
def evaluated(project: Path, arguments: Arguments, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Registers a folder of the given name and logs the errors of its evaluation; returns the version."""
    monkeypatch.setattr("selfsown.tracking.models._save", lambda saved, *rest: _bare_model(saved))

    def make(name: str, errors: np.ndarray, evaluation: Path = SPEECH, **changes: Any) -> str:
        folder = Path("models", name)
        folder.mkdir(parents=True)
        save_file({"w": np.array([float(len(name))])}, folder / "model.safetensors")
        (folder / "config.json").write_text(name)
        with tracking.run(**arguments(name=f"demo.train@{name}")):
            version = whisper_version(folder)
        with tracking.run(**arguments(name=f"demo.evaluate@{name}")):
            counts: dict[str, Any] = {"ids": IDS, "errors": errors, "baseline": UNTOUCHED, "units": UNITS, **changes}
            tracking.log_evidence("selfsown-whisper", folder, metric="wer", evaluation=evaluation, **counts)
        assert version is not None
        return version

    return make


def _bare_model(saved: Path) -> None:
    """An MLflow model without a flavour: promotion never loads it."""
    from mlflow.models import Model

    saved.mkdir(parents=True)
    Model().save(str(saved / "MLmodel"))


def champion() -> str | None:
    aliases = connect(tracking_uri()).get_registered_model("selfsown-whisper").aliases
    return str(aliases["champion"]) if "champion" in aliases else None


def tags(version: str) -> dict[str, str]:
    return dict(connect(tracking_uri()).get_model_version("selfsown-whisper", version).tags)


def test_the_summary_has_the_candidate_beside_its_champion_with_the_reason(
    project: Path, evaluated: Callable[..., str]
) -> None:
    first = evaluated("first", np.maximum(UNTOUCHED - 1, 0))
    tracking.promote("selfsown-whisper")
    same = evaluated("same", np.roll(np.maximum(UNTOUCHED - 1, 0), 1))
    row = f"| selfsown-whisper | {same} | {first} | refused | not clearly better than champion {first}: wer 0."
    assert row in candidates()


def test_promotion_needs_a_clear_gain(project: Path, evaluated: Callable[..., str]) -> None:
    with pytest.raises(UserError, match="no version is @candidate"):
        tracking.promote("selfsown-whisper")
    same = evaluated("same", np.roll(UNTOUCHED, 1))
    with pytest.raises(tracking.PromotionRefused, match="not clearly better than its baseline"):
        tracking.promote("selfsown-whisper")
    assert champion() is None and tags(same)["promotion.decision"] == "refused"

    first = evaluated("first", np.maximum(UNTOUCHED - 1, 0))
    assert "better than its baseline" in str(tracking.promote("selfsown-whisper"))
    assert champion() == first
    assert tags(first)["promotion.decision"] == "promoted" and tags(first)["promotion.previous"] == "none"
    assert float(tags(first)["evidence.relative_reduction_lo"]) > 0
    assert "already" in str(tracking.promote("selfsown-whisper"))

    noise = evaluated("noise", np.maximum(UNTOUCHED - 1, 0) + RNG.integers(-1, 2, N))
    with pytest.raises(tracking.PromotionRefused, match=f"not clearly better than champion {first}"):
        tracking.promote("selfsown-whisper")
    assert champion() == first
    assert "forced" in str(tracking.promote("selfsown-whisper", force=True))
    assert champion() == noise and tags(first)["promotion.replaced_by"] == noise

    better = evaluated("better", np.maximum(UNTOUCHED - 3, 0))
    assert f"better than champion {noise}" in str(tracking.promote("selfsown-whisper"))
    assert champion() == better and tags(better)["promotion.previous"] == noise


def test_asking_changes_nothing_and_the_command_has_a_status_for_no(
    project: Path, evaluated: Callable[..., str]
) -> None:
    def ask(*options: str, status: int) -> dict[str, Any]:
        done = CliRunner().invoke(app, ["promote", "selfsown-whisper", "--json", *options])
        assert done.exit_code == status, done.output
        return dict(json.loads(done.output))

    same = evaluated("same", np.roll(UNTOUCHED, 1))
    assert ask("--check", status=3)["decision"] == "refused"
    assert champion() is None and "promotion.decision" not in tags(same)
    assert ask(status=3)["decision"] == "refused" == tags(same)["promotion.decision"]
    first = evaluated("first", np.maximum(UNTOUCHED - 1, 0))
    found = ask("--check", status=0)
    assert (found["version"], found["champion"], found["decision"]) == (first, None, "allowed")
    assert found["reason"].startswith("better than its baseline") and champion() is None
    assert ask(status=0) == found | {"decision": "promoted"} and champion() == first
    assert ask(status=0)["decision"] == "champion"
    missing = CliRunner().invoke(app, ["promote", "nobody"])
    assert missing.exit_code == 1 and isinstance(missing.exception, UserError)


@pytest.mark.slow
def test_the_workflow_ends_as_the_command_does(project: Path, evaluated: Callable[..., str]) -> None:
    here = f"export PATH={Path(sys.executable).parent}:$PATH PYTHONPATH={actions.ROOT / 'src'}\nset -euo pipefail\n"
    scripts = {"promote.sh": (actions.ROOT / "scripts/promote.sh").read_text(), "env.sh": here}
    repository = actions.repository(project / "repository", scripts)

    def asked(check: str) -> actions.Done:
        inputs = {"inputs": {"model": "selfsown-whisper", "check": check}}
        return actions.run(repository, "promote.yml", "workflow_dispatch", inputs, MLFLOW_TRACKING_URI=tracking_uri())

    evaluated("same", np.roll(UNTOUCHED, 1))
    refused = asked("false")
    assert refused.jobs == {"promote": "failed"} and "exit status 3" in refused.said, refused.said
    first = evaluated("first", np.maximum(UNTOUCHED - 1, 0))
    assert asked("true").jobs == {"promote": "succeeded"} and champion() is None
    done = asked("false")
    assert done.jobs == {"promote": "succeeded"} and "promoted: better than its baseline" in done.said
    assert champion() == first


def test_a_champion_that_beat_nothing_does_not_make_the_next_one_good(
    project: Path, evaluated: Callable[..., str]
) -> None:
    first = evaluated("first", np.maximum(UNTOUCHED + 3, 0))
    tracking.promote("selfsown-whisper", force=True)
    second = evaluated("second", np.roll(UNTOUCHED, 1), baseline_name="the most frequent program")
    with pytest.raises(tracking.PromotionRefused, match=r"than the most frequent program: .*; it stays @candidate"):
        tracking.promote("selfsown-whisper")
    assert champion() == first and tags(second)["promotion.decision"] == "refused"
    evaluated("third", np.maximum(UNTOUCHED - 2, 0))
    both = f"better than champion {first}: .* paired items; better than its baseline: "
    assert re.search(both, str(tracking.promote("selfsown-whisper")))


def test_other_evaluation_data_is_no_comparison(project: Path, evaluated: Callable[..., str]) -> None:
    evaluated("first", np.maximum(UNTOUCHED - 1, 0))
    tracking.promote("selfsown-whisper")
    other = Path("data/demo/other")
    other.mkdir()
    (other / "part-00000.parquet").write_bytes(b"other rows")
    evaluated("better", np.maximum(UNTOUCHED - 3, 0), evaluation=other)
    with pytest.raises(tracking.PromotionRefused, match="not evaluated on the same data"):
        tracking.promote("selfsown-whisper")
    evaluated("units", np.maximum(UNTOUCHED - 3, 0), units=UNITS + 1)
    with pytest.raises(tracking.PromotionRefused, match="normaliser"):
        tracking.promote("selfsown-whisper")


def test_a_version_without_evaluation_is_refused(
    project: Path, evaluated: Callable[..., str], arguments: Arguments
) -> None:
    Path("models/new").mkdir(parents=True)
    save_file({"w": np.zeros(1)}, "models/new/model.safetensors")
    with tracking.run(**arguments()):
        whisper_version(Path("models/new"))
    with pytest.raises(tracking.PromotionRefused, match="has not been evaluated"):
        tracking.promote("selfsown-whisper")


@pytest.mark.parametrize("for_good", [False, True])
def test_a_model_whose_run_was_deleted(for_good: bool, project: Path, evaluated: Callable[..., str]) -> None:
    evaluated("first", np.maximum(UNTOUCHED - 1, 0))
    client = connect(tracking_uri())
    experiment = client.get_experiment_by_name("demo")
    for run in client.search_runs([experiment.experiment_id]):
        client.delete_run(run.info.run_id)
        if for_good:  # as `mlflow gc` does
            client._tracking_client.store._hard_delete_run(run.info.run_id)
    if not for_good:
        assert "better than its baseline" in str(tracking.promote("selfsown-whisper"))
        return
    with pytest.raises(tracking.PromotionRefused, match="the run that did was deleted"):
        tracking.promote("selfsown-whisper")
    shutil.rmtree("mlartifacts")
    with pytest.raises(UserError, match=r"the files of version 1 \(@candidate\) cannot be had from .*mlartifacts"):
        tracking.download_model("selfsown-whisper", "candidate", project / "got")


def test_an_evaluation_may_refuse_a_better_model(project: Path, evaluated: Callable[..., str]) -> None:
    version = evaluated("refused", np.maximum(UNTOUCHED - 3, 0), refused="its first stage learnt nothing")
    with pytest.raises(tracking.PromotionRefused, match="refused: its first stage learnt nothing"):
        tracking.promote("selfsown-whisper")
    assert champion() is None and tags(version)["promotion.reason"] == "its first stage learnt nothing"
