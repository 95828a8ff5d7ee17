"""What changed since another revision, in Markdown: `make compare`, and the summary of a run on GitHub Actions.

Headline figures with intervals there and here, each candidate with the reason for or against it, minutes per stage, the
curves of the dev split, and the links of the runs. What cannot be had is said, and stops nothing else.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from selfsown.errors import UserError, first_line
from selfsown.params import read_yaml
from selfsown.report.paper import Curves, read_paper

BARS = "▁▂▃▄▅▆▇█"
LONGEST_CURVE = 24
"""Points of a curve that fit a cell."""


def comparison(revision: str) -> str:
    """The whole text; paths count from the working directory, the project's root.

    Raises:
        UserError: git does not know the revision.
    """
    if _git("rev-parse", "--verify", "--quiet", f"{revision}^{{commit}}") is None:
        raise UserError(f"{revision}: git knows no such revision here; name another: `selfsown compare REVISION`")
    params = read_yaml(Path("params.yaml"))
    parts = (figures(revision, params), candidates(), stages(), curves(params), links())
    return "\n\n".join(part for part in parts if part) + "\n"


def figures(revision: str, params: Mapping[str, Any]) -> str:
    """The headline figures of every pipeline, there and here."""
    there = yaml.safe_load(_git("show", f"{revision}:./params.yaml") or "") or {}
    names = sorted(path.name.removesuffix(".rows.json") for path in Path("metrics").glob("*.rows.json"))
    lines = [f"## Figures here and at {revision}", ""]
    ours, theirs = (f"{values.get('composed_from')}, seed {values.get('seed')}" for values in (params, there))
    if ours != theirs:
        lines += [f"Here is the profile {ours}; there {theirs}: not the same work.", ""]
    rows = []
    for name in names:
        old, new = _headline(name, revision), _headline(name)
        rows += [_figure(f"{name} {key}", old.get(key), new.get(key)) for key in dict.fromkeys([*new, *old])]
    note = "Brackets are 95 % intervals over test items. A change is bold where the two do not overlap."
    return "\n".join([*lines, _table(("figure", "there", "here", "change"), rows), "", note])


Figure = tuple[float, float | None, float | None]
"""A value and its interval, None where none was estimated."""


def _headline(pipeline: str, revision: str | None = None) -> dict[str, Figure]:
    """Figures by name. The file with the names has no intervals: they are those of the row that it names.

    A name begins with its row's measure and mostly goes on with its arm (`accuracy_sft`, not `pass_at_10_before_dpo`):
    of the rows with the value it is the one of which the name says most. Where several are as likely, none is shown.
    """
    values, rows = (_json(f"metrics/{pipeline}{kind}.json", revision) for kind in ("", ".rows"))
    found: dict[str, Figure] = {}
    for name, value in (values or {}).items():
        same = [(_said(name, row), row["lo"], row["hi"]) for row in rows or () if row["value"] == value]
        most = max((said for said, *_ in same), default=0)
        ends = {(lo, hi) for said, lo, hi in same if said == most}
        found[name] = (value, *(ends.pop() if len(ends) == 1 else (None, None)))
    return found


def _said(name: str, row: Mapping[str, Any]) -> int:
    """How much of a figure's name a row's measure and arm are: so many letters.

    >>> [_said("wer_mixed", {"measure": measure, "arm": "mixed"}) for measure in ("wer", "wer_mixed_up", "we")]
    [9, 0, 0]
    """
    begins = (row["measure"], f"{row['measure']}_{row['arm']}")
    return max((len(words) for words in begins if f"{name}_".startswith(f"{words}_")), default=0)


def _figure(name: str, old: Figure | None, new: Figure | None) -> tuple[str, ...]:
    if old is None or new is None:
        return (name, _shown(old), _shown(new), "")
    change = "none" if new[0] == old[0] else f"{new[0] - old[0]:+.3g}".replace("-", "−")
    apart = None not in (*old, *new) and (new[1] > old[2] or new[2] < old[1])  # type: ignore[operator] # none is None
    return (name, _shown(old), _shown(new), f"**{change}**" if apart else change)


def _shown(figure: Figure | None) -> str:
    if figure is None:
        return "–"
    value, lo, hi = (None if part is None else _number(part) for part in figure)
    return f"{value} [{lo}, {hi}]" if lo and hi else str(value)


def _number(value: float) -> str:
    """Four digits that say something; a true minus sign."""
    return (f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}").replace("-", "−")


def candidates() -> str:
    """Each registered model's candidate beside its champion, and why it would be promoted or not."""
    from selfsown.tracking import judge
    from selfsown.tracking.store import let_in, reached

    lines = ["## Candidates and champions", ""]
    try:
        with let_in():
            names = sorted(model.name for model in reached("models are registered there").search_registered_models())
    except Exception as error:
        return "\n".join([*lines, _why(error)])
    rows: list[tuple[str, ...]] = []
    for name in names:
        try:
            found = judge(name)
            rows.append((name, found.version, found.champion or "–", found.decision, found.reason))
        except Exception as error:
            rows.append((name, "–", "–", "–", _why(error)))
    return "\n".join([*lines, _table(("model", "candidate", "champion", "decision", "why"), rows)])


