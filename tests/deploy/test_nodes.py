"""Training on two nodes: two groups of real processes on this machine, with the same weights as one process.

What a cluster has and this machine lacks is a few lines of shell each: `srun` and `pdsh` start the command once a node
and tell it which, `ssh` answers. The rest is real: torchrun, deepspeed's launcher, gloo, DVC, the stage.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tests.test_sixth_pipeline import TOY, Clone, clone  # noqa: F401 - a fixture

ROOT = Path(__file__).parents[2]
STAGE = f"pipelines/{TOY}/dvc.yaml:train@all"
SRUN = """#!/bin/bash
# As many processes as --ntasks says, each with its SLURM_NODEID; one that fails ends the others.
while [[ "$1" == --* ]]; do
    case "$1" in --ntasks=*) tasks=${1#*=} ;; esac
    echo "$1" >>"$HERE/asked"; shift
done
for ((node = 0; node < tasks; node++)); do SLURM_NODEID=$node "$@" & pids+=($!); done
for ((node = 0; node < tasks; node++)); do wait -n || { kill "${pids[@]}"; exit 1; }; done
"""
PDSH = """#!/bin/bash
while [ "$1" != -w ]; do shift; done
IFS=, read -ra hosts <<<"$2"; shift 2
echo "$*" >>"$HERE/asked"
node=0
for host in "${hosts[@]}"; do
    # a shell of that host has none of the variables of this one
    env -i HOME="$HOME" PATH="$PATH" bash -c "$(sed "s/%n/$node/" <<<"$*")" & pids+=($!)
    node=$((node + 1))
done
for pid in "${pids[@]}"; do wait "$pid" || { kill "${pids[@]}"; exit 1; }; done
"""
SSH = """#!/bin/sh
case "$*" in *"hostname -I") echo 127.0.0.1 ;; *) hostname ;; esac
"""


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The programs of a cluster in PATH, and what they were asked in the file `asked`."""
    folder = tmp_path_factory.mktemp("cluster")
    for name, text in {"srun": SRUN, "pdsh": PDSH, "ssh": SSH}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("HERE", str(folder))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    monkeypatch.delenv("GLOO_SOCKET_IFNAME", raising=False)
    for name in [name for name in os.environ if name.startswith("SLURM_")]:
        monkeypatch.delenv(name)
    return folder


@pytest.fixture
def trained(cluster: Path, clone: Clone) -> Clone:  # noqa: F811
    """The toy, trained by one process."""
    (clone.root / ".venv").symlink_to(sys.prefix)
    clone.run("python", "scripts/set_profile.py", "profile=smoke")
    clone.run("python", "scripts/write_deps.py")
    clone.run("dvc", "repro", STAGE)
    (clone.root / f"models/{TOY}/all").rename(clone.root / "alone")
    return clone


def equal_to_one(trained: Clone) -> None:
    """The same weights as of one process."""
    alone, both = (load_file(trained.root / place / "model.safetensors") for place in ("alone", f"models/{TOY}/all"))
    assert alone.keys() == both.keys()
    for name, weight in alone.items():
        assert torch.allclose(weight, both[name], atol=1e-5), name


def again(trained: Clone, cluster: Path, *command: str) -> set[str]:
    """Train anew by a command and compare with the one process; what the programs of the cluster were asked."""
    shutil.rmtree(trained.root / f"models/{TOY}/all", ignore_errors=True)
    said = trained.run(*command, "--force", "--single-item", STAGE)
    assert f"Running stage '{STAGE}'" in said
    equal_to_one(trained)
    asked = cluster / "asked"
    lines = set(asked.read_text().splitlines())
    asked.unlink()
    return lines


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_two_groups_of_processes_train_as_one_process(
    trained: Clone, cluster: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLOO_SOCKET_IFNAME", "lo")
    with monkeypatch.context() as allocation:
        allocation.setenv("SLURM_JOB_NUM_NODES", "2")
        allocation.setenv("SLURM_SUBMIT_DIR", str(trained.root))
        asked = again(trained, cluster, "bash", str(ROOT / "deploy/slurm.sbatch"))
    assert {"--nodes=2", "--ntasks=2", "--ntasks-per-node=1", "--overlap"} <= asked

    (trained.root / "hosts").write_text("one slots=1\nother slots=1\n")
    (trained.root / ".env").write_text("SELFSOWN_LAUNCHER=deepspeed\nSELFSOWN_HOSTFILE=hosts\n")
    (asked_of_hosts,) = again(trained, cluster, "dvc", "repro")
    assert "export SELFSOWN_DEVICE=cpu;" in asked_of_hosts and "export GLOO_SOCKET_IFNAME=lo;" in asked_of_hosts

    with contextlib.closing(sqlite3.connect(trained.root / "mlflow.db")) as database:
        runs = database.execute("SELECT name, status FROM runs").fetchall()
    assert runs == [(f"{TOY}.train@all", "FINISHED")] * 3, "rank 0 alone tracks"


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"SLURM_JOB_NUM_NODES": "2"}, "GLOO_SOCKET_IFNAME: set it to the network interface"),
        ({"SLURM_JOB_NUM_NODES": "2", "PATH": ""}, "srun is not in PATH"),
        ({"SELFSOWN_HOSTFILE": "hosts"}, "SELFSOWN_HOSTFILE: needs SELFSOWN_LAUNCHER=deepspeed"),
        ({"SELFSOWN_HOSTFILE": "nowhere", "SELFSOWN_LAUNCHER": "deepspeed"}, "nowhere: no such file"),
        (
            {
                "SELFSOWN_HOSTFILE": "hosts", "SELFSOWN_LAUNCHER": "deepspeed", "GLOO_SOCKET_IFNAME": "lo",
                "MLFLOW_TRACKING_PASSWORD": "secret",
            },
            "MLFLOW_TRACKING_PASSWORD: deepspeed would show it",
        ),
    ],
)  # fmt: skip
def test_what_is_missing_is_said_before_anything_starts(
    settings: dict[str, str], says: str, cluster: Path, tmp_path: Path
) -> None:
    (tmp_path / ".dvc").mkdir()
    (tmp_path / ".dvc/config").touch()
    (tmp_path / "hosts").write_text("one slots=1\nother slots=1\n")
    code = (
        "from selfsown.launcher import relaunch; from selfsown.errors import UserError\n"
        "try: relaunch()\nexcept UserError as error: print(error)"
    )
    environment = {**os.environ, "SELFSOWN_LAUNCHER": "torchrun", "PYTHONPATH": str(ROOT / "src"), **settings}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and says in done.stdout and "secret" not in done.stdout, done.stderr
    assert not (cluster / "asked").exists()
