"""The results page and its Markdown twin, from the figures of every pipeline.

metrics/ + pipelines/*/paper.yaml + the DAG -> one HTML file that needs nothing else, the same tables as Markdown
(in git, so that a change of results is a diff), and the DAG's picture for the README. A pipeline joins by
`pipelines/<name>/paper.yaml` and `metrics/<name>.rows.json`; its studies (means over seeds), which are
`metrics/<name>.study.json` and, of variants, `metrics/<name>.study.<variant>+<variant>.json`, come first. The same
input gives the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from selfsown.files import write_atomic
from selfsown.params import read_yaml
from selfsown.report import dag, plots
from selfsown.report.markdown import cell
from selfsown.report.measured import Measured, check_columns, measured, read_json
from selfsown.report.paper import Bars, Curves, Intervals, Paper, Sweep, flat, read_paper
from selfsown.report.results import Comparison, Figures, Grid, Verdict, beside, grids, number, verdicts
from selfsown.stage import In, Out, StageParams, stage


class PageParams(StageParams):
    """The page is made from all of `params.yaml`, which is one of its inputs."""


@dataclass(frozen=True)
class ResultSet:
    """A study over seeds, or one run, and what is said about it; `conditions` are in the order of the paper's."""

    title: str
    scope: str
    figures: Figures
    comparisons: list[Comparison]
    verdicts: list[Verdict]
    grids: list[Grid]
    conditions: tuple[str, ...]
    parameters: dict[str, str]


@dataclass(frozen=True)
class Section:
    """All that the page says about one pipeline; `conditions`: ours, by what they are those of."""

    name: str
    paper: Paper
    results: list[ResultSet]
    conditions: dict[str, tuple[str, ...]]
    plots: list[tuple[str, Markup]]
    samples: dict[str, list[dict[str, str]]]
    contaminated: list[str]


@stage()
def page(
    params: PageParams, *, figures: In, pipelines: In, parameters: In, html: Out, markdown: Out, picture: Out
) -> None:
    """Write the page (HTML), the results (Markdown) and the picture of the DAG (SVG).

    Raises:
        UserError: a `paper.yaml` or a file of figures is wrong; the message names it.
    """
    active = read_yaml(parameters)
    graph = dag.read_dag(pipelines.parent / "dvc.yaml")
    sections = [section(path, figures, active) for path in sorted(pipelines.glob("*/paper.yaml"))]
    shown = {
        "sections": sections,
        "general": flat({key: value for key, value in active.items() if not isinstance(value, dict)}),
        "languages": active["languages"],
        "dag_svg": Markup(dag.svg(graph)),  # noqa: S704 - made above, every text in it escaped
        "dag_mermaid": dag.mermaid(graph),
        "stages": len(graph),
    }
    for path, text in (
        (html, _environment(autoescape=True).get_template("page.html.jinja").render(shown)),
        (markdown, _environment(autoescape=False).get_template("results.md.jinja").render(shown)),
        (picture, dag.svg(graph)),
    ):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, text.encode())


def section(path: Path, metrics: Path, active: Mapping[str, Any]) -> Section:
    """Everything about the pipeline of a `paper.yaml`, from its `metrics/<name>*.json` and `metrics/plots/<name>/`."""
    name = path.parent.name
    sets = [_results(name, found) for found in measured(path, metrics, active)]
    paper = read_paper(path, active)
    conditions = {result.title.lower(): result.conditions for result in sets} or {"in the active profile": _ours(paper)}
    drawn = _plots(name, paper, metrics, [found.figures for found in sets] or [Figures((), paper)])
    return Section(name, paper, sets, conditions, drawn, _samples(name, paper, metrics), _contaminated(name, metrics))


