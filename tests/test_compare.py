"""What changed since a revision: figures with their intervals, and what cannot be had is said."""

from __future__ import annotations

import doctest
import json
import re
import subprocess
from pathlib import Path

import pytest
from tests.report.conftest import PAPER, PARAMS
from tests.report.pages import ROOT, row, write

from selfsown import compare
from selfsown.compare import comparison, curves
from selfsown.errors import UserError
from selfsown.params import read_yaml
from selfsown.tracking import durations


def git(*words: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True, capture_output=True)


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A committed project whose headline figures then change."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    write(Path("params.yaml"), PARAMS)
    Path("pipelines/toys").mkdir(parents=True)
    Path("pipelines/toys/paper.yaml").write_text(PAPER)
    figures(error=0.6, slips=0.25, words=12345.0)
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "start")
    return tmp_path


def figures(error: float, slips: float, words: float) -> None:
    """The rows of a run, and the headline of those."""
    rows = [row("error both", error, 0.02, 100), row("slips both", slips, 0.05, 100), row("words both", words)]
    write(Path("metrics/toys.rows.json"), rows)
    write(Path("metrics/toys.json"), {f"toys_{one['measure']}": one["value"] for one in rows})


def test_of_rows_with_one_value_a_figure_has_the_interval_of_the_row_it_names(project: Path) -> None:
    rows = [
        row("pass_at_10 sft made", 0.57, 0.1), row("distinct sft made", 0.57, 0.2), row("accuracy dpo made", 0.57, 0.3),
        row("wer mixed", 0.2, 0.01), row("wer_reduction mixed", 0.2, 0.02), row("cer mixed cs", 0.2, 0.03),
        row("cer mixed pl", 0.2, 0.04), row("wer untouched_mean", 0.2, 0.05),
    ]  # fmt: skip
    write(Path("metrics/toys.rows.json"), rows)
    called = {"pass_at_10_before_dpo": 0.57, "wer_mixed": 0.2, "wer_reduction": 0.2, "cer_mixed": 0.2, "wer": 0.2}
    write(Path("metrics/toys.json"), called)
    said = comparison("HEAD")
    for figure in ("pass_at_10_before_dpo | – | 0.57 [0.47, 0.67]", "wer_mixed | – | 0.2 [0.19, 0.21]",
                   "wer_reduction | – | 0.2 [0.18, 0.22]", "cer_mixed | – | 0.2", "wer | – | 0.2"):  # fmt: skip
        assert f"| toys {figure} |" in said, "none where the name fits several"


def test_every_committed_figure_with_an_interval_in_its_row_is_shown_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    bare = [
        name
        for file in Path("metrics").glob("*.rows.json")
        for name, figure in compare._headline(file.name.removesuffix(".rows.json")).items()
        if None in figure and any(one["value"] == figure[0] and one["lo"] for one in json.loads(file.read_text()))
    ]
    assert bare == []


def test_figures_stand_beside_those_of_the_revision_with_intervals(project: Path) -> None:
    said = comparison("HEAD")
    assert "| toys toys_error | 0.6 [0.58, 0.62] | 0.6 [0.58, 0.62] | none |" in said
    figures(error=0.55, slips=0.22, words=12345.0)
    said = comparison("HEAD")
    assert "| toys toys_error | 0.6 [0.58, 0.62] | 0.55 [0.53, 0.57] | **−0.05** |" in said, "no value is in both"
    assert "| toys toys_slips | 0.25 [0.2, 0.3] | 0.22 [0.17, 0.27] | −0.03 |" in said
    assert "| toys toys_words | 12,345 | 12,345 | none |" in said
    assert "not the same work" not in said
    write(Path("params.yaml"), {**PARAMS, "composed_from": "gpu"})
    Path("metrics/toys.json").write_text('{"toys_new": 1}')
    said = comparison("HEAD")
    assert "Here is the profile gpu, seed 1; there fixture, seed 1: not the same work." in said
    assert "| toys toys_new | – | 1 |  |" in said and "| toys toys_slips | 0.25 [0.2, 0.3] | – |  |" in said


def test_what_is_not_there_is_said_and_a_wrong_revision_is_an_error(project: Path) -> None:
    said = comparison("HEAD")
    assert "mlflow.db is away (no such file" in said
    assert said.count("None.") == 2, "no stage ran here, and there is no curve"
    assert "## Runs" not in said and not Path("mlflow.db").exists()
    with pytest.raises(UserError, match=r"^main2: git knows no such revision"):
        comparison("main2")


def test_minutes_per_stage_and_curves(project: Path) -> None:
    durations.note("toys.train@both", 90)
    durations.note("toys.make", 6)
    durations.note("toys.train@both", 120)
    curve = [{"arm": "both", "step": step, "rate": 0.9 - step / 100} for step in range(0, 40, 10)]
    write(Path("metrics/plots/toys/dev.json"), curve)
    cost = "  - {kind: curves, title: What it cost, file: cost.json, x: hours, y: rate, series: arm}\n"
    Path("pipelines/toys/paper.yaml").write_text(PAPER.replace("plots:\n", f"plots:\n{cost}"))
    write(Path("metrics/plots/toys/cost.json"), [{"arm": "both", "hours": 1, "rate": 0.5}])
    said = comparison("HEAD")
    lines = [line.split(" | ")[:2] for line in said.splitlines() if line.startswith("| toys.")]
    assert sorted(lines) == [["| toys.make", "0.1"], ["| toys.train@both", "2.0"]]
    assert "| toys: Error rate while training, real + made | 0.9 | 0.6 | █▆▃▁ |" in said
    assert "What it cost" not in said, "that is no curve over steps"
    (file, _) = sorted(Path(".selfsown/durations").iterdir())
    assert json.loads(file.read_text())["stage"] == "toys.make"


def test_of_several_measures_the_one_that_was_taken_is_drawn(project: Path) -> None:
    paper = Path("pipelines/toys/paper.yaml")
    paper.write_text(PAPER.replace("y: rate", "y: [other_rate, rate]"))
    assert "y: [other_rate, rate]" in paper.read_text()
    write(Path("metrics/plots/toys/dev.json"), [{"arm": "both", "step": step, "rate": 1 - step} for step in (0, 1)])
    assert "| toys: Error rate while training, real + made | 1 | 0 | █▁ |" in comparison("HEAD")


def test_the_curves_that_are_kept_here_can_be_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    said = curves(read_yaml(Path("params.yaml")))
    assert {path.parent.name for path in Path("metrics/plots").glob("*/dev.json")} == {
        line.split(":")[0].removeprefix("| ") for line in said.splitlines() if re.match(r"\| \w+: ", line)
    }


def test_examples() -> None:
    assert doctest.testmod(compare).attempted == 2 and doctest.testmod(compare).failed == 0
