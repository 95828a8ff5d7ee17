"""`make bench` runs every benchmark, and none of what they share."""

import shutil
import subprocess
from pathlib import Path

from tests.profiles import ROOT


def test_what_is_run_is_what_has_a_main_part(tmp_path: Path) -> None:
    shutil.copytree(ROOT / "benchmarks", tmp_path / "benchmarks")
    (tmp_path / "scripts").mkdir()
    shutil.copy(ROOT / "scripts/bench.sh", tmp_path / "scripts")
    (tmp_path / "scripts/env.sh").write_text(f"set -euo pipefail\ncd {tmp_path}\npython() {{ echo $1; }}\n")
    done = subprocess.run([tmp_path / "scripts/bench.sh"], check=True, capture_output=True, text=True)
    programs = [path for path in sorted((ROOT / "benchmarks").glob("*.py")) if "\nif __name__ ==" in path.read_text()]
    assert programs and done.stdout.split() == [f"benchmarks/{path.name}" for path in programs]
