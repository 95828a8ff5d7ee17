"""The paper's figures beside ours as one table: none is lost, and each format says the same."""

import csv
import io
import re
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner
from tests.profiles import PIPELINES, ROOT
from tests.report.pages import row, write

from selfsown.cli import app
from selfsown.errors import UserError
from selfsown.report.table import write_table

WITH_PAPER = [name for name in PIPELINES if (ROOT / "pipelines" / name / "paper.yaml").is_file()]


def lines(folder: Path, name: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO((folder / f"{name}.csv").read_text())))


def test_the_papers_figures_stand_beside_ours_in_three_formats(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = {"parameters": {**yaml.safe_load((project / "params.yaml").read_text())}, "commits": ["a"], "seeds": ["1"]}
    write(project / "metrics/toys.study.more+paint.json", {**study, "rows": [row("error real", 0.5, 0.01, 500)]})
    monkeypatch.chdir(project)
    markdown = write_table("toys", project / "made")
    assert markdown == (project / "made/toys.md").read_text()
    head = "| Table | Row | Column | Paper | Study: more, paint | This run |"
    assert head in markdown
    before = "| Error rate before and after | Czech |"
    assert f"{before} before | 10.9 | – | 66.4 (63.0 to 69.8) |" in markdown
    assert f"{before} relative reduction | 52.3 | – | 14.6 (9.3 to 19.9) |" in markdown
    assert "| Error rate before and after | Dutch | after | 3.7 | – | – |" in markdown, "nobody measured it here"
    assert (
        "| Error rate of others | Czech toys | theirs | 7.5 | 50.0 (49.0 to 51.0) | 60.1 (56.7 to 63.5) |" in markdown
    )
    assert "Read from a chart." in markdown and "One run, profile fixture, seed 1." in markdown
    found = [each for each in lines(project / "made", "toys") if each["row"] == "Czech toys"]
    assert [(each["measured"], float(each["ours"]), int(float(each["n"]))) for each in found] == [
        ("Study: more, paint", pytest.approx(50), 500), ("This run", pytest.approx(60.1), 197),
    ]  # fmt: skip
    latex = (project / "made/toys.tex").read_text()
    table = latex[latex.index(r"\begin{table}") :]
    assert table.count("{") == table.count("}") and table.isascii() and not re.search(r"(?<!\\)[%_#]", table)
    assert r"Czech & before & 10.9 & -- & 66.4 (63.0 to 69.8) \\" in table and r"\toprule" in table


@pytest.mark.parametrize("name", WITH_PAPER)
def test_every_pipeline_has_its_papers_figures_in_a_table(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    said = CliRunner().invoke(app, ["table", name, "--folder", str(tmp_path)], catch_exceptions=False)
    assert said.output == (tmp_path / f"{name}.md").read_text()
    paper = yaml.safe_load((ROOT / "pipelines" / name / "paper.yaml").read_text())
    wanted = {
        (section["caption"], each["what"], label, value)
        for section in paper["beside"]
        for each in section["rows"]
        for label, value in zip(section["labels"], each["paper"], strict=True)
    }
    found = {(each["table"], each["row"], each["column"], float(each["paper"])) for each in lines(tmp_path, name)}
    assert wanted and wanted <= found
    assert all(bool(each["measured"]) == bool(each["ours"]) for each in lines(tmp_path, name))


def test_a_pipeline_without_a_paper_is_one_error(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project)
    with pytest.raises(UserError, match=r"pipelines/boxes/paper\.yaml: not there; tables are made of toys"):
        write_table("boxes", project / "made")
