"""What a stage logs to the run at work in this process; without one, every function here does nothing."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path

from selfsown.tracking.active import active


def log_metrics(metrics: Mapping[str, float], step: int | None = None) -> None:
    """Log to the active run, if any; buffered, and sent in batches every few seconds and at the end."""
    if (run := active()) is not None:
        run.log_metrics(metrics, step)


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
