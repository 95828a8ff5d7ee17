"""Answer accuracy of every solver, with and without the arithmetic, on the same problems (sections 4.2 and 4.3).

Input: the answers of each trained solver. Output: flat metrics with 95 % bootstrap intervals, paired differences to
`scratch`, what the training rows' most frequent program would answer (`majority`), plots, samples; the two solvers
registered. Intervals are over groups of near-duplicate problems, which are right or wrong together: over single
problems they would be too narrow. Keys without suffix are of the first representation, difficulty and problem set in
the matrix; the others carry theirs, and `mean_of_sets` the plain mean over several sets: the one figure that says
whether the arithmetic helps, of each solver and, without a solver's name, of both.
"""

from __future__ import annotations

import itertools
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pydantic import ConfigDict

from selfsown import study, tracking
from selfsown.bootstrap import mean_rate_difference, rate
from selfsown.errors import UserError
from selfsown.msat.variants import TASKS, Matrix, Variant, parse_set
from selfsown.shards import read_product, write_json
from selfsown.stage import ComparisonParams, In, Metrics, Out, stage

REGISTERED = {"seq2seq": "selfsown-msat-seq2seq", "dag": "selfsown-msat-dag"}
LOADER = "selfsown.msat.solver:serve"
BASELINE = "scratch"
OPERATOR_NAMES = {"+": "add", "-": "subtract", "*": "multiply", "/": "divide"}
EXAMPLE = "A box holds 12 pens. How many pens do 7 boxes hold?"


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
def evaluate(params: EvaluateParams, *, answers: In, problems: In, models: In, plots: Out) -> Metrics:
    """Compare the solvers' answers; register the solvers."""
    matrix = Matrix.of(params.model_dump())
    frames = {variant: read_product(answers / variant.name).to_pandas() for variant in matrix.variants()}
    metrics, bars = measure(frames, matrix)
    samples = _samples(frames, params.samples)
    for name, rows in {"accuracy": bars, "dev": _dev_curves(models, matrix), "samples": samples}.items():
        write_json(plots / f"{name}.json", rows)
    tracking.log_artifact(plots, "plots")
    for solver in params.solvers:
        _register(solver, params, frames, metrics, models, problems)
    return metrics


def measure(frames: Mapping[Variant, pd.DataFrame], matrix: Matrix) -> tuple[dict[str, float], list[dict[str, object]]]:
    """All metrics and the bars of their plot; `correct` may be a mean over seeds.

    Folds of one source are joined, since each of its problems is tested in one of them; each fold, and the plain mean
    over folds that papers report, has its figure beside that.
    """
    metrics: dict[str, float] = {}
    bars: list[dict[str, object]] = []
    joined: dict[tuple[Variant, str], pd.DataFrame] = {}
    gains: dict[str, dict[str, list[Paired]]] = {}  # by key, then by set
    first = (matrix.solvers[0], matrix.representations[0], matrix.difficulties[0], matrix.arms[0])
    for (variant, source), group in itertools.groupby(
        sorted(frames, key=_by_source), key=lambda found: (found._replace(problem_set=""), _source(found))
    ):
        members = list(group)
        joined[members[0], source] = pd.concat([frames[member] for member in members])
        key = f"mwp_accuracy_{variant.solver}_{variant.arm}{matrix.suffix(members[0])}"
        for member in members:
            if (fold := parse_set(member.problem_set).fold) is not None:
                metrics |= _rate(f"{key}_fold{fold}", _plain(frames[member]))
        if len(members) > 1:
            folds = [float(_plain(frames[member])["correct"].mean()) for member in members]
            metrics[f"{key}_mean_of_folds"] = float(np.mean(folds))
    for (variant, source), frame in joined.items():
        suffix = matrix.suffix(variant)
        if variant.problem_set == TASKS:
            arm = "" if variant.arm == matrix.pretraining[0] else f"_{variant.arm}"
            key = f"msat_accuracy_{variant.solver}{arm}{suffix}"
        else:
            key = f"mwp_accuracy_{variant.solver}_{variant.arm}{suffix}"
        metrics |= _rates(key, frame)
        values = {name: metrics[f"{key}{end}"] for name, end in ENDS.items()}
        bars.append({"split": source, "arm": variant.pretrained, **values})
        baseline = joined.get((variant._replace(arm=BASELINE), source))
        if baseline is not None and variant.arm != BASELINE and variant.problem_set != TASKS:
            key = f"mwp_gain_{variant.solver}_{variant.arm}{suffix}"
            pairs = _pairs(key, frame, baseline)
            for end, pair in pairs.items():
                metrics |= _gain(f"{key}{end}", [pair])
            own = matrix.suffix(variant._replace(problem_set=TASKS))
            for whole in (f"mwp_gain_{variant.solver}_{variant.arm}{own}", f"mwp_gain_{variant.arm}{own}"):
                gains.setdefault(whole, {}).setdefault(source, []).append(pairs[""])
        if variant[:4] == first and variant.problem_set != TASKS:  # the same of every solver
            metrics |= _rates(f"mwp_accuracy_majority{suffix}", frame.assign(correct=frame["majority"]))
    for key, by_set in gains.items():
        if len(by_set) > 1:  # solvers are asked the same problems: averaged on each before any is resampled
            metrics |= _gain(f"{key}_mean_of_sets", [np.mean(of_solvers, axis=0) for of_solvers in by_set.values()])
    return metrics, bars


