"""A GPU run that is killed half-way goes on in a new checkout with the same `SELFSOWN_WORK`, and brings its locks."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from tests.test_sixth_pipeline import TOY, Clone, clone  # noqa: F401 - a fixture

pytestmark = pytest.mark.slow

ENVIRONMENT = Path(sys.prefix)


@pytest.fixture
def committed(clone: Clone) -> Clone:  # noqa: F811
    """A repository with a toy pipeline that trains long enough to be killed."""
    if not (ENVIRONMENT / "stamp").is_file():
        pytest.skip("needs the environment that scripts/setup.sh makes")
    long = {"max_steps": 3000, "eval_steps": 250, "save_steps": 250, "logging_steps": 500}
    smoke = clone.root / f"conf/{TOY}/smoke.yaml"
    smoke.write_text(yaml.safe_dump({**yaml.safe_load(smoke.read_text()), "train": {"arguments": long}}))
    clone.run("python", "scripts/set_profile.py", "profile=smoke")
    clone.run("python", "scripts/write_deps.py")
    clone.run("git", "add", ".")
    clone.run("git", "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", TOY)
    return clone


def start(committed: Clone, name: str, volume: Path) -> subprocess.Popen[str]:
    """`scripts/gpu_repro.sh` on the toy in a new checkout."""
    checkout = committed.root.with_name(name)
    subprocess.run(["git", "clone", "-q", str(committed.root), str(checkout)], check=True)
    (checkout / ".venv").symlink_to(ENVIRONMENT)
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("SELFSOWN_", "MLFLOW_", "PYTEST_", "PYTHONPATH"))}
    ours = {"PROFILE": "smoke", "PIPELINE": TOY, "BASE": "HEAD", "SELFSOWN_WORK": str(volume), "SELFSOWN_DEVICE": "cpu"}
    return subprocess.Popen(
        ["scripts/gpu_repro.sh"],
        cwd=checkout,
        env={**kept, **ours, "MLFLOW_TRACKING_URI": f"sqlite:///{volume / 'mlflow.db'}"},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


def test_killed_the_checkout_deleted_and_cloned_again_it_goes_on(committed: Clone) -> None:
    volume = committed.root.with_name("volume")
    volume.mkdir()
    first = start(committed, "first", volume)
    lock = f"made/smoke/*/pipelines/{TOY}/dvc.lock"
    while not (
        any("gate:" in path.read_text() for path in volume.glob(lock))
        and list(volume.glob("unfinished/*/checkpoint-*/trainer_state.json"))
    ):
        assert first.poll() is None, first.communicate()[0][-4000:]
        time.sleep(0.05)
    os.killpg(first.pid, signal.SIGKILL)
    first.communicate()
    shutil.rmtree(committed.root.with_name("first"))
    second = start(committed, "second", volume)
    said = second.communicate()[0]
    assert second.returncode == 0, said[-4000:]
    ran = [line.split(":")[1].strip("'") for line in said.splitlines() if line.startswith("Running stage")]
    assert ran == ["train@all", "evaluate"], "what was finished is not run again"
    with contextlib.closing(sqlite3.connect(volume / "mlflow.db")) as database:
        runs = database.execute("SELECT name, status FROM runs ORDER BY start_time").fetchall()
        assert runs == [(f"{TOY}.train@all", "FINISHED"), (f"{TOY}.evaluate", "FINISHED")]
        (resumed,) = database.execute("SELECT value FROM tags WHERE key = 'resumed'").fetchone()
        steps = database.execute("SELECT step FROM metrics WHERE key = 'train/loss' ORDER BY step").fetchall()
        assert resumed == "1" and steps == [(step,) for step in range(500, 3001, 500)]
    checkout = committed.root.with_name("second")
    assert not list((volume / "unfinished").iterdir())
    summary = (checkout / "reports/summary.md").read_text()
    assert f"| {TOY} error_rate_all | – |" in summary and f"| {TOY}.train@all |" in summary
    changed = Clone(checkout).changed()
    assert {Path(f"pipelines/{TOY}/dvc.lock"), Path(f"metrics/{TOY}.json")} <= changed
