"""What arithmetic first gains over none, and how sure that is: over problems, and over folds and seeds too.

An interval over problems says what other problems would give the solvers that were trained; one over runs, what other
seeds and folds would give too. Solvers are asked the same problems: averaged on each before any is resampled.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from selfsown import evaluation
from selfsown.evaluation import Counts, Row, mean_counts
from selfsown.msat.evaluate.matrix import TASKS, Combination, Matrix

BASELINE = "scratch"
MEAN = "mean_of_sets"
Pair = tuple[Counts, Counts]
"""Right answers with arithmetic first, and without."""


def by_set(frames: Mapping[str, pd.DataFrame], matrix: Matrix) -> dict[str, pd.DataFrame]:
    """The answers of each combination, those to joined sets apart."""
    parted = {}
    for each in matrix.combinations():
        frame, alone = frames[each.name], each.alone()
        for part in alone:
            parted[part.name] = frame[frame["problem_set"] == part.problem_set] if len(alone) > 1 else frame
    return parted


def gains(joined: Mapping[Combination, pd.DataFrame], matrix: Matrix) -> list[Row]:
    """Differences of accuracy to the arm without arithmetic: by solver and part, then over solvers and sets.

    `joined`: the answers of all folds of a combination.
    """
    measured: list[Row] = []
    pairs: dict[str, dict[str, list[Pair]]] = defaultdict(lambda: defaultdict(list))
    for whole, rows in joined.items():
        if not _learnt_more(whole, matrix):
            continue
        arm, part, untaught = matrix.place(whole)[0], whole.part, joined[whole._replace(arm=BASELINE)]
        for end, larger in (("", False), ("_enlarged", True)):
            for score, column in whole.scores(rows).items():
                ours, theirs = (right(frame[frame["enlarged"] == larger], column) for frame in (rows, untaught))
                if ours.n or theirs.n:
                    measured.append(evaluation.difference(f"mwp_gain{end}{score}", arm, part, [(ours, theirs)]))
        for name in (arm, whole.without_solver(arm)):
            pairs[name][part].append((right(plain(rows)), right(plain(untaught))))
    for arm, by_part in pairs.items():
        if len(by_part) > 1 or _several_solvers(by_part):
            sets = [_of_solvers(solvers) for solvers in by_part.values()]
            measured.append(evaluation.difference("mwp_gain", arm, _mean_of(by_part), sets))
    return measured


def over_runs(runs: Sequence[Mapping[str, pd.DataFrame]], section: Mapping[str, Any]) -> list[Row]:
    """The same gains, where more than one run was trained: with intervals over problems, folds and seeds.

    `runs`: the answers of every seed.
    """
    matrix = Matrix.of(section["matrix"])
    runs = [by_set(run, matrix) for run in runs]
    trained: dict[str, dict[str, list[list[list[Pair]]]]] = defaultdict(lambda: defaultdict(list))
    for whole, folds in matrix.by_part().items():
        if not _learnt_more(whole, matrix):
            continue
        arm = matrix.place(whole)[0]
        pairs = [[_pair(run, fold) for run in runs] for fold in folds]
        for name in (arm, whole.without_solver(arm)):
            trained[name][whole.part].append(pairs)
    measured = []
    for arm, by_part in trained.items():
        sets = {
            part: [[_of_solvers(seed) for seed in zip(*fold, strict=True)] for fold in zip(*solvers, strict=True)]
            for part, solvers in by_part.items()
        }
        several = {part: [folds] for part, folds in sets.items() if len(folds) * len(runs) > 1}
        if not several:
            continue
        if arm.startswith(tuple(matrix.solvers)):
            measured += [_over_runs(arm, part, of) for part, of in several.items()]
        if len(sets) > 1 or _several_solvers(by_part):
            measured.append(_over_runs(arm, _mean_of(sets), list(sets.values())))
    return measured


def plain(frame: pd.DataFrame) -> pd.DataFrame:
    """The problems as they are."""
    return frame[~frame["enlarged"]]


def right(frame: pd.DataFrame, column: str = "correct") -> Counts:
    """Right answers by group of near-duplicates, which are right or wrong together."""
    return Counts.of(frame, column, by="group")


def _learnt_more(each: Combination, matrix: Matrix) -> bool:
    return BASELINE in matrix.arms and each.problem_set != TASKS and each.arm != BASELINE


def _pair(run: Mapping[str, pd.DataFrame], each: Combination) -> Pair:
    ours, theirs = (right(plain(run[x.name])) for x in (each, each._replace(arm=BASELINE)))
    return ours, theirs


def _of_solvers(pairs: Sequence[Pair]) -> Pair:
    """Several solvers as one."""
    return mean_counts([ours for ours, _ in pairs]), mean_counts([theirs for _, theirs in pairs])


def _several_solvers(by_part: Mapping[str, Sequence[object]]) -> bool:
    return any(len(solvers) > 1 for solvers in by_part.values())


def _mean_of(by_part: Mapping[str, object]) -> str:
    return MEAN if len(by_part) > 1 else next(iter(by_part))


def _over_runs(arm: str, part: str, sets: list[list[list[Pair]]]) -> Row:
    return evaluation.over_runs("mwp_gain_over_runs", arm, part, sets)
