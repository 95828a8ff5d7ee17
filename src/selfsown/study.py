"""Several seeds of one pipeline as one result: what was counted on each test item, averaged over seeds, then measured.

Intervals of the mean then cover the choice of test items and, by the average, a set of training runs; the spread over
seeds stands beside them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from selfsown.errors import UserError
from selfsown.shards import parquet_bytes, write_atomic

ARM = "arm"


def keep(path: Path, runs: Mapping[str, pa.Table]) -> None:
    """Write what was counted in one seed, the rows of each arm, as one Parquet file with a column `arm`."""
    rows = [table.append_column(ARM, pa.array([arm] * table.num_rows)) for arm, table in runs.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, parquet_bytes(pa.concat_tables(rows)))


def fold(
    files: Sequence[Path],
    keys: Sequence[str],
    counts: Sequence[str],
    measure: Callable[[Mapping[str, pd.DataFrame]], dict[str, float]],
) -> dict[str, object]:
    """Measure each seed, and the mean over seeds.

    Args:
        files: one per seed, as `keep` wrote it: the columns `keys` and `counts` of each arm.
        keys: name an item in an arm.
        counts: are averaged over seeds.
        measure: flat metrics of the arms' rows.

    Returns:
        `mean`: flat metrics of the averaged counts; `seeds`: of each file, by its stem; `sd`: standard deviation over
        seeds of each rate.

    Raises:
        UserError: the files are of different arms.
    """
    runs = [{str(arm): rows for arm, rows in pd.read_parquet(file).groupby(ARM, sort=False)} for file in files]
    for file, run in zip(files, runs, strict=True):
        if run.keys() != runs[0].keys():
            odd = min(run.keys() ^ runs[0].keys())
            raise UserError(f"{file}: {odd!r} is in it or in {files[0]}, not in both: seeds of different studies")
    averaged = {
        arm: pd.concat([run[arm] for run in runs]).groupby(list(keys), as_index=False)[list(counts)].mean()
        for arm in runs[0]
    }
    seeds = [measure(run) for run in runs]
    mean = measure(averaged)
    rates = [key for key in mean if not key.endswith(("_lo", "_hi", "_n"))]
    sd = {key: float(np.std([run[key] for run in seeds], ddof=1)) for key in rates} if len(seeds) > 1 else {}
    return {"mean": mean, "sd": sd, "seeds": {file.stem: run for file, run in zip(files, seeds, strict=True)}}
