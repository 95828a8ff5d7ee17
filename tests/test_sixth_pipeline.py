"""A pipeline is a plug-in: five folders and one line take a sixth from its first word to the results page.

Each test copies the working tree, adds the toy of `tests/sixth/`, and looks at what the rest makes of a pipeline that
it was never told of.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
import yaml
from safetensors.torch import load_file

ROOT = Path(__file__).parents[1]
TOY = "toy"
PLACES = [f"conf/{TOY}", f"pipelines/{TOY}", f"src/selfsown/{TOY}", f"tests/{TOY}"]
LINE = f"  - {TOY}: ${{profile}}\n"
STAGES = ["corpus", "evaluate", "gate", "train"]


@dataclass(frozen=True)
class Clone:
    """A copy of the working tree with a sixth pipeline in it."""

    root: Path

    def run(self, *command: str, fails: bool = False) -> str:
        """What a command says there; it must end well, or badly where it should."""
        kept = {k: v for k, v in os.environ.items() if not k.startswith(("SELFSOWN_", "MLFLOW_", "PYTEST_"))}
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        environment = kept | {"PATH": path, "PYTHONPATH": str(self.root / "src"), "SELFSOWN_DEVICE": "cpu"}
        done = subprocess.run(
            command, cwd=self.root, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert (done.returncode != 0) == fails, f"{' '.join(command)}: {done.returncode}\n{done.stdout[-4000:]}"
        return done.stdout

    def changed(self) -> set[Path]:
        """The files that git sees as changed or new."""
        return {Path(line[3:]) for line in self.run("git", "status", "--porcelain", "-uall").splitlines()}


@pytest.fixture
def clone(tmp_path: Path) -> Clone:
    """Committed without the sixth pipeline, which then is added.

    The figures of the others stay behind: they may be of other code than this, and then no page can be made of them.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file() and not name.startswith("metrics/"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    made = Clone(tmp_path)
    for command in ("init", "add .", "-c user.name=a -c user.email=a@b commit -m start"):
        made.run("git", *command.split())
    for place in PLACES:
        shutil.copytree(ROOT / "tests/sixth" / place, tmp_path / place)
    config = tmp_path / "conf/config.yaml"
    before, variants, after = config.read_text().partition("  - variant:")
    config.write_text(f"{before}{LINE}{variants}{after}")
    return made


def test_it_is_five_folders_and_one_line_which_the_command_line_finds(clone: Clone) -> None:
    within = {file: [place for place in PLACES if file.is_relative_to(place)] for file in clone.changed()}
    assert {place for places in within.values() for place in places} == set(PLACES)
    assert [str(file) for file, places in within.items() if not places] == ["conf/config.yaml"]
    assert clone.run("git", "diff", "--numstat") == "1\t0\tconf/config.yaml\n"
    commands, _, stages = clone.run("selfsown", "--help").partition("Stages")
    assert [f"{TOY}.{name}" for name in STAGES] == [word for word in stages.split() if word.startswith(f"{TOY}.")]
    assert "guess" in commands and "Say which of the two made-up languages words are of." in commands
    assert "\n  smoke" in clone.run("selfsown", "doctor")


def test_it_may_not_import_another_pipeline(clone: Clone) -> None:
    lint = [line for line in (ROOT / "scripts/lint.sh").read_text().splitlines() if "contract" in line]
    contract = ["bash", "-ec", "\n".join(['check() { "$@"; }', *lint])]
    assert "0 broken" in clone.run(*contract)
    other = next(path.name for path in sorted(clone.root.glob("pipelines/*")) if path.name != TOY)
    (clone.root / f"src/selfsown/{TOY}/borrowed.py").write_text(f"import selfsown.{other}\n")
    assert f"selfsown.{TOY} is not allowed to import selfsown.{other}" in clone.run(*contract, fails=True)


def test_it_runs_alone_and_its_figure_comes_onto_the_results_page(clone: Clone) -> None:
    clone.run("python", "scripts/set_profile.py", "profile=smoke")
    clone.run("python", "scripts/write_deps.py")
    said = clone.run("dvc", "repro", f"pipelines/{TOY}/dvc.yaml")
    ran = [line.split(":")[1].strip("'") for line in said.splitlines() if line.startswith("Running stage")]
    assert ran == ["corpus", "gate", "train@all", "evaluate"]
    card = json.loads((clone.root / f"data/{TOY}/words/card.json").read_text())
    assert card["dropped"]["no vowel"] > 0 and card["rows"] + card["dropped"]["no vowel"] == 600
    with contextlib.closing(sqlite3.connect(clone.root / "mlflow.db")) as database:
        runs = database.execute("SELECT name, status FROM runs ORDER BY start_time").fetchall()
        assert runs == [(f"{TOY}.train@all", "FINISHED"), (f"{TOY}.evaluate", "FINISHED")]
        losses = database.execute("SELECT count(*) FROM metrics WHERE key = 'train/loss'").fetchone()
        assert losses == (6,), "what the trainer logs every 4 of 24 steps"
    assert clone.run("selfsown", "guess", "--alias", "candidate", "kanete", "lumoru").split() == [
        "kanete:", "north", "lumoru:", "south",
    ]  # fmt: skip

    assert "Running stage 'report'" in clone.run("dvc", "repro", "--single-item", "report")
    rows = json.loads((clone.root / f"metrics/{TOY}.rows.json").read_text())
    (row,) = (row for row in rows if (row["measure"], row["arm"]) == ("error_rate", "all"))
    assert 0 < row["lo"] < row["value"] < row["hi"] < 0.5 and row["n"] > 100
    value, lo, hi = (f"{100 * row[key]:.1f}" for key in ("value", "lo", "hi"))
    assert f"| sees every letter | {value} ({lo} to {hi}) |" in (clone.root / "reports/results.md").read_text()
    page = (clone.root / "reports/index.html").read_text()
    assert "Toy, two made-up languages" in page and f"{value}<small>{lo} to {hi}</small>" in page
    assert "Error rate on test words" in page and f"{TOY}_evaluate" in (clone.root / "reports/results.md").read_text()
    shown = json.loads(clone.run("dvc", "metrics", "show", "--json", f"metrics/{TOY}.json"))
    assert shown[""]["data"][f"metrics/{TOY}.json"]["data"]["error_rate_all"] == row["value"]
    others = {str(file) for file in clone.changed() if TOY not in [part.partition(".")[0] for part in file.parts]}
    assert others == {"conf/config.yaml", "params.yaml", "dvc.lock", "docs/dag.svg", "reports/results.md"}


@pytest.mark.slow
def test_two_processes_train_it_to_the_weights_of_one(clone: Clone) -> None:
    clone.run("python", "scripts/set_profile.py", "profile=smoke")
    clone.run("selfsown", f"{TOY}.corpus", "--words", "words")
    settings = ["SELFSOWN_TRACKING=false", "SELFSOWN_PRECISION=fp32", "OMP_NUM_THREADS=1"]
    train = ["selfsown", f"{TOY}.train", "--arm", "all", "--words", "words", "--model"]
    clone.run("env", *settings, *train, "one")
    clone.run("env", *settings, "SELFSOWN_LAUNCHER=torchrun", "SELFSOWN_NPROC=2", *train, "two")
    one, two = (load_file(clone.root / name / "model.safetensors") for name in ("one", "two"))
    torch.testing.assert_close(one, two, rtol=0, atol=1e-6)


@pytest.mark.slow
def test_the_shared_tests_hold_it_to_the_rules(clone: Clone) -> None:
    clone.run("python", "scripts/set_profile.py", "profile=laptop")
    clone.run("python", "scripts/write_deps.py")
    declared = yaml.safe_load((clone.root / f"pipelines/{TOY}/dvc.yaml").read_text())["stages"]
    assert {f"src/selfsown/{TOY}/{name}.py" for name in STAGES} <= {d for s in declared.values() for d in s["deps"]}
    tests = ["tests/test_profiles.py", "tests/test_closure.py", f"tests/{TOY}"]
    some = f"{TOY} or all_five_profiles or names_agree or [paper] or paper-[]"
    said = clone.run("python", "-m", "pytest", "-v", "-n0", "-p", "no:cacheprovider", *tests, "-k", some)
    assert all(f"pipelines/{TOY}:{name}]" in said for name in STAGES)
