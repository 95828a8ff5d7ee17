"""The benchmark of a step runs, and both of its arms have one loss."""

import subprocess
import sys

import pytest
from tests.profiles import ROOT


@pytest.mark.slow
def test_smoke_prints_a_row_for_each_pooling_and_writes_no_result() -> None:
    results = ROOT / "benchmarks" / "results" / "diffaug_step.json"
    before = results.read_bytes() if results.exists() else None
    command = [sys.executable, str(ROOT / "benchmarks" / "diffaug_step.py"), "--smoke", "--one-thread"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = [line.split() for line in done.stdout.splitlines()[1:]]
    assert [row[0] for row in rows] == ["mask", "mean"] and all(float(row[1]) > 0 for row in rows)
    assert (results.read_bytes() if results.exists() else None) == before
