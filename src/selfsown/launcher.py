"""Several processes for one training: a stage re-executes itself under torchrun or deepspeed, and knows its rank.

A launcher in a stage's `cmd` would be part of what DVC tracks; so where the settings ask for one, the stage's own
process becomes the launcher's.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from selfsown.settings import settings
from selfsown.workers import die_with_parent


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
    """Replace this process by the same command under the launcher, unless it is already there."""
    launcher = settings().launcher
    if launched():
        die_with_parent()
        return
    if launcher == "none":
        return
    count = str(settings().nproc)
    flags = {
        "torchrun": ["--standalone", "--nproc-per-node", count],
        "deepspeed": ["--num_gpus", count, "--no_local_rank"],
    }[launcher]
    if settings().device == "cpu":
        os.environ["DS_ACCELERATOR"] = "cpu"
    program = str(Path(sys.executable).with_name(launcher))
    os.execv(program, [program, *flags, "--module", "selfsown", *sys.argv[1:]])  # noqa: S606 - our own argv
