"""`pipelines/<name>/paper.yaml`: what the paper reports, under which conditions, and which of our figures stand beside.

The whole of what a pipeline says to the report; the figures themselves, rows of (measure, arm, part, value, lo, hi, n),
come from `metrics/`. Every measure and arm that has a row is declared here with its name in print: a row of another is
an error, and so is a table that asks for one. A part (a language, a set of problems) is printed as `parts` says, or by
its own name; claims and tables are repeated for each part that has figures. In conditions and in a plot's `reference`,
`${some_pipeline.gate.threshold}` is that value of `params.yaml`; a section is written out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from selfsown.errors import UserError
from selfsown.params import Params, read_yaml

Unit = Literal["percent", "points", "number"]
"""`percent` and `points` are printed times 100: a share, and a difference of two shares."""
Better = Literal["lower", "higher"]
Labels = dict[str, str]
OneOf = str | tuple[str, ...]
"""A measure, or several of which the first that was measured is meant: word errors, else character errors."""


def names_of(measure: OneOf) -> tuple[str, ...]:
    """The measures meant, in their order."""
    return (measure,) if isinstance(measure, str) else measure


class Condition(Params):
    """One line of the comparison of conditions."""

    what: str
    paper: str
    ours: str


class Place(Params):
    """Which rows a figure is taken from: a measure of an arm, on the part that is shown."""

    measure: OneOf
    arm: str


class PaperRow(Params):
    """A published result: one figure, or one before and one after; `part` picks ours."""

    what: str
    paper: tuple[float, ...] = Field(min_length=1, max_length=2)
    part: str = ""


class Beside(Params):
    """The paper's results beside ours, in the order of its figures.

    `change` is our change, where the two figures of a row are before and after. Without it, only rows with figures of
    ours are shown: then no mean is taken over the others.
    """

    caption: str
    source: str
    unit: Unit = "percent"
    better: Better = "lower"
    labels: tuple[str, ...]
    ours: tuple[Place, ...]
    change: Place | None = None
    change_label: str = "relative reduction"
    rows: tuple[PaperRow, ...]

    @model_validator(mode="after")
    def _columns(self) -> Self:
        for row in self.rows:
            if not len(self.labels) == len(self.ours) == len(row.paper):
                raise ValueError(f"{row.what}: labels, ours and the row's figures differ in number")
        return self


class Table(Params):
    """Arms down, measures across, under the names that they are declared with; empty ones are left out."""

    caption: str
    note: str = ""
    unit: Unit = "percent"
    arms: tuple[str, ...]
    measures: tuple[str, ...]


class Claim(Place):
    """A statement that a difference is on the `better` side of zero, perhaps by at least `target`.

    `absent` says why it may not have been measured on any part; a claim without it is then not shown.
    """

    text: str
    unit: Unit = "percent"
    better: Better
    target: float | None = None
    absent: str | None = None


class Intervals(Params):
    """Points with intervals: measures of the first table's arms, over all test items."""

    kind: Literal["intervals"]
    title: str
    measures: tuple[OneOf, ...]


class Curves(Params):
    """Lines from a list of rows in `metrics/plots/<pipeline>/<file>`, one line per value of `series`."""

    kind: Literal["curves"]
    title: str
    file: str
    x: str
    y: OneOf
    series: str
    unit: Unit = "percent"

    def column(self, rows: Sequence[Mapping[str, Any]]) -> str:
        """The measure that is drawn: the first of `y` that some row has, or just the first."""
        names = names_of(self.y)
        return next((name for name in names if any(name in row for row in rows)), names[0])


class Sweep(Params):
    """A curve through the arms that have both measures, over all test items: `y` by `x`, with their intervals.

    `threshold`: a measure whose value, of whichever arm, is drawn as a line across.
    """

    kind: Literal["sweep"]
    title: str
    x: str
    y: OneOf
    unit: Unit = "percent"
    threshold: str | None = None


class Bars(Params):
    """A bar per metric named `<prefix>...` in `metrics/<pipeline>.<file>.json`, and a line at `reference`."""

    kind: Literal["bars"]
    title: str
    file: str
    prefix: str
    reference: str
    reference_label: str


class Samples(Params):
    """Columns shown of the rows in `metrics/plots/<pipeline>/<file>`, which carry their `kind`."""

    file: str
    kinds: Labels
    columns: Labels


