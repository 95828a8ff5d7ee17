"""MLflow: runs, lineage, models, aliases."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any


@contextmanager
def run(
    name: str,
    *,
    experiment: str,
    params: Mapping[str, Any],
    inputs: Mapping[str, Path],
    fingerprint: str,
    enabled: bool = True,
) -> Iterator[None]:
    """One stage's run."""
    yield


def log_metrics(metrics: Mapping[str, float], step: int | None = None) -> None:
    """Log to the active run, if any."""
