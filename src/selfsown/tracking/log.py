"""What a stage logs to the run at work in this process; without one, every function here does nothing."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from pathlib import Path

from selfsown.tracking.active import active

SPEED = re.compile(r"epoch|mfu|total_flos|.*_(runtime|(per|a)_second)")
"""What a training says of its speed and not of what is learnt."""


def log_metrics(metrics: Mapping[str, float], step: int | None = None) -> None:
    """Log to the active run, if any; buffered, and sent in batches every few seconds and at the end.

    What has a step is a curve: `train/loss`, `dev/wer`, `speed/mfu`. The UI draws the curves of one prefix together,
    and what has no step, the run's results, above them.
    """
    if (run := active()) is not None:
        run.log_metrics(metrics if step is None else {_curve(name): value for name, value in metrics.items()}, step)


def _curve(name: str) -> str:
    """The library's measures on dev begin with `eval_`; `train_` begins what it says of a whole training."""
    if "/" in name:
        return name
    if SPEED.fullmatch(name):
        return f"speed/{name.removeprefix('train_')}"
    if name.startswith("eval_"):
        return f"dev/{name.removeprefix('eval_')}"
    return "train/mean_loss" if name == "train_loss" else f"train/{name}"


def log_artifact(path: Path, folder: str | None = None) -> None:
    """Upload a file, or all files of a folder, to `folder` among the run's artefacts."""
    if (run := active()) is not None:
        if path.is_dir():
            run.do(lambda client, run_id: client.log_artifacts(run_id, str(path), folder))
        else:
            run.do(lambda client, run_id: client.log_artifact(run_id, str(path), folder))


def log_bytes(data: bytes, file: str) -> None:
    """Write an artefact such as `samples/worst-01.flac`; the UI plays audio and shows images."""
    if active() is not None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, Path(file).name)
            path.write_bytes(data)
            log_artifact(path, file.rpartition("/")[0] or None)