def stages() -> str:
    """Minutes of each stage that ran in this checkout."""
    from selfsown.tracking.durations import durations

    rows = [(one.stage, f"{one.seconds / 60:.1f}", one.ended) for one in durations()]
    return "\n".join(["## Minutes per stage, when it last ran here", "", _table(("stage", "minutes", "ended"), rows)])


def curves(params: Mapping[str, Any]) -> str:
    """What was measured on the dev split while models trained, as each pipeline's `paper.yaml` draws it."""
    rows = []
    for path in sorted(Path("pipelines").glob("*/paper.yaml")):
        name = path.parent.name
        paper = read_paper(path, params)
        for plot in paper.plots:
            if not isinstance(plot, Curves) or plot.x != "step":
                continue
            points = _json(f"metrics/plots/{name}/{plot.file}") or []
            y = plot.column(points)
            for series in dict.fromkeys(point[plot.series] for point in points):
                values = [point[y] for point in points if point[plot.series] == series]
                label = f"{name}: {plot.title}, {paper.arms.get(series, series)}"
                rows.append((label, _number(values[0]), _number(values[-1]), _drawn(values)))
    return "\n".join(["## Learning curves", "", _table(("curve", "first", "last", ""), rows)])


def _drawn(values: Sequence[float]) -> str:
    """A bar for each point, or for as many as fit, from the lowest to the highest value.

    >>> _drawn([0.0, 0.4, 1.0])
    '▁▄█'
    """
    low, high = min(values), max(values)
    every = -(-len(values) // LONGEST_CURVE)
    scale = (len(BARS) - 1) / (high - low) if high > low else 0.0
    return "".join(BARS[round((value - low) * scale)] for value in values[::every])


def links() -> str:
    """The page of each pipeline's runs, where a server shows them."""
    from selfsown.tracking.store import let_in, reached
    from selfsown.tracking.uri import SERVERS, runs_page, tracking_uri

    try:
        uri = tracking_uri()
        if not uri.startswith(SERVERS):
            return ""
        with let_in():
            found = sorted(reached("runs are shown there").search_experiments(), key=lambda one: str(one.name))
    except Exception as error:
        return f"## Runs\n\n{_why(error)}"
    pages = [f"- [{one.name}]({runs_page(uri, one.experiment_id)})" for one in found if one.experiment_id != "0"]
    return "\n".join(["## Runs", "", *pages])


def _why(error: Exception) -> str:
    """What cannot be had: whole where the error is for a person to read, else what it begins with."""
    return str(error) if isinstance(error, UserError) else first_line(error)


def _table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = [[cell.replace("|", "\\|").replace("\n", " ") for cell in row] for row in rows]
    if not cells:
        return "None."
    lines = [heads, ["---"] * len(heads), *cells]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _json(path: str, revision: str | None = None) -> Any:
    """What a JSON file holds here or at a revision; None where there is none."""
    if revision is not None:
        text = _git("show", f"{revision}:./{path}")
        return None if text is None else json.loads(text)
    return json.loads(Path(path).read_bytes()) if Path(path).is_file() else None


def _git(*arguments: str) -> str | None:
    done = subprocess.run(["git", *arguments], check=False, capture_output=True, text=True)
    return done.stdout if done.returncode == 0 else None
