"""The files that a user hands to Slurm and to SkyPilot: what they start, with which settings, and where they stop."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests.profiles import PROFILES, ROOT

SBATCH = ROOT / "deploy/slurm.sbatch"
TELL = """#!/bin/sh
{ echo "$(basename "$0") $*"; env | grep -E '^(SELFSOWN|GLOO|RAY)_' | sort; } >>"$HERE/asked"
exit "${DVC_ENDS:-0}"
"""
PROGRAMS = {
    "srun": TELL,
    "hostname": "#!/bin/sh\necho ${NAME:?no name}\n",
    "ip": """#!/bin/sh
[ "$*" = "-o route show default" ] || exit 2
echo "default via 10.0.0.1 dev ${INTERFACE:?no route} proto dhcp src 10.0.0.7 metric 100"
echo "default via 10.1.0.1 dev slower0 proto dhcp src 10.1.0.7 metric 200"
""",
}


def write_programs(folder: Path, programs: dict[str, str]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in programs.items():
        (folder / name).write_text(text)
        (folder / name).chmod(0o755)


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with an environment that holds `dvc`, and beside it Slurm's programs."""
    write_programs(tmp_path / "programs", PROGRAMS)
    made = tmp_path / "checkout"
    write_programs(made / ".venv/bin", {"dvc": TELL})
    (made / ".venv/bin/activate").write_text(f'PATH="{made}/.venv/bin:$PATH"\n')
    return made


def submitted(checkout: Path, **settings: str) -> tuple[int, list[str]]:
    """How the job ends, and what was asked of the stand-ins."""
    here = checkout.parent
    environment = {
        "PATH": f"{here / 'programs'}{os.pathsep}/usr/bin{os.pathsep}/bin", "HERE": str(here), "NAME": "node0",
        "INTERFACE": "ens5", "SLURM_SUBMIT_DIR": str(checkout), "SLURM_JOB_NUM_NODES": "2", "SLURM_CPUS_ON_NODE": "16",
        **settings,
    }  # fmt: skip
    done = subprocess.run(["bash", SBATCH, "pipelines/x/dvc.yaml"], cwd=here, env=environment, capture_output=True)
    asked = here / "asked"
    return done.returncode, asked.read_text().splitlines() if asked.exists() else []


def test_a_job_is_dvc_on_the_first_node_with_torchrun_on_all(checkout: Path) -> None:
    code, asked = submitted(checkout, SLURM_GPUS_ON_NODE="4")
    assert code == 0
    settings = ["GLOO_SOCKET_IFNAME=ens5", "SELFSOWN_LAUNCHER=torchrun", "SELFSOWN_NPROC=4"]
    assert asked == ["dvc repro pipelines/x/dvc.yaml", *settings]


def test_what_the_user_says_comes_before_what_the_job_finds(checkout: Path) -> None:
    _, asked = submitted(checkout, SLURM_GPUS_ON_NODE="4", SELFSOWN_NPROC="2", GLOO_SOCKET_IFNAME="ib0")
    assert {"SELFSOWN_NPROC=2", "GLOO_SOCKET_IFNAME=ib0"} < {*asked}


def test_nodes_without_gpus_have_one_process_each(checkout: Path) -> None:
    assert "SELFSOWN_NPROC=1" in submitted(checkout)[1]


def test_with_ray_dvc_is_in_a_cluster_of_all_nodes_and_of_the_jobs_own_cores(checkout: Path) -> None:
    code, (asked, *settings) = submitted(checkout, SELFSOWN_ENGINE="ray")
    ray = "ray symmetric-run --address node0:6379 --min-nodes 2 --num-cpus 16"
    assert code == 0 and asked == f"srun --kill-on-bad-exit=1 --cpu-bind=none {ray} -- dvc repro pipelines/x/dvc.yaml"
    assert {"RAY_ADDRESS=node0:6379", "SELFSOWN_ENGINE=ray", "SELFSOWN_LAUNCHER=torchrun"} < {*settings}


@pytest.mark.parametrize("settings", [{"SLURM_SUBMIT_DIR": "/nowhere"}, {"INTERFACE": ""}, {"NAME": ""}])
def test_nothing_starts_after_a_command_that_failed(settings: dict[str, str], checkout: Path) -> None:
    code, asked = submitted(checkout, SELFSOWN_ENGINE="ray", **settings)
    assert code != 0 and not asked


