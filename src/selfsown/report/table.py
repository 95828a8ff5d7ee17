"""All of a paper's figures with ours beside, as one table: Markdown to read, CSV to work with, LaTeX to print.

`pipelines/<name>/paper.yaml` and `metrics/<name>*.json` -> `<folder>/<name>.md`, `.csv` and `.tex`. The CSV has a line
for each figure of the paper and each study or run that measured it, or none; the others have a column for each study or
run that measured any. Figures of the paper that nobody measured here stay in it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from selfsown.errors import UserError
from selfsown.files import write_atomic
from selfsown.params import read_yaml
from selfsown.project import root
from selfsown.report.markdown import cell
from selfsown.report.measured import Measured, measured
from selfsown.report.paper import Beside, Paper, PaperRow, Place, read_paper
from selfsown.report.results import Figure, change_of

NOTHING = "–"


class Line(NamedTuple):
    """One figure of the paper: in which of its tables, row and column; ours, by the study or run that measured it."""

    table: str
    row: str
    column: str
    paper: str
    ours: dict[str, Figure]


def write_table(pipeline: str, folder: Path) -> str:
    """Write the three files; returns the Markdown.

    Raises:
        UserError: a pipeline without a paper, or a file that cannot be read.
    """
    path = root() / "pipelines" / pipeline / "paper.yaml"
    if not path.is_file():
        known = ", ".join(sorted(file.parent.name for file in root().glob("pipelines/*/paper.yaml")))
        raise UserError(f"{path}: not there; tables are made of {known}")
    active = read_yaml(root() / "params.yaml")
    paper, found = read_paper(path, active), measured(path, root() / "metrics", active)
    lines = list(_lines(paper, found))
    shown = [each for each in found if any(each.title in line.ours for line in lines)]
    made = {"md": _markdown(paper, lines, shown), "csv": _csv(lines), "tex": _latex(pipeline, paper, lines, shown)}
    folder.mkdir(parents=True, exist_ok=True)
    for ending, text in made.items():
        write_atomic(folder / f"{pipeline}.{ending}", text.encode())
    return made["md"]


def _lines(paper: Paper, found: Sequence[Measured]) -> Iterator[Line]:
    for section in paper.beside:
        for row in section.rows:
            for column, published, place in _cells(section, row):
                ours = {
                    each.title: figure
                    for each in found
                    if (
                        figure := each.figures.figure(place.measure, place.arm, each.figures.part_of(row), section.unit)
                    )
                }
                yield Line(section.caption, row.what, column, published, ours)


def _cells(section: Beside, row: PaperRow) -> Iterator[tuple[str, str, Place]]:
    """Name, the paper's figure and where ours is, for each column of a row."""
    yield from zip(section.labels, (f"{value:g}" for value in row.paper), section.ours, strict=True)
    if section.change and (change := change_of(row, section.better)) is not None:
        yield section.change_label, f"{100 * change:.1f}", section.change


def _csv(lines: Sequence[Line]) -> str:
    rows = [
        {**{name: getattr(line, name) for name in ("table", "row", "column", "paper")}, **ours}
        for line in lines
        for ours in ([{"measured": title, **each.printed} for title, each in line.ours.items()] or [{}])
    ]
    columns = ["table", "row", "column", "paper", "measured", "ours", "lo", "hi", "n"]
    return pd.DataFrame(rows, columns=columns).to_csv(index=False, lineterminator="\n")


def _grid(lines: Sequence[Line], shown: Sequence[Measured]) -> pd.DataFrame:
    """The table as it is read: a row for each figure of the paper, ours with their intervals."""
    rows = [
        {
            **{name.capitalize(): getattr(line, name) for name in ("table", "row", "column", "paper")},
            **{each.title: _text(line.ours.get(each.title)) for each in shown},
        }
        for line in lines
    ]
    return pd.DataFrame(rows, columns=["Table", "Row", "Column", "Paper", *(each.title for each in shown)])


def _text(figure: Figure | None) -> str:
    if figure is None:
        return NOTHING
    return f"{figure.text} ({figure.interval})" if figure.interval else figure.text


def _notes(paper: Paper, shown: Sequence[Measured]) -> list[str]:
    sources = dict.fromkeys(section.source for section in paper.beside)
    return [*sources, *(f"{each.title}: {each.scope}" for each in shown)]


def _markdown(paper: Paper, lines: Sequence[Line], shown: Sequence[Measured]) -> str:
    grid = _grid(lines, shown)
    rows = [list(grid.columns), ["---"] * 3 + ["---:"] * (len(grid.columns) - 3), *grid.to_numpy().tolist()]
    table = ["| " + " | ".join(map(cell, row)) + " |" for row in rows]
    notes = [f"- {cell(note)}" for note in _notes(paper, shown)]
    return "\n".join([f"# {paper.title}", "", *table, "", *notes, ""])


def _latex(name: str, paper: Paper, lines: Sequence[Line], shown: Sequence[Measured]) -> str:
    """With `booktabs`; minus signs and dashes are plain hyphens there, which every engine has."""
    grid = _grid(lines, shown).map(lambda text: text.replace("−", "-").replace(NOTHING, "--"))
    table = grid.to_latex(
        index=False, escape=True, caption=f"{paper.title}: the paper's figures and ours.", label=f"tab:{name}"
    )
    notes = [f"% {note}" for note in ("\\usepackage{booktabs}", *_notes(paper, shown))]
    return "\n".join([*notes, table])
