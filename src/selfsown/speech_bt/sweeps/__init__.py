"""Sweeps: what an arm's error rate does as one thing about its training changes, and the threshold that follows.

A sweep is a measure of arms, such as the minutes of synthetic speech that they had, and the arms that are its points.
What each had is a row of figures beside its error rates, so that a curve is two measures of the same arms.

The threshold of Norm_I is read by a rule that was fixed before any of it was measured: going from the most
intelligible synthetic speech down, the last quality with which the arm is surely better on dev than real speech alone
(the whole 95 % interval of the difference in error rate below zero). Below it nothing is said to help.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal

import pandas as pd
from pydantic import Field

from selfsown import evaluation
from selfsown.evaluation import Counts, Row
from selfsown.params import Params
from selfsown.speech_bt.sampling import MATCHED, SYNTHETIC
from selfsown.text.scoring import error_rate

Sweep = Literal["norm_i", "minutes", "real_share"]

ENDS: Mapping[str, Mapping[str, float]] = {
    "norm_i": {},
    "minutes": {"real": 0},
    "real_share": {"real": 1, "synthetic": 0},
}
"""Arms that are points of a sweep without being trained for it, and what they had."""

SAID = "said"
"""The split of items that say what a judge made of real speech, under the ids of the `matched` that say the same."""


class SweptParams(Params):
    """An arm of a sweep: its speech (`synthetic`, or `qualities/<name>`), minutes of it, the share of real windows."""

    synthetic: str
    minutes: float = Field(gt=0)
    share: float = Field(gt=0, lt=1)


def judged_items(judged: pd.DataFrame, window: float) -> pd.DataFrame:
    """What a judge heard in `matched` speech and, under the same ids, in the real speech that says the same.

    Args:
        judged: rows of `SCORED`, of real and of synthetic speech.
        window: of the arm's own items, beside which they stand.
    """
    real = judged[~judged["split"].isin([SYNTHETIC, MATCHED])].drop(columns=["id", "split"])
    made = judged[judged["split"] == MATCHED]
    text = ["language", "reference"]
    said = made[["id", *text]].merge(real, on=text, validate="many_to_one").assign(split=SAID)
    return pd.concat([made, said]).assign(window=window)


def rows(seen: Mapping[str, pd.DataFrame], section: Mapping[str, Any]) -> Iterator[Row]:
    """What the points of each sweep had, how they compare with real speech alone on dev, and the threshold.

    Args:
        seen: items of each arm, those of `judged_items` among them.
        section: the pipeline's parameters.
    """
    swept = section.get("matrix", {}).get("swept", {})
    for name, arms in section.get("evaluate", {}).get("sweeps", {}).items():
        if name == "norm_i" and arms:
            yield from _qualities({arm: seen[arm] for arm in arms}, seen["real"])
        elif arms:
            key = "minutes" if name == "minutes" else "share"
            had = {**ENDS[name], **{arm: point[key] for arm, point in swept.items()}}
            yield from (Row(name, arm, "", float(had[arm])) for arm in arms)


def _qualities(arms: Mapping[str, pd.DataFrame], real: pd.DataFrame) -> Iterator[Row]:
    points: list[tuple[Row, Row]] = []
    baseline = _spoken(real, "dev")
    for arm, items in arms.items():
        x = _norm_i(arm, items)
        yield x
        dev = _spoken(items, "dev")
        if len(dev) and len(baseline):
            pair = Counts.of(dev, "errors", "words"), Counts.of(baseline, "errors", "words")
            y = evaluation.difference(f"dev_{error_rate(dev['language'])}_minus_real", arm, "", [pair])
            yield y
            points.append((x, y))
    if (least := threshold(points)) is not None:
        yield least._replace(measure="norm_i_threshold", lo=None, hi=None)


def threshold(points: Sequence[tuple[Row, Row]]) -> Row | None:
    """The Norm_I that the rule reads from Norm_I and the difference on dev of each point; None where nothing helps."""
    least = None
    for norm_i, change in sorted(points, key=lambda point: -point[0].value):
        if change.hi is None or change.hi >= 0:
            break
        least = norm_i
    return least


def _norm_i(arm: str, items: pd.DataFrame) -> Row:
    """Of all that an arm's voices say: the gate's `exp_relative`, with an interval over texts."""
    made, said = (
        Counts.of(own.assign(text=own["id"].str.rpartition(".")[0]), "errors", "words", by="text")
        for own in (items[items["split"] == MATCHED], items[items["split"] == SAID])
    )
    fewer = made.reduction("norm_i", arm, "", said)  # exp((real - synthetic) / real) is exp of it
    lo, hi = (math.exp(end) if end is not None and math.isfinite(end) else None for end in (fewer.lo, fewer.hi))
    return fewer._replace(value=math.exp(fewer.value), lo=lo, hi=hi)


def _spoken(items: pd.DataFrame, split: str) -> pd.DataFrame:
    return items[(items["split"] == split) & (items["words"] > 0)]