def test_a_job_without_an_environment_stops_and_one_ends_as_dvc_does(checkout: Path) -> None:
    assert submitted(checkout, DVC_ENDS="3")[0] == 3
    (checkout / ".venv/bin/activate").unlink()
    code, asked = submitted(checkout)
    assert code not in (0, 3) and len([line for line in asked if line.startswith("dvc ")]) == 1


def test_slurm_reads_what_a_requeued_job_needs() -> None:
    lines = SBATCH.read_text().splitlines()
    commands = [number for number, line in enumerate(lines) if line and not line.startswith("#")]
    told = {number: line.removeprefix("#SBATCH ") for number, line in enumerate(lines) if line.startswith("#SBATCH")}
    assert max(told) < min(commands), "Slurm reads no directive after the first command"
    assert {"--requeue", "--open-mode=append", "--ntasks-per-node=1"} < {*told.values()}


NODE = """
# A network and a table of processes of its own: `ray stop` ends every Ray that it sees. It keeps its
# sessions in /tmp/ray.
set -eu
mkdir -p /tmp/ray && mount -t tmpfs none /tmp/ray
ip link set lo up
ip address add 10.9.9.1/32 dev lo
ip route add default dev lo
exec bash "$@"
"""
SRUN = """#!/bin/bash
while [[ "$1" == --* ]]; do shift; done
exec "$@"
"""
WORK = """#!{python}
# Work as the data stages do it, by the cluster that the job has made; then DVC ends badly.
import json, sys
from pathlib import Path
import ray
from selfsown.workers.cluster import work_on_cluster

def worker():
    return lambda item: [item, ray.util.get_node_ip_address()]

found = dict(work_on_cluster(worker, [(0, "a"), (1, "b")]))
Path("found.json").write_text(json.dumps([sys.argv[1:], found[0], found[1], ray.cluster_resources()["CPU"]]))
sys.exit(3)
"""
APART = ["unshare", "--user", "--map-root-user", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]


def can_be_apart() -> bool:
    """Whether this machine lets us make a network of our own."""
    if sys.platform != "linux":
        return False
    probe = "ip link set lo up && mount -t tmpfs none /mnt"
    try:
        return subprocess.run([*APART, "sh", "-c", probe], capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ray_works_in_a_job_of_one_node_which_ends_as_dvc_does(checkout: Path) -> None:
    if not can_be_apart():
        pytest.skip("needs user namespaces")
    here = checkout.parent
    hostname = "#!/bin/sh\necho 10.9.9.1\n"  # a cluster knows its nodes' names
    write_programs(here / "programs", {"srun": SRUN, "hostname": hostname})
    (here / "programs/ip").unlink()
    write_programs(checkout / ".venv/bin", {"dvc": WORK.format(python=sys.executable)})
    environment = {
        "PATH": os.pathsep.join([str(here / "programs"), str(Path(sys.executable).parent), os.environ["PATH"]]),
        "HOME": str(here), "HERE": str(here), "PYTHONPATH": str(ROOT / "src"), "SELFSOWN_DEVICE": "cpu",
        "SLURM_SUBMIT_DIR": str(checkout), "SLURM_JOB_NUM_NODES": "1", "SLURM_CPUS_ON_NODE": "1",
        "SELFSOWN_ENGINE": "ray",
    }  # fmt: skip
    command = [*APART, "bash", "-c", NODE, "node", str(SBATCH), "pipelines/x/dvc.yaml"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=800)
    assert done.returncode == 3, f"{done.stdout[-3000:]}{done.stderr[-3000:]}"
    asked, node = ["repro", "pipelines/x/dvc.yaml"], "10.9.9.1"
    assert json.loads((checkout / "found.json").read_text()) == [asked, ["a", node], ["b", node], 1]


def test_a_cloud_job_starts_what_is_there_on_a_spot_gpu() -> None:
    text = (ROOT / "deploy/skypilot.yaml").read_text()
    job = yaml.safe_load(text)
    assert job["resources"]["use_spot"] is True and job["resources"]["accelerators"]
    assert job["workdir"]["url"] and job["workdir"]["ref"]
    for script in (job["setup"], job["run"]):
        assert os.access(ROOT / script, os.X_OK), script
    run = (ROOT / job["run"]).read_text()
    for name in job["envs"]:
        assert re.search(rf"\$\{{?{name}\b", run), f"{job['run']} reads no {name}"
    assert job["envs"]["PROFILE"] in PROFILES
    assert job["envs"]["SELFSOWN_WORK"] in job["file_mounts"], "what is kept lies in the bucket"
    assert "sky jobs launch deploy/skypilot.yaml" in text
