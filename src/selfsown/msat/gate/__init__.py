"""MsAT, quality control: nothing is trained on tasks or word problems unless every expectation over them holds.

tasks, problems -> Data Docs. Every equation is worked out again and must give its answer; the step histogram of the
tasks is held against the closed form, their distractors and letters against the rates asked for, and no task, no
equation with its values and no group of problems may stand on two splits. What published folds share is counted.
"""

from __future__ import annotations

import pandas as pd

from selfsown import quality
from selfsown.msat.gate import suites as suites
from selfsown.msat.tasks.equations import STEPS, mean_steps, step_mix
from selfsown.params import Params
from selfsown.products import read_product
from selfsown.stage import In, Metrics, Out, StageParams, stage


class ExpectationParams(Params):
    """Thresholds of the suites, one section per product."""

    tasks: suites.TaskLimits
    problems: suites.ProblemLimits


class GateParams(StageParams):
    """Section `msat.gate`."""

    expect: ExpectationParams


@stage(tracked=True)
def gate(params: GateParams, *, difficulty: str, tasks: In, problems: In, report: Out) -> Metrics:
    """Check tasks and word problems; `difficulty` is the mean number of steps that was asked for.

    Raises:
        GateError: an expectation failed; `report` says which, and shows rows.
    """
    made = suites.problem_frame(read_product(tasks))
    found = suites.problem_frame(read_product(problems))
    expected = dict(zip(STEPS, step_mix(len(made), mean_steps(difficulty)), strict=True))
    quality.check(
        {"tasks": made, "problems": found},
        {
            "tasks": suites.tasks(params.expect.tasks, expected, len(made)),
            "problems": suites.problems(params.expect.problems),
        },
        report,
    )
    return {
        **{f"tasks_{split}": int(count) for split, count in made["split"].value_counts().sort_index().items()},
        **{f"tasks_{steps}_steps": int((made["steps"] == steps).sum()) for steps in STEPS},
        "mean_steps": float(made["steps"].mean()),
        "distractor_rate": float(made["distractors"].mean()),
        "letter_rate": float(made["letters"].mean()),
        "largest_number": float(made["largest"].max()),
        **{f"problems_{split}": int(count) for split, count in found["split"].value_counts().sort_index().items()},
        "problems_groups": int(found["group"].nunique()),
        **shared_by_folds(found),
    }


def shared_by_folds(rows: pd.DataFrame) -> dict[str, float]:
    """Of each set with published folds, the share of problems with a near-duplicate in another fold.

    The folds stay as they are published, so this is told and not forbidden: so much of a test fold was trained on,
    other numbers aside.
    """
    folded = rows[rows["fold"] >= 0]
    folds = folded.groupby(["source", "group"])["fold"].transform("nunique")
    shares = (folds > 1).groupby(folded["source"]).mean()
    return {f"problems_{source}_shared_by_folds": float(share) for source, share in shares.items()}
