"""The commands of `docs/lesson.md`, one after another, in a clone of the repository."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
import requests
from mlflow import MlflowClient
from tests.profiles import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

ENVIRONMENT = Path(sys.prefix)
LESSON = ROOT / "docs/lesson.md"
FIGURES = "metrics/tinyllama.json"
LEARNER = {f"GIT_{who}_{what}": "learner" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}


def commands() -> list[str]:
    """Every line of every block."""
    return [
        line
        for block in re.findall(r"^```\n(.*?)^```$", LESSON.read_text(), re.M | re.S)
        for line in block.splitlines()
    ]


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh one, with an environment that is there already."""
    if not (ENVIRONMENT / "stamp").is_file():
        pytest.skip("needs the environment that scripts/setup.sh makes")
    root = tmp_path / "selfsown"
    subprocess.run(["git", "clone", "-q", str(ROOT), str(root)], check=True)
    subprocess.run(["git", "checkout", "-q", "-B", "main"], cwd=root, check=True)  # whatever is checked out here
    (root / ".venv").symlink_to(ENVIRONMENT)
    return root


def learner() -> dict[str, str]:
    """The environment of somebody who has set nothing; downloads and the mirror are those of this test."""
    kept = ("SELFSOWN_CACHE", "SELFSOWN_MIRROR", "SELFSOWN_VENV_CACHE")
    clean = {
        key: value
        for key, value in os.environ.items()
        if key in kept or not key.startswith(("SELFSOWN_", "MLFLOW_", "PYTEST_", "PYTHONPATH", "RAY_"))
    }
    return {**clean, **LEARNER}


def run(command: str, clone: Path, status: int) -> str:
    """As in the reader's shell, where `. .venv/bin/activate` was said; a shared environment must be told of `src`."""
    script = f"[ ! -e .venv/bin/activate ] || . .venv/bin/activate; export PYTHONPATH=$PWD/src; {command}"
    done = subprocess.run(["bash", "-c", script], cwd=clone, env=learner(), capture_output=True, text=True)
    assert done.returncode == status, f"{command}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout + done.stderr


def watch_ui(clone: Path) -> str:
    """Start it, wait for its page, end it as Ctrl-C does."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = {**learner(), "PORT": str(port), "PYTHONPATH": str(clone / "src")}
    shown = subprocess.Popen(["make", "ui"], cwd=clone, env=environment, start_new_session=True)
    try:
        for _ in range(600):
            assert shown.poll() is None
            try:
                return requests.get(f"http://127.0.0.1:{port}/", timeout=5).text
            except requests.ConnectionError:
                time.sleep(0.5)
        raise AssertionError("make ui: no answer in five minutes")
    finally:
        os.killpg(shown.pid, signal.SIGINT)
        shown.wait(60)


def test_every_command_of_the_lesson_does_what_the_lesson_says(clone: Path) -> None:
    before = json.loads((clone / FIGURES).read_text())
    said: dict[str, str] = {}
    for line in commands():
        if line == "make ui":
            said[line] = watch_ui(clone)
            continue
        expected = re.search(r"# ends with status (\d)", line)
        said[line] = run(line, clone, int(expected[1]) if expected else 0)
    assert "<title>MLflow</title>" in said["make ui"]
    assert (
        "didn't change" in said["make repro PIPELINE=tinyllama"]
        or "up to date" in said["make repro PIPELINE=tinyllama"]
    )
    (experiment,) = (text for line, text in said.items() if line.startswith("dvc exp run"))
    ran = set(re.findall(r"Running stage 'pipelines/(.*?)/dvc.yaml:(.*?)'", experiment))
    assert ran == {("tinyllama", name) for name in ("pretrain@main", "continual@code", "chat@main", "evaluate")}
    changed = said["dvc params diff"]
    assert "0.0004" in changed and changed.count("learning_rate") == 1
    (figures,) = (text for line, text in said.items() if line.startswith("dvc metrics diff"))
    assert "bits_per_byte" in figures
    assert "forced" in next(text for line, text in said.items() if line.endswith("--force"))
    assert (clone / "model.gguf").stat().st_size > 10_000
    chat = MlflowClient(f"sqlite:///{clone}/mlflow.db").get_registered_model("selfsown-tinyllama-chat")
    assert list(chat.aliases) == ["candidate"], "no champion is left that a later model would be compared with"
    assert json.loads((clone / FIGURES).read_text()) == before, "back on the branch that it began on"
    left = subprocess.run(
        ["git", "status", "--porcelain", "-uno"], cwd=clone, check=True, capture_output=True, text=True
    )
    assert not left.stdout
