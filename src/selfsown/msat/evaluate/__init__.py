"""Answer accuracy of every solver, with and without the arithmetic, on the same problems (sections 4.2 and 4.3).

Input: the answers of each trained solver. Output: rows of figures, the items behind them, plots; solvers registered.
Intervals are over groups of near-duplicates, which are right or wrong together. A part is a set of problems, or the
plain mean over several, `mean_of_sets`, of each solver and, as the arm without a solver's name, of both. Measures that
end in `as_written` are over the numbers that the solver wrote, as its authors score it; the others over the question's.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import pandas as pd
from pydantic import ConfigDict

from selfsown import evaluation
from selfsown.arithmetic import members, parse_set
from selfsown.evaluation import ComparisonParams, Evaluation, Row
from selfsown.msat.evaluate.gains import by_set, gains, over_runs, plain, right
from selfsown.msat.evaluate.matrix import TASKS, Combination, Matrix
from selfsown.products import read_product
from selfsown.stage import In, Metrics, Out, stage

OPERATORS = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
MOST_STEPS = 5  # problems of more are counted with those of so many
SAMPLED = ("id", "question", "numbers", "gold", "gold_answer", "program", "answer", "reason")
CARD = """# Math word problem solver ({solver}), {arm}

Reads a question with its numbers as {representation}, writes a program over them, and the program is evaluated exactly
(MsAT, arXiv 2306.01707). Trained on made arithmetic, then on {learnt}. It gives an answer to most questions with
two numbers, right or wrong; nothing says how sure it is."""


class EvaluateParams(ComparisonParams):
    """The lists are the matrix's; `registered`: the arm to register; `samples`: how many are kept of each kind."""

    model_config = ConfigDict(coerce_numbers_to_str=True)

    solvers: tuple[str, ...]
    representations: tuple[str, ...]
    difficulties: tuple[str, ...]
    pretraining: tuple[str, ...]
    sets: tuple[str, ...]
    samples: int


@stage(tracked=True)
def evaluate(
    params: EvaluateParams, *, answers: In, problems: In, models: In, rows: Out, items: Out, plots: Out
) -> Metrics:
    """Compare the solvers' answers; register the solvers."""
    matrix = Matrix.of(params.model_dump())
    frames = {each.name: read_product(answers / each.name).to_pandas() for each in matrix.combinations()}
    EVALUATION.write_items(frames, items)
    section = {"matrix": matrix._asdict()}
    measured = [*measure(frames, section), *over_runs([frames], section)]
    samples = []
    for name, frame in frames.items():
        kinds = {kind: frame[frame["correct"] == x].head(params.samples) for x, kind in enumerate(("wrong", "right"))}
        samples += evaluation.samples(kinds, SAMPLED, combination=name)
    curves = evaluation.dev_curves({each.name: models / each.folder for each in matrix.combinations()})
    bars = evaluation.bars(measured, "msat_accuracy", "mwp_accuracy")
    evaluation.write_plots(plots, accuracy=bars, dev=curves, samples=samples)
    headline = {}
    marked: list[dict[str, object]] = []
    for solver in params.solvers:
        chosen = Combination(solver, *matrix.first[1:3], arm=params.registered, problem_set=params.sets[0])
        asked = plain(frames[chosen.name])
        arm, counts = matrix.place(chosen)[0], right(asked)
        parts = [(arm, each.part) for each in chosen.alone()]
        figures = [row for row in measured if row[1:3] in ((solver, TASKS), *parts)]
        marked += evaluation.register(
            f"selfsown-msat-{solver}",
            models / chosen.folder,
            counts=counts.others(),
            baseline=right(asked, "majority").others(),
            baseline_name="the most frequent program",
            metric="error_rate",
            evaluation=problems,
            rows=figures,
            about=CARD.format(**chosen._asdict(), learnt=" and ".join(members(chosen.problem_set))),
            header={"language": ["en"], "tags": ["math-word-problems", solver]},
            example=["A box holds 12 pens. How many pens do 7 boxes hold?"],
            output=["84"],
            task="math-word-problem",
            loader="selfsown.msat.commands.solve:serve",
        )
        headline[f"msat_accuracy_{solver}"] = ("msat_accuracy", solver, TASKS)
        headline[f"mwp_accuracy_{arm}"] = ("mwp_accuracy", arm, chosen.part)
    evaluation.write_plots(plots, contaminated=marked)
    return evaluation.write_rows(measured, headline, rows)


def measure(frames: Mapping[str, pd.DataFrame], section: Mapping[str, Any]) -> list[Row]:
    """All figures; `correct` may be a mean over seeds.

    Folds of one source are joined, since each of its problems is tested in one of them; each fold, and the plain mean
    over folds that papers report, has its figure beside that.
    """
    matrix = Matrix.of(section["matrix"])
    frames = by_set(frames, matrix)
    measured: list[Row] = []
    joined: dict[Combination, pd.DataFrame] = {}
    for whole, folds in matrix.by_part().items():
        arm, measure = matrix.place(whole)
        joined[whole] = rows = pd.concat([frames[fold.name] for fold in folds])
        for score, column in whole.scores(rows).items():
            measured += _accuracies(measure, arm, whole.part, rows.assign(correct=rows[column]), score)
        parts = {fold: plain(frames[fold.name]) for fold in folds}
        numbered = {parse_set(fold.problem_set).fold: rows for fold, rows in parts.items()}
        measured += [right(x).rate(f"{measure}_fold{k}", arm, whole.part) for k, x in numbered.items() if k is not None]
        if len(parts) > 1:
            of_folds = [frame["correct"].mean() for frame in parts.values()]
            measured.append(Row(f"{measure}_mean_of_folds", arm, whole.part, float(np.mean(of_folds))))
        if whole[:4] == matrix.first and whole.problem_set != TASKS:  # the same of every solver
            measured += _accuracies(measure, "majority", whole.part, rows.assign(correct=rows["majority"]))
    return [*measured, *gains(joined, matrix)]


KEYS = ("id", "group", "problem_set", "enlarged", "steps", "operators")
EVALUATION = Evaluation(KEYS, ("correct", "as_written", "majority"), measure, over_runs)


def _accuracies(measure: str, arm: str, part: str, frame: pd.DataFrame, score: str = "") -> Iterator[Row]:
    """Accuracy: all, with larger numbers, and, over the question's own, by steps and operators of the gold program."""
    asked = plain(frame)
    steps, signs = asked["steps"].clip(upper=MOST_STEPS), asked["operators"]
    chosen = {score: asked, f"_enlarged{score}": frame[frame["enlarged"]]}
    if not score:
        chosen |= {f"_steps{count}": asked[steps == count] for count in sorted(set(steps) - {0})}
        chosen |= {f"_{name}": asked[signs.str.contains(sign, regex=False)] for sign, name in OPERATORS.items()}
    yield from (right(rows).rate(f"{measure}{end}", arm, part) for end, rows in chosen.items() if not rows.empty)
