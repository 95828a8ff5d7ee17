"""The figures of a pipeline under `metrics/`: its studies, which come first, and the run that was last.

`metrics/<name>.rows.json` is the run; `metrics/<name>.study.json` and, of variants,
`metrics/<name>.study.<variant>+<variant>.json` are means over seeds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from selfsown.errors import UserError
from selfsown.evaluation import Row
from selfsown.report.paper import read_paper
from selfsown.report.results import Figures


class ReportError(UserError):
    """A file of figures cannot be read; the message names it."""


class Measured(NamedTuple):
    """A study over seeds, or one run: its figures, what they and their intervals mean, and its parameters."""

    title: str
    scope: str
    figures: Figures
    parameters: Mapping[str, Any]


def measured(path: Path, metrics: Path, active: Mapping[str, Any]) -> list[Measured]:
    """All that was measured of the pipeline of a `paper.yaml`; `active`: the parameters of the run.

    Raises:
        ReportError: a file that cannot be read, or a row whose measure or arm `paper.yaml` does not declare.
    """
    name = path.parent.name
    found: list[Measured] = []
    for file in sorted(metrics.glob(f"{name}.study*.json"), key=lambda file: (file.stem.count("+"), file.stem)):
        study = read_json(file, {})
        if missing := {"parameters", "commits", "seeds", "rows"} - study.keys():
            raise ReportError(f"{file}: lacks {min(missing)!r}: `selfsown study merge {name}` makes it from kept seeds")
        chosen = file.stem.removeprefix(f"{name}.study").lstrip(".").replace("+", ", ")
        title = f"Study: {chosen}" if chosen else "Study"
        figures = _figures(path, file, study["rows"], study["parameters"])
        found.append(Measured(title, _scope(study), figures, study["parameters"]))
    run = metrics / f"{name}.rows.json"
    if rows := read_json(run, []):
        scope = (
            f"One run, profile {active.get('composed_from', 'not named')}, seed {active['seed']}. Intervals are 95 % "
            f"bootstraps over test items: {ONE_SEED}"
        )
        found.append(Measured("This run", scope, _figures(path, run, rows, active), active))
    return found


ONE_SEED = "they do not cover the choice of the training seed."


def _scope(study: Mapping[str, Any]) -> str:
    """What a study's figures and their intervals mean: items are scored by their mean over seeds."""
    commits = f"commit{'s' if len(study['commits']) > 1 else ''} {', '.join(name[:8] for name in study['commits'])}"
    of = f"profile {study['parameters']['composed_from']}, {commits}. Intervals are 95 % bootstraps"
    if len(study["seeds"]) == 1:
        return f"One seed, {of} over test items: {ONE_SEED}"
    return f"Mean over {len(study['seeds'])} seeds, {of} over test items, each scored by its mean over the seeds."


def _figures(path: Path, file: Path, rows: list[dict[str, Any]], parameters: Mapping[str, Any]) -> Figures:
    paper = read_paper(path, parameters)
    check_columns(file, rows, Row._fields)
    try:
        paper.check_declared((row["measure"] for row in rows), (row["arm"] for row in rows))
    except ValueError as error:
        raise ReportError(f"{file}: {error}; {path} declares them") from None
    return Figures(rows, paper, parameters["languages"])


def read_json(path: Path, default: Any) -> Any:
    """A JSON file, or the default where there is none.

    Raises:
        ReportError: not JSON.
    """
    if not path.is_file():
        return default
    try:
        return json.loads(path.read_bytes())
    except ValueError as error:
        raise ReportError(f"{path}: not JSON: {error}; make it again with `dvc repro`") from None


def check_columns(path: Path, rows: Iterable[Any], columns: Iterable[str]) -> None:
    """Every row has the columns.

    Raises:
        ReportError: one has not.
    """
    for row in rows:
        if lacking := [name for name in columns if name not in row]:
            raise ReportError(f"{path}: a row lacks {lacking[0]!r}; make it again with `dvc repro`")