ENDS = {"accuracy": "", "lo": "_lo", "hi": "_hi"}


KEYS = ("id", "group", "problem_set", "enlarged", "steps", "operators")
COUNTS = ("correct", "majority")


def per_item(answers: Path, parameters: Mapping[str, Any]) -> dict[str, pa.Table]:
    """What is kept of one seed of a study: `KEYS` and `COUNTS` of each variant that the `parameters` have."""
    variants = Matrix.of(parameters["msat"]["matrix"]).variants()
    return {each.name: read_product(answers / each.name, [*KEYS, *COUNTS]) for each in variants}


def fold(files: Sequence[Path], parameters: Mapping[str, Any]) -> dict[str, object]:
    """Seeds kept by `per_item` as one result, as `selfsown.study.fold` says; `parameters`: all of `params.yaml`."""
    matrix = Matrix.of(parameters["msat"]["matrix"])

    def measured(frames: Mapping[str, pd.DataFrame]) -> dict[str, float]:
        return measure({variant: frames[variant.name] for variant in matrix.variants()}, matrix)[0]

    return study.fold(files, KEYS, COUNTS, measured)


def _source(variant: Variant) -> str:
    return parse_set(variant.problem_set).source


def _by_source(variant: Variant) -> tuple[object, ...]:
    return (*variant[:4], _source(variant), variant.problem_set)


def _plain(frame: pd.DataFrame) -> pd.DataFrame:
    return frame[~frame["enlarged"]]


