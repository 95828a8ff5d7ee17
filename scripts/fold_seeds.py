"""Fold the metrics of several seeds into one file: `python scripts/fold_seeds.py OUT SEED_FILE...`

Each figure becomes its mean over the seeds, with `_lo` and `_hi` (95 %, Student's t over seeds), `_n` (seeds) and
`_per_seed`. The bootstrap bounds within one seed (`_lo`, `_hi`, `_n` of the inputs) say nothing about the spread
between seeds and are left in the per-seed files.
"""

import json
import math
import sys
from pathlib import Path

from scipy import stats

BOUNDS = ("_lo", "_hi", "_n")


def fold(runs: list[dict[str, float]]) -> dict[str, float | list[float]]:
    """Mean and 95 % interval over runs of every key all of them have; needs two runs or more."""
    folded: dict[str, float | list[float]] = {}
    for key in sorted(set.intersection(*(set(run) for run in runs))):
        if key.endswith(BOUNDS):
            continue
        values = [float(run[key]) for run in runs]
        mean = math.fsum(values) / len(values)
        half = float(stats.t.ppf(0.975, len(values) - 1) * stats.tstd(values) / math.sqrt(len(values)))
        folded |= {key: mean, f"{key}_lo": mean - half, f"{key}_hi": mean + half, f"{key}_n": len(values)}
        folded[f"{key}_per_seed"] = values
    return folded


def main(out: str, *files: str) -> None:
    """Read, fold, write."""
    if len(files) < 2:
        sys.exit("fold_seeds: an interval over seeds needs at least two seeds")
    folded = fold([json.loads(Path(file).read_text()) for file in files])
    Path(out).write_text(json.dumps(folded, indent=2) + "\n")
    print(f"fold_seeds: {len(files)} seeds in {out}")


if __name__ == "__main__":
    main(*sys.argv[1:])
