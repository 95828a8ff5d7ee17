"""What every benchmark shares: how its result is written, with the machine it was measured on."""

from __future__ import annotations

import json
import os
import platform
import statistics
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil

RESULTS = Path(__file__).parent / "results"


def machine() -> dict[str, Any]:
    """Processor, cores this process may use, memory in GiB, Python."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    flags = next((set(line.split()) for line in lines if line.startswith("flags")), set())
    return {
        "processor": names[0] if names else platform.processor(),
        "vector_units": sorted(flags & {"avx2", "avx512f", "avx512_bf16", "amx_bf16"}),
        "cores": len(os.sched_getaffinity(0)),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "python": platform.python_version(),
    }


def ratio(ours: Sequence[float], peer: Sequence[float]) -> dict[str, Any]:
    """Medians over repeats of ours and the peer's, their ratio, and the least and greatest of the paired ratios."""
    pairs = [a / b for a, b in zip(ours, peer, strict=True)]
    return {
        "ours": statistics.median(ours),
        "peer": statistics.median(peer),
        "ratio": statistics.median(ours) / statistics.median(peer),
        "spread": [min(pairs), max(pairs)],
        "repeats": len(pairs),
    }


def write_result(name: str, *, seed: int, packages: Sequence[str], **fields: Any) -> None:
    """Write `results/<name>.json`: the fields, the machine, the versions of `packages`, the seed."""
    RESULTS.mkdir(exist_ok=True)
    versions = {package: version(package) for package in packages}
    result = {**fields, "seed": seed, "machine": machine(), "versions": versions}
    (RESULTS / f"{name}.json").write_text(json.dumps(result, indent=2, sort_keys=True) + "\n")