def _by_group(frame: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Right answers and problems of each group, groups in order."""
    groups = frame.groupby("group")["correct"].agg(["sum", "count"])
    return groups["sum"].to_numpy(dtype=float), groups["count"].to_numpy(dtype=float)


def _rates(key: str, frame: pd.DataFrame) -> dict[str, float]:
    """Accuracy: all, with larger numbers, by number of steps, by operator in the gold program."""
    plain = _plain(frame)
    parts = {"": plain, "_enlarged": frame[frame["enlarged"]]}
    parts |= {f"_steps{steps}": plain[plain["steps"] == steps] for steps in sorted(set(plain["steps"]))}
    for operator, name in OPERATOR_NAMES.items():
        parts[f"_{name}"] = plain[plain["operators"].str.contains(operator, regex=False)]
    metrics: dict[str, float] = {}
    for end, part in parts.items():
        if not part.empty:
            metrics |= _rate(f"{key}{end}", part)
    return metrics


def _rate(key: str, rows: pd.DataFrame) -> dict[str, float]:
    """Accuracy with its interval and the number of problems."""
    return rate(*_by_group(rows))._replace(n=len(rows)).flat(key)


Paired = Sequence[np.ndarray]
"""Right answers, the baseline's right answers, and problems of each group, groups in order."""


def _pairs(key: str, frame: pd.DataFrame, baseline: pd.DataFrame) -> dict[str, Paired]:
    """Both on the same problems, by the end of their key: all, and with larger numbers if there are any.

    Raises:
        UserError: the two answered different problems.
    """
    pairs: dict[str, Paired] = {}
    for end, enlarged in (("", False), ("_enlarged", True)):
        ours, theirs = (part[part["enlarged"] == enlarged] for part in (frame, baseline))
        if sorted(ours["id"]) != sorted(theirs["id"]):
            raise UserError(f"{key}: other problems than {BASELINE}; run `dvc repro` again")
        if len(ours):
            (right, asked), (baseline_right, _) = _by_group(ours), _by_group(theirs)
            pairs[end] = (right, baseline_right, asked)
    return pairs


def _gain(key: str, sets: Sequence[Paired]) -> dict[str, float]:
    """Accuracy above the baseline's, the mean over sets, with its interval and the number of problems."""
    asked = sum(int(units.sum()) for _, _, units in sets)
    return mean_rate_difference(sets)._replace(n=asked).flat(key)


def _samples(frames: Mapping[Variant, pd.DataFrame], count: int) -> list[dict[str, object]]:
    """The first wrong and the first right answers of each solver."""
    columns = ["id", "question", "numbers", "gold", "gold_answer", "program", "answer", "reason"]
    samples: list[dict[str, object]] = []
    for variant, frame in frames.items():
        for kind, part in (("wrong", frame[frame["correct"] == 0]), ("right", frame[frame["correct"] == 1])):
            chosen = part.head(count)[columns].assign(numbers=lambda rows: rows["numbers"].str.join(" "))
            for row in chosen.to_dict("records"):
                samples.append({"variant": variant.name, "kind": kind, **{str(name): row[name] for name in row}})
    return samples


def _dev_curves(models: Path, matrix: Matrix) -> list[dict[str, object]]:
    """Dev accuracy by step, as training left it."""
    curves: list[dict[str, object]] = []
    for variant in matrix.variants():
        phase, name = ("pretrain", variant.pretrained) if variant.problem_set == TASKS else ("finetune", variant.name)
        for point in json.loads((models / phase / name / "training.json").read_text()):
            curves.append({"phase": phase, "arm": name, **point})
    return curves


def _register(
    solver: str,
    params: EvaluateParams,
    frames: Mapping[Variant, pd.DataFrame],
    metrics: Mapping[str, float],
    models: Path,
    problems: Path,
) -> None:
    """Register a solver of the main variant, with the per-problem errors that `promote` compares.

    The baseline that a first champion must beat is `scratch`, or without that arm a solver with no right answer.
    """
    chosen = Variant(
        solver, params.representations[0], params.difficulties[0], params.registered, params.sets[0]
    )  # fmt: skip
    folder = models / "finetune" / chosen.name
    rows = _plain(frames[chosen])
    right, asked = _by_group(rows)
    untaught = frames.get(chosen._replace(arm=BASELINE))
    baseline_right = 0 * right if untaught is None else _by_group(_plain(untaught))[0]
    tracking.log_model(
        REGISTERED[solver],
        folder,
        task="math-word-problem",
        loader=LOADER,
        input_example=[EXAMPLE],
        signature=tracking.signature([EXAMPLE], ["84"]),
        card=_card(chosen, metrics),
        metrics={key: value for key, value in metrics.items() if f"_{solver}" in key},
    )
    tracking.log_gate(
        REGISTERED[solver],
        folder,
        metric="error_rate",
        evaluation=problems,
        ids=sorted(set(rows["group"])),
        errors=(asked - right).tolist(),
        baseline=(asked - baseline_right).tolist(),
        units=asked.tolist(),
        candidate=True,
    )


def _card(variant: Variant, metrics: Mapping[str, float]) -> str:
    """The model card, Markdown."""

    def row(key: str) -> str:
        if key not in metrics:
            return "not measured |"
        return f"{metrics[key]:.3f} | {metrics[f'{key}_lo']:.3f} to {metrics[f'{key}_hi']:.3f}"

    own = f"mwp_accuracy_{variant.solver}_{variant.arm}"
    return f"""---
language: [en]
tags: [math-word-problems, {variant.solver}]
---
# Math word problem solver ({variant.solver}), {variant.arm}

Reads a question with its numbers as {variant.representation}, writes a program over them, and the program is evaluated
exactly (MsAT, arXiv 2306.01707). Trained on made arithmetic, then on {variant.problem_set}.

| executed answers | accuracy | 95 % interval |
|---|---|---|
| {variant.problem_set}, test | {row(own)} |
| the same with larger numbers | {row(f"{own}_enlarged")} |
| without the arithmetic | {row(f"mwp_accuracy_{variant.solver}_{BASELINE}")} |

It gives an answer to most questions with two numbers, right or wrong; nothing says how sure it is.
"""
