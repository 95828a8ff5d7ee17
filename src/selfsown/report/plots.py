"""Plots as inline SVG by matplotlib: equal numbers give equal bytes, and the page's light or dark colours apply.

matplotlib draws with placeholder colours; in the SVG they become CSS variables of the page. Text stays text, so it
can be read aloud, searched and copied. Series differ by marker as well as by colour.
"""

from __future__ import annotations

import io
import math
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Annotation

from selfsown.report.paper import Bars, Curves, Intervals, Sweep
from selfsown.report.results import Figure

INK, SOFT, RULE = "#010101", "#020202", "#030303"
SERIES = ("#040401", "#040402", "#040403", "#040404", "#040405", "#040406")
MARKERS = "osD^vP"
_VARIABLES = {INK: "ink", SOFT: "soft", RULE: "rule", **{colour: f"series-{i + 1}" for i, colour in enumerate(SERIES)}}

_STYLE: Any = {  # matplotlib types the keys as literals
    "text.parse_math": False,
    "svg.fonttype": "none",
    "svg.hashsalt": "selfsown",
    "font.family": "DejaVu Sans",
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": SOFT,
    "axes.edgecolor": RULE,
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": RULE,
    "grid.linewidth": 0.6,
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
}


def intervals(
    plot: Intervals, arms: Mapping[str, str], cells: Mapping[str, Mapping[str, Figure | None]], name: str
) -> str:
    """One row per arm, one marker per measure; `cells[measure][arm]`, by its name in print. Empty without any."""
    shown = [arm for arm in arms if any(row.get(arm) for row in cells.values())]
    measures = [measure for measure, row in cells.items() if any(row.get(arm) for arm in shown)]
    if not shown:
        return ""
    with rc_context(_STYLE):
        canvas, axes = _canvas(0.9 + 0.5 * len(shown))
        for index, measure in enumerate(measures):
            points = [(row, cell) for row, arm in enumerate(shown) if (cell := cells[measure].get(arm))]
            rows = [row + (index - (len(measures) - 1) / 2) * 0.26 for row, _ in points]
            middle, ends = _ends([cell for _, cell in points], 100)
            axes.errorbar(
                middle, rows, xerr=ends, fmt=MARKERS[index], color=SERIES[index], markersize=6,
                capsize=4, linewidth=1.8, label=measure
            )  # fmt: skip
        axes.set_yticks(range(len(shown)), [arms[arm] for arm in shown])
        axes.set_ylim(len(shown) - 0.5, -0.5)
        axes.grid(visible=False, axis="y")
        axes.set_xlabel("%")
        _legend(axes)
        return _svg(canvas, name, plot.title)


