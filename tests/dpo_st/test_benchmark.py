"""The sampling benchmark runs, and its arms write the same."""

import subprocess
import sys

from tests.profiles import ROOT


def test_smoke_prints_a_row_for_each_batch_and_writes_no_result() -> None:
    results = ROOT / "benchmarks" / "results" / "sampling.json"
    before = results.read_bytes() if results.exists() else None
    command = [sys.executable, str(ROOT / "benchmarks" / "sampling.py"), "--smoke", "--one-thread"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    rows = [line.split() for line in done.stdout.splitlines()[1:-1]]
    assert [row[0] for row in rows] == ["1", "4"] and all(float(row[1].replace(",", "")) > 0 for row in rows)
    assert "the processor alone, batch 4: ours" in done.stdout
    assert (results.read_bytes() if results.exists() else None) == before
