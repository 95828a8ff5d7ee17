"""Rows of figures as tables to print: estimates with intervals, the paper's figures beside ours, verdicts on claims.

A figure never stands without its interval where one was measured, and a claim is called established only if the
whole interval is on its side of zero.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

from selfsown.report.paper import Beside, Better, Claim, OneOf, Paper, PaperRow, Table, Unit, names_of

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
        if self.lo is None or self.hi is None:
            return ""
        return f"{number(self.lo, self.unit)} to {number(self.hi, self.unit)}"

    @property
    def printed(self) -> dict[str, float | int | None]:
        """Value, interval and number of items as numbers in the unit of the column: percent without its sign."""
        times = 1 if self.unit == "number" else 100
        ends = {"ours": self.value, "lo": self.lo, "hi": self.hi}
        return {**{name: None if end is None else times * end for name, end in ends.items()}, "n": self.n}

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


@dataclass(frozen=True)
class Figures:
    """The rows of a run or a study: mappings with the fields of a row, in a study `seeds` too."""

    rows: Sequence[Mapping[str, Any]]
    paper: Paper
    languages: Sequence[str] = ()

    @cached_property
    def _by_place(self) -> dict[tuple[str, str, str], Mapping[str, Any]]:
        return {(row["measure"], row["arm"], row["part"]): row for row in self.rows}

    def figure(self, measure: OneOf, arm: str, part: str, unit: Unit = "percent") -> Figure | None:
        """The figure of a place, or None if it was not measured."""
        rows = (self._by_place.get((name, arm, part)) for name in names_of(measure))
        row = next((row for row in rows if row is not None), None)
        if row is None:
            return None
        seeds = tuple(row.get("seeds", ()))
        return Figure(row["value"], row["lo"], row["hi"], row["n"], seeds, unit)

    def measured(self, measure: OneOf) -> str:
        """Which of several measures has a row, of all items or else of a part; the first, if none has."""
        names = names_of(measure)
        seen = {(row["measure"], bool(row["part"])) for row in self.rows}
        return next((name for parted in (False, True) for name in names if (name, parted) in seen), names[0])

    def parts(self, measures: Iterable[OneOf]) -> list[str]:
        """The parts that have a row of one of the measures, as the paper's file orders them, then as they come."""
        wanted = {name for measure in measures for name in names_of(measure)}
        found = list(dict.fromkeys(row["part"] for row in self.rows if row["measure"] in wanted))
        order = ["", *self.paper.parts]
        return sorted(found, key=lambda part: order.index(part) if part in order else len(order))

    def swept(self, x: str, y: OneOf, unit: Unit) -> dict[str, tuple[Figure, Figure]]:
        """By arm what it has of both measures over all items, in the order of the first."""
        arms = [row["arm"] for row in self.rows if row["measure"] == x and not row["part"]]
        found = {arm: (self.figure(x, arm, "", "number"), self.figure(y, arm, "", unit)) for arm in arms}
        both = {arm: (at, value) for arm, (at, value) in found.items() if at and value}
        return dict(sorted(both.items(), key=lambda point: point[1][0].value))

    def part_of(self, row: PaperRow) -> str:
        """The part that a row of the paper is compared with; of the only language there is, all items."""
        return "" if list(self.languages) == [row.part] else row.part

    def titled(self, text: str, part: str) -> str:
        """A text about a part."""
        return f"{text}, {self.paper.parts.get(part, part)}" if part else text


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


def beside(section: Beside, found: Figures) -> Comparison:
    """The paper's rows, those with figures of ours first; the change, where two figures are before and after."""
    rows = []
    for row in section.rows:
        part = found.part_of(row)
        ours = tuple(found.figure(place.measure, place.arm, part, section.unit) for place in section.ours)
        moving = section.change
        change = found.figure(moving.measure, moving.arm, part, section.unit) if moving else None
        published = tuple(f"{x:.1f}" if section.unit == "percent" else f"{x:g}" for x in row.paper)
        moved = paper_change(row, section.better) if moving else ""
        rows.append(BesideRow(row.what, published, moved, ours, change))
    shown = rows if section.change else [row for row in rows if any(row.ours)]
    return Comparison(section, mean_change(section), sorted(shown, key=lambda row: not any(row.ours)))


def paper_change(row: PaperRow, better: Better) -> str:
    """How far the second figure is better than the first, in percent of the first."""
    change = change_of(row, better)
    return "" if change is None else number(change, "percent")


def change_of(row: PaperRow, better: Better) -> float | None:
    """How far the second figure is better than the first, as a share of it; None where there is but one."""
    if len(row.paper) < 2:
        return None
    before, after = row.paper
    return (before - after if better == "lower" else after - before) / before


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


def grids(tables: Iterable[Table], found: Figures) -> list[Grid]:
    """The tables that hold anything, once for each part."""
    made = [_grid(table, found, part) for table in tables for part in found.parts(table.measures)]
    return [grid for grid in made if grid.rows]


def _grid(table: Table, found: Figures, part: str) -> Grid:
    cells = {arm: {m: found.figure(m, arm, part, table.unit) for m in table.measures} for arm in table.arms}
    measured = [m for m in table.measures if any(row[m] for row in cells.values())]
    names = found.paper
    heads = tuple(_head(names.measures[m], table.unit, [row[m] for row in cells.values()]) for m in measured)
    rows = tuple((names.arms[arm], tuple(row[m] for m in measured)) for arm, row in cells.items() if any(row.values()))
    return Grid(found.titled(table.caption, part), table.note, heads, rows)


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


def verdicts(claims: Sequence[Claim], found: Figures) -> list[Verdict]:
    """Each claim on every part that it was measured on, part by part; one that was not, if it says why."""
    parts = found.parts(claim.measure for claim in claims)
    made = [
        verdict(claim, found.titled(claim.text, part), found.figure(claim.measure, claim.arm, part, claim.unit))
        for part in parts
        for claim in claims
    ]
    measured = {claim for claim in claims for part in parts if found.figure(claim.measure, claim.arm, part)}
    missing = [verdict(claim, claim.text, None) for claim in claims if claim.absent and claim not in measured]
    return [*(one for one in made if one.figure), *missing]


def verdict(claim: Claim, text: str, found: Figure | None) -> Verdict:
    """`established` only when the whole interval lies on the claim's side of zero."""
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
