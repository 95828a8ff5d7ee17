"""Metrics as rows to print: estimates with intervals, the paper's figures beside ours, and verdicts on claims.

A figure never stands without its interval where one was measured, and a claim is called established only if the
whole interval is on its side of zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

from selfsown.report.paper import Beside, Better, Claim, Paper, PaperRow, Table, Unit

Metrics = Mapping[str, Any]
Standing = Literal["established", "not established", "the opposite holds", "no interval", "not measured"]


@dataclass(frozen=True)
class Figure:
    """A value with its 95 % interval, the number of items (or seeds) behind it, and the values per seed, if known."""

    value: float
    lo: float | None = None
    hi: float | None = None
    n: int | None = None
    per_seed: tuple[float, ...] = ()
    unit: Unit = "percent"

    @property
    def text(self) -> str:
        """The value as printed, in the unit of its column: percent without its sign."""
        return number(self.value, self.unit)

    @property
    def interval(self) -> str:
        """`lo to hi`, or nothing."""
        return (
            ""
            if self.lo is None or self.hi is None
            else f"{number(self.lo, self.unit)} to {number(self.hi, self.unit)}"
        )

    @property
    def seeds(self) -> str:
        """The values per seed as printed."""
        return ", ".join(number(value, self.unit) for value in self.per_seed)


def number(value: float, unit: Unit) -> str:
    """One decimal for shares, three significant digits otherwise; a true minus sign.

    >>> number(0.5674, "percent"), number(-0.0132, "number")
    ('56.7', '−0.0132')
    """
    text = f"{value:.3g}" if unit == "number" else f"{100 * value:.1f}"
    return ("0.0" if text == "-0.0" else text).replace("-", "−")


def figure(metrics: Metrics, key: str, unit: Unit = "percent") -> Figure | None:
    """The metric `key` with what belongs to it, or None if it was not measured."""
    if key not in metrics:
        return None
    bounds = {part: metrics.get(f"{key}_{part}") for part in ("lo", "hi", "n")}
    return Figure(float(metrics[key]), **bounds, per_seed=tuple(metrics.get(f"{key}_per_seed", ())), unit=unit)


class Part(NamedTuple):
    """A language or a set of problems that has figures of its own; `suffix` is what their keys have of it."""

    name: str
    title: str
    suffix: str

    def of(self, text: str) -> str:
        """A text about this part."""
        return f"{text}, {self.title}" if self.title else text


def parts(paper: Paper, languages: Sequence[str]) -> list[Part]:
    """What keys without a suffix are of, then the others: sets of problems, or languages if there are several."""
    if paper.sets:
        first = paper.first_set.partition("-fold")[0]
        others = [Part(name, title, f"_{name}") for name, title in paper.sets.items() if name != first]
        return [Part(first, paper.sets.get(first, first), ""), *others]
    if len(languages) == 1:
        return [Part(languages[0], "", "")]
    return [Part("", "", ""), *(Part(language, language, f"_{language}") for language in languages)]


def keyed(key: str, suffix: str) -> str:
    """The key with a suffix: where it has `{}`, else at its end.

    >>> keyed("wer", "_mixed"), keyed("accuracy{}_enlarged", "_dag")
    ('wer_mixed', 'accuracy_dag_enlarged')
    """
    return key.replace("{}", suffix) if "{}" in key else key + suffix


@dataclass(frozen=True)
class Comparison:
    """The paper's figures beside ours, and the mean of its changes, if it has any."""

    section: Beside
    mean_change: str
    rows: list[BesideRow]


@dataclass(frozen=True)
class BesideRow:
    """A line of the comparison: the paper's figures and change, ours, and our change."""

    what: str
    paper: tuple[str, ...]
    paper_change: str
    ours: tuple[Figure | None, ...]
    change: Figure | None


def beside(section: Beside, metrics: Metrics, known: Sequence[Part]) -> Comparison:
    """The paper's rows, those with figures of ours first; the change, where two figures are before and after."""
    suffixes = {part.name: part.suffix for part in known}
    rows = []
    for row in section.rows:
        suffix = suffixes.get(row.part, f"_{row.part}") if row.part else ""
        figures = [figure(metrics, keyed(key, suffix), section.unit) for key in (*section.ours, section.change or "")]
        rows.append(
            BesideRow(
                row.what,
                tuple(f"{x:.1f}" if section.unit == "percent" else f"{x:g}" for x in row.paper),
                paper_change(row, section.better) if section.change else "",
                tuple(figures[:-1]),
                figures[-1],
            )
        )
    shown = rows if section.change else [row for row in rows if any(row.ours)]
    return Comparison(section, mean_change(section), sorted(shown, key=lambda row: not any(row.ours)))


