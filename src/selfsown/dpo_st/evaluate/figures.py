"""Figures out of items: rates, and what is gained over a baseline on the same questions."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pandas as pd

from selfsown import evaluation
from selfsown.dpo_st.evaluate.items import DISTINCT, FLOPS, KS
from selfsown.evaluation import Counts, Evaluation, Items, Row

COMPARED = (
    ("control", "sft"), ("st", "sft"), ("st", "control"), ("dpo_st", "sft"), ("dpo_st", "control"), ("dpo_st", "st")
)  # fmt: skip
"""Arms whose accuracies are compared; the second of each is the baseline."""

BEFORE, AFTER = "sft", "dpo"
"""Arms before and after a step of DPO."""


def measure(frames: Mapping[str, pd.DataFrame], section: Mapping[str, Any]) -> list[Row]:
    """All figures; values may be means over seeds."""
    found = evaluation.by_place(frames)
    made = [_counts(rows).rate(*place) for place, rows in found.items() if place[0] != FLOPS]
    for arm, baseline in COMPARED:
        made += _gains("accuracy", f"gain_over_{baseline}", arm, baseline, found)
    for name in (*(f"pass_at_{k}" for k in KS), DISTINCT):
        made += _gains(name, f"{name}_gain", AFTER, BEFORE, found)
    return made + list(_costs(made, found, section["evaluate"]["main"]))


EVALUATION = Evaluation(keys=("measure", "part", "id", "group", "unit"), counts=("value",), measure=measure)


def accuracies(frame: pd.DataFrame, part: str) -> Counts:
    """Right greedy answers with the calculator, of an arm's items."""
    return _counts(frame[(frame["measure"] == "accuracy") & (frame["part"] == part)])


def _counts(rows: pd.DataFrame, by: str = "unit") -> Counts:
    return Counts.of(rows, "value", by=by)


def _gains(counted: str, measure: str, arm: str, baseline: str, found: Items) -> Iterator[Row]:
    """On every part that both answered; where questions are items, also with templates resampled instead."""
    for part in [part for name, of, part in found if (name, of) == (counted, arm)]:
        ours, theirs = found[counted, arm, part], found.get((counted, baseline, part))
        if theirs is None:
            continue
        yield evaluation.difference(measure, arm, part, [(_counts(ours), _counts(theirs))])
        if (ours["unit"] != ours["group"]).any() and ours["group"].nunique() > 1:
            grouped = (_counts(ours, "group"), _counts(theirs, "group"))
            yield evaluation.difference(f"{measure}_by_template", arm, part, [grouped])


def _costs(measured: list[Row], found: Items, main: str) -> Iterator[Row]:
    """Operations that an arm took, and those for a point of accuracy on the main part."""
    accuracy = {row.arm: row.value for row in measured if (row.measure, row.part) == ("accuracy", main)}
    for (name, arm, _), rows in found.items():
        if name == FLOPS:
            flops = float(rows["value"].sum())
            yield Row(FLOPS, arm, "", flops)
            if accuracy.get(arm):
                yield Row("flops_per_point", arm, main, flops / (100 * accuracy[arm]))
