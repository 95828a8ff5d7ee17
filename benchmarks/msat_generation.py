"""Generating MsAT tasks at the published size: rows per second with one and with two workers, the same bytes.

    python benchmarks/msat_generation.py

Each repeat runs the stage as DVC does, in a process of its own, so the time holds the start of the interpreter and of
the workers. Ours is two workers, the peer one.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from common import ratio, write_result

from selfsown.products import read_card

SEED = 1
REPEATS = 3
ROWS = 85_000
GENERATE = {
    "size": ROWS,
    "dev_size": 5000,
    "distractor_probability": 0.7,
    "letter_probability": 0.8,
    "maximum": 9999,
    "shard_size": 5000,
}


def run(workers: int, folder: Path) -> tuple[float, str]:
    """Seconds of one run of the stage, and the digest of what it made."""
    out = folder / f"tasks-{workers}"
    command = [sys.executable, "-m", "selfsown", "msat.generate", "--difficulty", "2.4", "--tasks", str(out)]
    environment = {**os.environ, "SELFSOWN_WORKERS": str(workers), "SELFSOWN_ENGINE": "local"}
    start = time.perf_counter()
    subprocess.run(command, cwd=folder, env=environment, check=True, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    return seconds, read_card(out).digest


def main() -> None:
    """Measure, print the table, write the result."""
    seconds: dict[int, list[float]] = {1: [], 2: []}
    digests = set()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "params.yaml").write_text(yaml.safe_dump({"data_seed": SEED, "msat": {"generate": GENERATE}}))
        for repeat in range(REPEATS):
            for workers in (1, 2) if repeat % 2 == 0 else (2, 1):
                taken, digest = run(workers, folder)
                seconds[workers].append(taken)
                digests.add(digest)
                shutil.rmtree(folder / f"tasks-{workers}")
    if len(digests) != 1:
        sys.exit(f"the bytes depend on the number of workers: {sorted(digests)}")
    rates = {workers: [ROWS / taken for taken in times] for workers, times in seconds.items()}
    print(f"{'workers':>8} {'seconds':>20} {'rows/s':>10}")
    for workers, times in seconds.items():
        print(
            f"{workers:>8} {f'{min(times):.1f} to {max(times):.1f}':>20} {sorted(rates[workers])[REPEATS // 2]:>10.0f}"
        )
    print(f"same bytes: {digests.pop()}")
    write_result(
        "msat_generation",
        seed=SEED,
        packages=["numpy", "pyarrow"],
        unit="rows/s",
        rows=ROWS,
        seconds={str(workers): times for workers, times in seconds.items()},
        same_bytes=True,
        what="ours: two workers; peer: one; process start included",
        **ratio(rates[2], rates[1]),
    )


if __name__ == "__main__":
    main()