def paper_change(row: PaperRow, better: Better) -> str:
    """How far the second figure is better than the first, in percent of the first."""
    if len(row.paper) < 2:
        return ""
    before, after = row.paper
    return number((before - after if better == "lower" else after - before) / before, "percent")


def mean_change(section: Beside) -> str:
    """The mean of the rows' changes, which is how the paper states its average; none where nothing changes."""
    if not section.change:
        return ""
    changes = [(row.paper[0] - row.paper[1]) / row.paper[0] for row in section.rows if len(row.paper) == 2]
    return number(abs(sum(changes) / len(changes)), "percent") if changes else ""


@dataclass(frozen=True)
class Grid:
    """A table to print; `heads` carry the n that all their cells share."""

    caption: str
    note: str
    heads: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Figure | None, ...]], ...]


def grids(tables: Iterable[Table], metrics: Metrics, known: Iterable[Part]) -> list[Grid]:
    """The tables that hold anything, once for each part."""
    made = [_grid(table, metrics, part) for table in tables for part in known]
    return [grid for grid in made if grid.rows]


def _grid(table: Table, metrics: Metrics, part: Part) -> Grid:
    cells = {
        arm: {m: figure(metrics, keyed(m, f"_{arm}{part.suffix}"), table.unit) for m in table.measures}
        for arm in table.arms
    }
    measured = [m for m in table.measures if any(row[m] for row in cells.values())]
    heads = tuple(_head(table.measures[m], table.unit, [row[m] for row in cells.values()]) for m in measured)
    rows = tuple((table.arms[arm], tuple(row[m] for m in measured)) for arm, row in cells.items() if any(row.values()))
    return Grid(part.of(table.caption), table.note, heads, rows)


def _head(label: str, unit: Unit, figures: Sequence[Figure | None]) -> str:
    counts = sorted({found.n for found in figures if found and found.n is not None})
    percent = ", %" if unit == "percent" else ""
    together = f"(n = {' or '.join(f'{n:,}' for n in counts)})".replace(" ", "\u00a0")
    return f"{label}{percent} {together}" if counts else label + percent


@dataclass(frozen=True)
class Verdict:
    """What the data say about a claim."""

    text: str
    standing: Standing
    figure: Figure | None
    detail: str


def verdicts(claims: Sequence[Claim], metrics: Metrics, known: Sequence[Part]) -> list[Verdict]:
    """Of every part that was measured; a claim of the first that was not, if it says why."""
    made = ((claim, part, verdict(claim, metrics, part)) for part in known for claim in claims)
    return [found for claim, part, found in made if found.figure or (claim.absent and not part.suffix)]


def verdict(claim: Claim, metrics: Metrics, part: Part) -> Verdict:
    """`established` only when the whole interval lies on the claim's side of zero."""
    text = part.of(claim.text)
    found = figure(metrics, keyed(claim.key, part.suffix), claim.unit)
    if found is None:
        return Verdict(text, "not measured", None, claim.absent or "")
    if found.lo is None or found.hi is None:
        detail = f"{found.text}{_sign(claim)}, without an interval: nothing follows from it."
        return Verdict(text, "no interval", found, detail)
    near, far = (found.lo, found.hi) if claim.better == "higher" else (-found.hi, -found.lo)
    where = f"{found.text}{_sign(claim)}, 95 % interval {found.interval}"
    if near > 0:
        standing: Standing = "established"
        detail = f"{where}: clear of zero."
    elif far < 0:
        standing, detail = "the opposite holds", f"{where}: clear of zero on the wrong side."
    else:
        standing, detail = "not established", f"{where}: the interval touches zero."
    return Verdict(text, standing, found, detail + _target(claim, found))


def _target(claim: Claim, found: Figure) -> str:
    if claim.target is None:
        return ""
    reached = found.value >= claim.target if claim.better == "higher" else found.value <= claim.target
    return f" The target of {number(claim.target, claim.unit)}{_sign(claim)} is {'reached' if reached else 'missed'}."


def _sign(claim: Claim) -> str:
    return {"percent": " %", "points": " points", "number": ""}[claim.unit]
