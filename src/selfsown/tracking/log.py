"""What a stage logs to the run at work in this process; without one, every function here does nothing."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfsown.tracking.active import active
from selfsown.tracking.lineage import entity_key

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def log_metrics(metrics: Mapping[str, float], step: int | None = None) -> None:
    """Log to the active run, if any; buffered, and sent in batches every few seconds and at the end."""
    if (run := active()) is not None:
        run.log_metrics(metrics, step)


def set_tags(tags: Mapping[str, str]) -> None:
    """Set tags of the active run, if any."""
    if (run := active()) is not None:
        from mlflow.entities import RunTag

        entities = [RunTag(entity_key(key), str(value)) for key, value in tags.items()]
        run.do(lambda client, run_id: client.log_batch(run_id, tags=entities))


def log_artifact(path: Path, folder: str | None = None) -> None:
    """Upload a file, or all files of a folder, to `folder` among the run's artefacts."""
    if (run := active()) is not None:
        if path.is_dir():
            run.do(lambda client, run_id: client.log_artifacts(run_id, str(path), folder))
        else:
            run.do(lambda client, run_id: client.log_artifact(run_id, str(path), folder))


def log_text(text: str, file: str) -> None:
    """Write an artefact such as `samples/worst.md`."""
    if (run := active()) is not None:
        run.do(lambda client, run_id: client.log_text(run_id, text, file))


def log_table(columns: Mapping[str, Sequence[Any]], file: str) -> None:
    """Write columns of equal length as a CSV artefact, which the UI shows as a table."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    log_text(text.getvalue(), file)


def log_figure(figure: Figure, file: str) -> None:
    """Draw a matplotlib figure into an artefact such as `plots/loss.svg`."""
    if (run := active()) is not None:
        run.do(lambda client, run_id: client.log_figure(run_id, figure, file))


def log_bytes(data: bytes, file: str) -> None:
    """Write an artefact such as `samples/worst-01.flac`; the UI plays audio and shows images."""
    if active() is not None:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, Path(file).name)
            path.write_bytes(data)
            log_artifact(path, file.rpartition("/")[0] or None)