def _contaminated(name: str, metrics: Path) -> list[str]:
    """A line for each benchmark that models were trained on though its authors ask not to."""
    rows = read_json(metrics / "plots" / name / "contaminated.json", [])
    return [
        f"{', '.join(row['model'] for row in rows if row['benchmark'] == benchmark)}: trained on data of {benchmark}, "
        "whose authors ask that it not be. Figures on that benchmark say nothing."
        for benchmark in sorted({row["benchmark"] for row in rows})
    ]


def _ours(paper: Paper) -> tuple[str, ...]:
    return tuple(condition.ours for condition in paper.conditions)


def _results(name: str, found: Measured) -> ResultSet:
    """A set of figures beside the paper's, under the parameters that it was measured with."""
    figures, parameters = found.figures, found.parameters
    paper = figures.paper
    compared = [beside(section, figures) for section in paper.beside]
    return ResultSet(
        found.title,
        found.scope,
        figures,
        [comparison for comparison in compared if comparison.rows],
        verdicts(paper.claims, figures),
        grids(paper.tables, figures),
        _ours(paper),
        flat({key: parameters[key] for key in ("seed", "languages", name) if key in parameters}),
    )


def _plots(name: str, paper: Paper, metrics: Path, sets: list[Figures]) -> list[tuple[str, Markup]]:
    """Title and SVG of every plot that has data: of the first study or run, a sweep of the first with its points."""
    drawn = []
    found = sets[0]
    for index, plot in enumerate(paper.plots):
        label = f"{name}-{index}"
        match plot:
            case Intervals():
                arms = {arm: paper.arms[arm] for arm in paper.tables[0].arms}
                chosen = [found.measured(measure) for measure in plot.measures]
                cells = {paper.measures[m]: {arm: found.figure(m, arm, "") for arm in arms} for m in chosen}
                picture = plots.intervals(plot, arms, cells, label)
            case Curves():
                file = metrics / "plots" / name / plot.file
                rows = read_json(file, [])
                check_columns(file, rows, (plot.x, plot.column(rows), plot.series))
                picture = plots.curves(plot, rows, paper.arms, label)
            case Sweep():
                has = next((one for one in sets if len(one.swept(plot.x, plot.y, plot.unit)) > 1), found)
                points = has.swept(plot.x, plot.y, plot.unit)
                lines = [row["value"] for row in has.rows if row["measure"] == plot.threshold]
                labels = (paper.measures[plot.x], paper.measures[has.measured(plot.y)])
                named = {paper.arms[arm]: point for arm, point in points.items()}
                picture = plots.sweep(plot, named, labels, next(iter(lines), None), label)
            case Bars():
                gate = read_json(metrics / f"{name}.{plot.file}.json", {})
                values = {key.removeprefix(plot.prefix): x for key, x in gate.items() if key.startswith(plot.prefix)}
                picture = plots.bars(plot, values, label)
        if picture:
            drawn.append((plot.title, Markup(picture)))  # noqa: S704 - matplotlib escapes the texts
    return drawn


def _samples(name: str, paper: Paper, metrics: Path) -> dict[str, list[dict[str, str]]]:
    """Rows by the heading of their kind, one text per column."""
    if paper.samples is None:
        return {}
    rows = read_json(metrics / "plots" / name / paper.samples.file, [])
    groups = {}
    for kind, heading in paper.samples.kinds.items():
        chosen = [row for row in rows if row["kind"] == kind]
        if chosen:
            columns = [key for key in paper.samples.columns if any(key in row for row in chosen)]
            groups[heading] = [
                {paper.samples.columns[key]: _text(row.get(key, "")) for key in columns} for row in chosen
            ]
    return groups


def _text(value: object) -> str:
    return number(value, "percent") if isinstance(value, float) else str(value)


def _environment(autoescape: bool) -> Environment:
    """Templates of this package; a name they misspell is an error."""
    environment = Environment(
        loader=PackageLoader("selfsown.report"),
        autoescape=autoescape,  # noqa: S701 - off for Markdown, whose cells the filter below escapes
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["cell"] = cell
    return environment
