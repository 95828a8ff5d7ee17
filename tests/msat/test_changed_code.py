"""An edit of what a stage reaches makes it begin anew, any other edit does not: seen in real processes."""

import contextlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from dvc.repo import Repo
from tests.msat.test_train import ARGUMENTS, PRETRAIN, product, rows
from tests.msat.tiny_solver import tiny_encoder
from tests.profiles import ROOT, composed, write_params
from tests.stage_process import start_stage

OUTSIDE = ("report/page.py", "cli.py", "msat/evaluate/__init__.py")
LONG = {**ARGUMENTS, "max_steps": 3000, "save_steps": 10, "eval_steps": 10, "save_total_limit": None}


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """The package, to be edited."""
    shutil.copytree(ROOT / "src", tmp_path / "src")
    return tmp_path / "src"


def edit(source: Path, *files: str) -> None:
    for file in files:
        with (source / "selfsown" / file).open("a") as end:
            end.write("# edited\n")


@pytest.mark.slow
def test_a_killed_training_goes_on_unless_its_code_was_edited(source: Path, tmp_path: Path) -> None:
    inputs = {
        "encoder": tiny_encoder(tmp_path / "encoder"),
        "tasks": product(tmp_path / "tasks", rows(40, "train", "tasks")),
    }
    options = {"solver": "dag", "representation": "digits", "arm": "pretrained", **inputs, "model": "model"}
    section = {**PRETRAIN.model_dump(mode="json"), "arguments": LONG}

    def checkpoints() -> dict[int, int]:
        """When the last file of each was written, by its step."""
        found = {}
        for file in (tmp_path / "model" / ".work").glob("checkpoint-*/trainer_state.json"):
            with contextlib.suppress(FileNotFoundError):  # the stage clears it away at this very moment
                found[int(file.parent.name.rpartition("-")[2])] = file.stat().st_mtime_ns
        return found

    def killed_when(done: Callable[[dict[int, int]], bool]) -> dict[int, int]:
        process = start_stage("msat.pretrain", section, options, tmp_path, PYTHONPATH=str(source))
        deadline = time.monotonic() + 120
        try:
            while not done(checkpoints()):
                assert process.poll() is None, (process.stderr or sys.stderr).read()
                assert time.monotonic() < deadline
                time.sleep(0.01)
        finally:
            process.send_signal(signal.SIGKILL)
            process.communicate()
        return checkpoints()

    before = killed_when(lambda found: len(found) >= 2)
    edit(source, *OUTSIDE)
    gone_on = killed_when(lambda found: len(found) > len(before))
    assert gone_on.items() > before.items()
    edit(source, "training/__init__.py")
    anew = killed_when(lambda found: bool(found) and not found.items() & gone_on.items())
    assert min(anew) == min(before), "it began with the first step"


def test_data_is_made_again_only_when_its_code_was_edited(source: Path, tmp_path: Path) -> None:
    write_params(tmp_path, composed("profile=smoke"))
    declared = tmp_path / "pipelines" / "msat" / "dvc.yaml"
    declared.parent.mkdir(parents=True)
    shutil.copy(ROOT / "pipelines" / "msat" / "dvc.yaml", declared)
    Repo.init(str(tmp_path), no_scm=True).close()
    tasks = tmp_path / "data" / "msat" / "tasks" / "2.4"

    def ran(*options: str) -> bool:
        command = [sys.executable, "-m", "dvc", "repro", *options, "pipelines/msat/dvc.yaml:generate"]
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = os.environ | {"PATH": path, "PYTHONPATH": str(source), "SELFSOWN_TRACKING": "false"}
        done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, done.stdout + done.stderr
        return bool(re.search(r"^Running stage .*generate@2\.4", done.stdout, re.MULTILINE))

    def content() -> list[bytes]:
        return [part.read_bytes() for part in sorted(tasks.glob("part-*.parquet"))]

    assert ran()
    before = content()
    edit(source, *OUTSIDE)
    assert not ran("--dry")
    seeds = source / "selfsown" / "shards" / "seeds.py"
    seeds.write_text(seeds.read_text().replace('f"{seed}:{index}"', 'f"{seed}/{index}"'))
    assert ran()
    assert len(content()) == len(before) > 1 and not set(content()) & set(before)