def curves(plot: Curves, rows: Sequence[Mapping[str, Any]], names: Mapping[str, str], name: str) -> str:
    """A line per series; `names` are the printed names of its values."""
    y = plot.column(rows)
    series = list(dict.fromkeys(str(row[plot.series]) for row in rows))
    if not series:
        return ""
    with rc_context(_STYLE):
        labels = [names.get(value, value) for value in series]
        canvas, axes = _canvas(3.0 + 0.18 * math.ceil(len(series) / _columns(labels)))
        scale = 100 if plot.unit == "percent" else 1
        for index, value in enumerate(series):
            points = sorted((row[plot.x], scale * row[y]) for row in rows if str(row[plot.series]) == value)
            axes.plot(
                *zip(*points, strict=True), color=SERIES[index % 6], marker=MARKERS[(index + index // 6) % 6],
                markersize=4.5, linewidth=1.8, label=labels[index]
            )  # fmt: skip
        axes.set_xlabel(plot.x)
        axes.set_ylabel(f"{y.replace('_', ' ').upper()}, %" if plot.unit == "percent" else y)
        _legend(axes)
        return _svg(canvas, name, plot.title)


def sweep(
    plot: Sweep,
    points: Mapping[str, tuple[Figure, Figure]],
    names: tuple[str, str],
    threshold: float | None,
    name: str,
) -> str:
    """A line through points, each with its intervals and its arm's name beside it; empty with fewer than two.

    Args:
        points: by the arm's name in print, in the order of x.
        names: of both measures in print.
    """
    if len(points) < 2:
        return ""
    scale = 1 if plot.unit == "number" else 100
    ends = [_ends([at for at, _ in points.values()], 1), _ends([value for _, value in points.values()], scale)]
    with rc_context(_STYLE):
        canvas, axes = _canvas(3.6)
        (x, across), (y, up) = ends
        axes.errorbar(x, y, yerr=up, xerr=across, fmt="o-", color=SERIES[0], markersize=5, capsize=3, linewidth=1.4)
        if min(y) < 0:
            axes.axhline(0, color=SOFT, linewidth=1)
        if threshold is not None:
            axes.axvline(threshold, color=SERIES[1], linestyle="--", linewidth=1.6, label=f"threshold {threshold:.3g}")
            _legend(axes)
        axes.margins(x=0.12)
        axes.set_xlabel(names[0])
        axes.set_ylabel(names[1] + {"percent": ", %", "points": ", points", "number": ""}[plot.unit])
        canvas.draw_without_rendering()  # the places of what is drawn, which labels are measured in
        labels: list[Annotation] = []
        for label, point in zip(points, zip(x, y, strict=True), strict=True):
            labels.append(_beside(axes, label, point, labels))
        return _svg(canvas, name, plot.title)


def _beside(axes: Axes, label: str, point: tuple[float, float], others: Sequence[Annotation]) -> Annotation:
    """A point's label at the first of its four corners where it covers no other label; at the first if none is free."""
    text = axes.annotate(label, point, xytext=(0, 0), textcoords="offset points", fontsize=9, color=INK)
    corners = [(6, 6, "left"), (6, -14, "left"), (-6, 6, "right"), (-6, -14, "right")]
    for across, up, side in [*corners, corners[0]]:
        text.set(position=(across, up), ha=side)
        box = text.get_window_extent()
        if not any(box.overlaps(other.get_window_extent()) for other in others):
            break
    return text


def _ends(figures: Sequence[Figure], scale: float) -> tuple[list[float], list[list[float]]]:
    """Values, and how far their intervals reach below and above."""
    values = [scale * each.value for each in figures]
    below = [scale * (each.value - (each.value if each.lo is None else each.lo)) for each in figures]
    above = [scale * ((each.value if each.hi is None else each.hi) - each.value) for each in figures]
    return values, [below, above]


def bars(plot: Bars, values: Mapping[str, float], name: str) -> str:
    """Bars from the highest down, their values written beside them, with the reference line."""
    if not values:
        return ""
    reference = float(plot.reference)
    ordered = sorted(values.items(), key=lambda pair: (-pair[1], pair[0]))
    heights = [value for _, value in ordered]
    with rc_context(_STYLE):
        canvas, axes = _canvas(0.9 + 0.27 * len(ordered))
        drawn = axes.barh(range(len(ordered)), heights, color=SERIES[0], height=0.62)
        axes.bar_label(drawn, fmt="%.2f", padding=4, color=INK, fontsize=9)
        axes.set_yticks(range(len(ordered)), [label for label, _ in ordered])
        axes.set_ylim(len(ordered) - 0.4, -0.6)
        axes.set_xlim(0, 1.12 * max(*heights, reference))
        axes.axvline(
            reference, color=SERIES[1], linestyle="--", linewidth=1.6, label=f"{plot.reference_label} {reference:g}"
        )
        axes.grid(visible=False, axis="y")
        _legend(axes)
        return _svg(canvas, name, plot.title)


def _canvas(height: float) -> tuple[Canvas, Axes]:
    """Inches at 72 points: 7.2 is the width of a printed page's text."""
    canvas = Canvas(figsize=(7.2, height))
    return canvas, canvas.subplots()


def _legend(axes: Axes) -> None:
    columns = _columns(axes.get_legend_handles_labels()[1])
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=columns, borderaxespad=0.2, handletextpad=0.5)


def _columns(labels: Sequence[str]) -> int:
    """Of a legend as wide as the drawing at most, which would otherwise be squeezed to nothing."""
    return max(1, min(len(labels), 4, 80 // (max(map(len, labels)) + 6)))


def _svg(canvas: Canvas, name: str, title: str) -> str:
    """The drawing for a page that holds several: ids of its own, variables for colours, a title to read aloud."""
    sink = io.StringIO()
    canvas.savefig(sink, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = sink.getvalue()
    text = text[text.index("<svg") :]
    for colour, variable in _VARIABLES.items():
        text = text.replace(colour, f"var(--{variable})")
    text = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{name}-", text)
    text = re.sub(r"<(style|metadata)\b.*?</\1>", "", text, flags=re.DOTALL)  # a style would apply to the whole page
    text = text.replace("'DejaVu Sans'", "system-ui, sans-serif")
    return text.replace("<svg ", f'<svg class="plot" role="img" aria-label="{escape(title)}" ', 1)