class Paper(Params):
    """All of `paper.yaml`; `measures`, `arms` and `parts`: the names in print of what figures are of."""

    title: str
    arxiv: str
    venue: str
    about: str
    conditions: tuple[Condition, ...]
    measures: Labels
    arms: Labels
    parts: Labels = Field(default_factory=dict)
    beside: tuple[Beside, ...]
    claims: tuple[Claim, ...]
    tables: tuple[Table, ...] = Field(min_length=1)
    plots: tuple[Annotated[Intervals | Curves | Sweep | Bars, Field(discriminator="kind")], ...]
    samples: Samples | None = None
    unverified: tuple[str, ...]

    @model_validator(mode="after")
    def _declared(self) -> Self:
        """Whatever is asked for has a name in print."""
        places = [place for section in self.beside for place in (*section.ours, section.change) if place]
        tables = [(table.measures, table.arms) for table in self.tables]
        asked = [*tables, *((names_of(place.measure), (place.arm,)) for place in (*places, *self.claims))]
        drawn = [plot.measures for plot in self.plots if isinstance(plot, Intervals)]
        asked += [(names_of(measure), ()) for measures in drawn for measure in measures]
        swept = [plot for plot in self.plots if isinstance(plot, Sweep)]
        asked += [((plot.x, *names_of(plot.y), *filter(None, [plot.threshold])), ()) for plot in swept]
        for measures, arms in asked:
            self.check_declared(measures, arms)
        return self

    def check_declared(self, measures: Iterable[str], arms: Iterable[str]) -> None:
        """Every measure and arm has a name in print.

        Raises:
            ValueError: one has not.
        """
        for what, names, known in (("measure", measures, self.measures), ("arm", arms, self.arms)):
            if unknown := sorted(set(names) - known.keys()):
                raise ValueError(f"{what} {unknown[0]!r} is not declared: {what}s: names {', '.join(known)}")


class PaperError(UserError):
    """A `paper.yaml` is wrong; the message names file, key and what is allowed."""


def read_paper(path: Path, params: Mapping[str, Any]) -> Paper:
    """The file as a model, its references to parameters filled in.

    Raises:
        PaperError: unreadable, unknown or missing key, or a reference to a parameter that is not there.
    """
    try:
        return Paper.model_validate(_filled(read_yaml(path), params))
    except (OSError, yaml.YAMLError, KeyError) as error:
        raise PaperError(f"{path}: {error}") from None
    except ValidationError as error:
        lines = [f"{path}: {'.'.join(map(str, item['loc'])) or 'names'}: {item['msg']}" for item in error.errors()]
        raise PaperError("\n".join(lines)) from None


def flat(params: Any, prefix: str = "") -> dict[str, str]:
    """Nested parameters as dotted names and their values; a list of plain values, or of such lists, is one value.

    >>> flat({"a": {"b": 1, "c": [1, 2]}, "d": [{"e": 3}], "f": [[30], [6, 11]]})
    {'a.b': '1', 'a.c': '1, 2', 'd.0.e': '3', 'f': '30; 6, 11'}
    """
    if isinstance(params, list) and any(isinstance(value, dict) for value in params):
        params = dict(enumerate(params))
    if isinstance(params, list):
        nested = any(isinstance(value, list) for value in params)
        return {prefix: ("; " if nested else ", ").join(flat(value)[""] for value in params)}
    if not isinstance(params, Mapping):
        return {prefix: str(params)}
    return {
        name: text
        for key, value in params.items()
        for name, text in flat(value, f"{prefix}.{key}" if prefix else str(key)).items()
    }


def _filled(value: Any, params: Mapping[str, Any]) -> Any:
    if isinstance(value, dict):
        return {key: _filled(inner, params) for key, inner in value.items()}
    if isinstance(value, list):
        return [_filled(inner, params) for inner in value]
    if isinstance(value, str):
        return re.sub(r"\$\{([\w.-]+)\}", lambda match: _lookup(match[1], params), value)
    return value


def _lookup(name: str, params: Mapping[str, Any]) -> str:
    found: Any = params
    for part in name.split("."):
        try:
            found = found[int(part) if isinstance(found, list) else part]
        except (KeyError, IndexError, TypeError, ValueError):
            raise KeyError(f"${{{name}}}: no such parameter in params.yaml") from None
    parts = flat(found)
    return parts[""] if "" in parts else ", ".join(f"{key} {text}" for key, text in parts.items())
