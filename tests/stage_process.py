"""A stage as a process of its own, as DVC starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from selfsown.params import SHARED

ROOT = Path(__file__).parents[1]
ZERO_2 = {
    "zero_optimization": {"stage": 2},
    "train_micro_batch_size_per_gpu": "auto",
    "gradient_accumulation_steps": "auto",
    "zero_allow_untested_optimizer": True,
}


def start_stage(
    name: str, section: Mapping[str, Any], options: Mapping[str, object], folder: Path, **settings: str
) -> subprocess.Popen[bytes]:
    """`selfsown <name>` in `folder`, on one thread, not tracked.

    Args:
        section: the stage's parameters, the shared ones among them.
        settings: environment variables.
    """
    pipeline, _, step = name.partition(".")
    shared = {key: value for key, value in section.items() if key in SHARED}
    own = {key: value for key, value in section.items() if key not in shared}
    folder.mkdir(exist_ok=True)
    (folder / "params.yaml").write_text(yaml.safe_dump({**shared, pipeline: {step: own}}))
    environment = os.environ | {
        "PYTHONPATH": str(ROOT / "src"), "SELFSOWN_TRACKING": "false", "SELFSOWN_PRECISION": "fp32",
        "OMP_NUM_THREADS": "1", **settings,
    }  # fmt: skip
    words = [part for option, value in options.items() for part in (f"--{option}", str(value))]
    return subprocess.Popen(
        [sys.executable, "-m", "selfsown", name, *words],
        cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip


def finish(process: subprocess.Popen[bytes], seconds: float = 240) -> None:
    """Wait for its end, which must be a good one."""
    _, errors = process.communicate(timeout=seconds)
    assert process.returncode == 0, errors.decode()[-3000:]
