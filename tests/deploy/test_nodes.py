"""Training on two nodes: two groups of real processes on this machine, with the same weights as one process.

What a cluster has and this machine lacks is a few lines of shell each: `srun` and `pdsh` start the command once a node
and tell it which, `ssh` answers. The rest is real: torchrun, deepspeed's launcher, gloo, the stage.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from tests.diffaug.test_stages import weights
from tests.diffaug.test_training_processes import command, curve
from tests.diffaug.tiny_encoders import write_world
from tests.plainly import plainly  # noqa: F401 - a fixture
from tests.stage_process import finish

ROOT = Path(__file__).parents[2]
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


@pytest.mark.slow
@pytest.mark.timeout(1800)
@pytest.mark.usefixtures("plainly")
def test_two_groups_of_processes_train_as_one_process(cluster: Path, tmp_path: Path) -> None:
    world = write_world(tmp_path / "keeps", 0.0)
    finish(command("prefix", "main", world, tmp_path / "one"))
    one = tmp_path / "one/model"
    (tmp_path / "hosts").write_text("one slots=1\nother slots=1\n")
    slurm = {"SELFSOWN_LAUNCHER": "torchrun", "SLURM_JOB_NUM_NODES": "2"}
    hosts = {"SELFSOWN_LAUNCHER": "deepspeed", "SELFSOWN_HOSTFILE": str(tmp_path / "hosts")}
    for settings, asked in ((slurm, "--ntasks-per-node=1"), (hosts, "export SELFSOWN_PRECISION=fp32;")):
        two = tmp_path / settings["SELFSOWN_LAUNCHER"]
        finish(command("prefix", "main", world, two, GLOO_SOCKET_IFNAME="lo", **settings), 800)
        assert curve(two / "model") == pytest.approx(curve(one), abs=1e-5)
        assert torch.allclose(weights(one), weights(two / "model"), atol=1e-4)
        assert asked in (cluster / "asked").read_text()


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
            "MLFLOW_TRACKING_PASSWORD: deepspeed would show the password",
        ),
        (
            {
                "SELFSOWN_HOSTFILE": "hosts", "SELFSOWN_LAUNCHER": "deepspeed", "GLOO_SOCKET_IFNAME": "lo",
                "MLFLOW_TRACKING_URI": "postgresql://me:secret@host/runs",
            },
            "MLFLOW_TRACKING_URI: deepspeed would show the password",
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
