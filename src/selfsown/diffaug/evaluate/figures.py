"""Figures out of items: what is measured of each arm, and how far an arm is from its baselines on the same items."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from selfsown import evaluation
from selfsown.diffaug.evaluate.items import ALONE, AUC, STAGE_1, TASK
from selfsown.evaluation import Counts, Evaluation, Items, Row

BASELINES = ("simcse", "simcse_unsupervised", "untouched_mean", "untouched_template")
"""Arms that trained ones are compared with; one of few labels, such as `diffaug_tenth`, with that of as many."""

SHARES = {"half": 50, "tenth": 10, "hundredth": 1}
"""Percent of the labels, by the last word of an arm's name; a number is one too."""

_SEMI = "_semi"

CHANCE = "chance"
STS = ("STS12", "STS13", "STS14", "STS15", "STS16", "STSBenchmark", "SICK-R")
"""Tasks of the paper's mean."""


def measure(frames: Mapping[str, pd.DataFrame], section: Mapping[str, Any]) -> list[Row]:
    """All figures; values may be means over seeds."""
    found = evaluation.by_place(frames)
    made: list[Row] = []
    for (name, arm, part), rows in found.items():
        if name in ALONE:
            made.append(Row(name, arm, part, float(rows["value"].iloc[0])))
        else:
            made.append(_counts(rows).rate(name, arm, part))
            made += _gains(name, arm, part, found)
    return [*made, *_task_means(made), *_chance(made)]


EVALUATION = Evaluation(keys=("measure", "part", "id", "unit"), counts=("value",), measure=measure)


def _counts(rows: pd.DataFrame) -> Counts:
    return Counts.of(rows, "value", by="unit")


def auc_errors(frame: pd.DataFrame) -> Counts:
    """What an arm's AUC lacks to 1, by group: the evidence that promotion compares."""
    return _counts(frame[frame["measure"] == AUC]).others()


def split_arm(arm: str) -> tuple[str, int]:
    """What is trained, and with how many percent of the labels.

    >>> split_arm("diffaug_tenth"), split_arm("simcse_5"), split_arm("untouched_mean")
    (('diffaug', 10), ('simcse', 5), ('untouched_mean', 100))
    """
    name, _, last = arm.rpartition("_")
    share = SHARES.get(last, int(last) if last.isdigit() else None)
    return (arm, 100) if share is None or not name else (name, share)


def _gains(name: str, arm: str, part: str, found: Items) -> Iterator[Row]:
    """An arm's figure less its baselines', paired by unit."""
    if arm.startswith("untouched"):
        return
    trained = split_arm(arm)[0]
    for baseline in BASELINES:
        if baseline == trained or (baseline == "simcse_unsupervised" and not arm.endswith(_SEMI)):
            continue  # the semi-supervised setting is that one's, and labels beside it
        same = f"{baseline}{arm.removeprefix(trained)}"
        theirs = found.get((name, same, part), found.get((name, baseline, part)))
        if theirs is not None:
            pairs = [(_counts(found[name, arm, part]), _counts(theirs))]
            yield evaluation.difference(f"{name}_over_{baseline}", arm, part, pairs)


def _task_means(made: Sequence[Row]) -> list[Row]:
    """The paper's mean of seven, of every arm that has them all."""
    scores = {(row.arm, row.part): row.value for row in made if row.measure == TASK}
    arms = dict.fromkeys(arm for arm, _ in scores)
    return [
        Row("sts_mean", arm, "", sum(scores[arm, task] for task in STS) / len(STS))
        for arm in arms
        if all((arm, task) in scores for task in STS)
    ]


def _chance(made: Sequence[Row]) -> list[Row]:
    """What guessing gives: of two equally frequent labels, one half."""
    parts = [row.part for row in made if row.measure == STAGE_1]
    return [*(Row(STAGE_1, CHANCE, part, 0.5) for part in parts), Row(AUC, CHANCE, "", 0.5)]
