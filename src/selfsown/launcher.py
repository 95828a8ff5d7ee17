"""Several processes for one training: a stage re-executes itself under torchrun or deepspeed, and knows its rank.

A launcher in a stage's `cmd` would be part of what DVC tracks; so where the settings ask for one, the stage's own
process becomes the launcher's. On several nodes that is `srun` inside a Slurm allocation, and elsewhere deepspeed's own
way over ssh. All nodes see the project at the same path, and rank 0, which tracks and writes, runs where DVC does.
"""

from __future__ import annotations

import os
import shutil
import socket
import sys
from pathlib import Path

from selfsown.errors import UserError, without_password
from selfsown.files import write_atomic
from selfsown.project import home
from selfsown.settings import settings
from selfsown.workers import die_with_parent

INTERFACE = "GLOO_SOCKET_IFNAME"
SECRETS = ("MLFLOW_TRACKING_PASSWORD", "MLFLOW_TRACKING_TOKEN")


def is_main_process() -> bool:
    """False in the ranks above 0 of a distributed run."""
    return os.environ.get("RANK", "0") == "0"


def launched() -> bool:
    """True in the processes that a launcher started."""
    return "LOCAL_RANK" in os.environ


def process_count() -> int:
    """Processes that train together: what the launcher says, 1 without one."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def relaunch() -> None:
    """Replace this process by the same command under the launcher, unless it is already there.

    Raises:
        UserError: several nodes are asked for, and what joins them is missing.
    """
    launcher = settings().launcher
    if launched():
        die_with_parent()
        return
    if launcher == "none":
        return
    if settings().device == "cpu":
        os.environ["DS_ACCELERATOR"] = "cpu"
    nodes, count = int(os.environ.get("SLURM_JOB_NUM_NODES", "1")), str(settings().nproc)
    if nodes > 1:
        command = _srun(nodes, count)
    elif settings().hostfile is not None:
        command = _over_ssh()
    elif launcher == "torchrun":
        command = [_program("torchrun"), "--standalone", "--nproc-per-node", count]
    else:
        command = [_program("deepspeed"), "--num_gpus", count, "--no_local_rank"]
    command += ["--module", "selfsown", *sys.argv[1:]]
    os.execvp(command[0], command)  # noqa: S606 - our own argv


def _program(name: str) -> str:
    return str(Path(sys.executable).with_name(name))


def _srun(nodes: int, count: str) -> list[str]:
    """One torchrun on each node of the allocation. DeepSpeed's configurations work under it too.

    Rendezvous is static: the batch script, and DVC with it, runs on the allocation's node 0, which so gets rank 0.
    """
    if shutil.which("srun") is None:
        raise UserError(f"SLURM_JOB_NUM_NODES={nodes}: srun is not in PATH")
    _check_interface()
    with socket.create_server(("", 0)) as probe:
        port = probe.getsockname()[1]
    one_each = [f"--nodes={nodes}", f"--ntasks={nodes}", "--ntasks-per-node=1", "--kill-on-bad-exit=1"]
    # DVC itself may stand in a step of this job (Ray's), whose resources this step shares; torch places its threads.
    return [
        "srun", *one_each, "--overlap", "--cpu-bind=none",
        "sh", "-c", 'exec "$0" --node-rank "$SLURM_NODEID" "$@"', _program("torchrun"),
        "--nnodes", str(nodes), "--nproc-per-node", count,
        "--rdzv-backend", "static", "--master-addr", socket.gethostname(), "--master-port", str(port),
    ]  # fmt: skip


def _over_ssh() -> list[str]:
    """DeepSpeed on the hosts of a file, `NAME slots=PROCESSES` a line, this one first.

    It hands few variables on, so the settings of this process go into a file that it reads.
    """
    hosts = settings().hostfile
    if settings().launcher != "deepspeed" or hosts is None:
        raise UserError("SELFSOWN_HOSTFILE: needs SELFSOWN_LAUNCHER=deepspeed")
    hosts = home() / hosts.expanduser()
    if not hosts.is_file():
        raise UserError(f"SELFSOWN_HOSTFILE: {hosts}: no such file; it has a line `NAME slots=PROCESSES` for each host")
    if shutil.which("pdsh") is None:
        raise UserError("SELFSOWN_HOSTFILE: pdsh is not in PATH (apt install pdsh); deepspeed starts the hosts with it")
    _check_interface()
    told = [name for name in SECRETS if os.environ.get(name)]
    if (uri := os.environ.get("MLFLOW_TRACKING_URI", "")) != without_password(uri):
        told.append("MLFLOW_TRACKING_URI")
    if told:
        raise UserError(
            f"{told[0]}: deepspeed would show the password in the list of processes of every host; say it in .env"
        )
    more = {name: os.environ[name] for name in (INTERFACE, "DS_ACCELERATOR", "OMP_NUM_THREADS") if name in os.environ}
    file = home() / ".selfsown/hosts.env"
    file.parent.mkdir(exist_ok=True)
    write_atomic(file, "".join(f"{key}={value}\n" for key, value in (settings().environment | more).items()).encode())
    os.environ["DS_ENV_FILE"] = str(file)
    return [_program("deepspeed"), "--hostfile", str(hosts), "--no_local_rank"]


def _check_interface() -> None:
    if not os.environ.get(INTERFACE):
        raise UserError(
            f"{INTERFACE}: set it to the network interface that joins the nodes (`ip -br address` lists them): without "
            "it processes on several nodes may wait for each other for ever"
        )
