"""Several seeds of one pipeline as one result: what was counted on each test item, averaged over seeds, then measured.

Intervals of the mean then cover the choice of test items and, by the average, a set of training runs; the spread over
seeds stands beside them. A seed is kept as the items that its evaluation wrote, beside a mark that says which commit
made them, from which code and with which parameters: seeds of different code or parameters are no study.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from importlib import import_module
from itertools import takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from selfsown import closure
from selfsown.errors import UserError
from selfsown.evaluation import ARM, Evaluation
from selfsown.files import write_atomic, write_json
from selfsown.params import PIPELINE_KEYS, TOP_LEVEL, Params, read_yaml, stage_files
from selfsown.project import root


class Mark(Params):
    """What made a seed; `parameters`: those that its pipeline reads, and `composed_from`, but for the seed."""

    commit: str
    code: str
    parameters: dict[str, Any]


def keep(pipeline: str, out: Path) -> None:
    """Keep the items that the pipeline's evaluation wrote here, as one seed of a study, with its mark beside them.

    Raises:
        UserError: the evaluation has not run, or its code is not that of a commit.
    """
    items = root() / "data" / pipeline / "items.parquet"
    if not items.is_file():
        raise UserError(f"{items}: not there; `dvc repro pipelines/{pipeline}/dvc.yaml` makes it")
    if changed := _git("status", "--porcelain", "--", "src", "conf", "pipelines/*/dvc.yaml"):
        raise UserError(f"not committed: {changed.split()[-1]}; a seed names the commit that made it")
    mark = Mark(commit=_git("rev-parse", "HEAD"), code=code(pipeline), parameters=_parameters(pipeline))
    out.parent.mkdir(parents=True, exist_ok=True)
    write_json(out.with_suffix(".json"), mark.model_dump())
    write_atomic(out, items.read_bytes())  # last: a seed that is there is whole


def _git(*arguments: str) -> str:
    """What git says about the project.

    Raises:
        UserError: it says no, such as in a tree without git.
    """
    try:
        done = subprocess.run(["git", *arguments], check=True, capture_output=True, text=True, cwd=root())
    except subprocess.CalledProcessError as error:
        raise UserError(f"git {arguments[0]}: {error.stderr.strip()}; a seed names the commit that made it") from None
    return done.stdout.strip()


def code(pipeline: str) -> str:
    """Sha256 over the source files of the pipeline's stages, and of those in other pipelines that they build on."""
    files = stage_files()
    return sha256("".join(closure.digest(files[name]) for name in _stages(pipeline)).encode()).hexdigest()


def _parameters(pipeline: str) -> dict[str, Any]:
    """Of a pipeline its whole section, of others the sections of the stages that it builds on."""
    active = read_yaml(root() / "params.yaml")
    kept = {key: active[key] for key in TOP_LEVEL if key in active and key != "seed"}
    for name in _stages(pipeline):
        of, _, stage = name.partition(".")
        read = {key: value for key, value in active[of].items() if of == pipeline or key in (stage, *PIPELINE_KEYS)}
        kept[of] = {**kept.get(of, {}), **read}
    return kept


def _stages(pipeline: str) -> list[str]:
    """Names of the pipeline's stages, and of those in other pipelines that they build on."""
    stages = [
        (path.parent.name, stage.get("do", stage))  # "do": of a `foreach`
        for path in sorted(root().glob("pipelines/*/dvc.yaml"))
        for stage in read_yaml(path)["stages"].values()
    ]
    known: list[dict[str, Any]] = []
    ahead = [stage for of, stage in stages if of == pipeline]
    while ahead:
        known += ahead
        needed = {path for stage in ahead for path in _paths(stage, "deps")}
        ahead = [
            stage
            for _, stage in stages
            if stage not in known
            and any(a in (b, *b.parents) or b in a.parents for a in needed for b in _paths(stage, "outs", "metrics"))
        ]
    return sorted({shlex.split(stage["cmd"])[1] for stage in known})


def _paths(stage: Mapping[str, Any], *kinds: str) -> Iterator[Path]:
    """Paths in a stage of `dvc.yaml`; of one that a matrix makes, the folders above what it fills in."""
    for entry in (entry for kind in kinds for entry in stage.get(kind, ())):
        parts = Path(entry if isinstance(entry, str) else next(iter(entry))).parts
        yield Path(*takewhile(lambda part: "${" not in part, parts))


def merge(pipeline: str, out: Path, files: Sequence[Path]) -> None:
    """Write kept seeds as one result: a row for each figure of their mean, with its value in each seed.

    Raises:
        UserError: a seed without a mark or of another pipeline, or seeds of different code, parameters or items.
    """
    marks = [_mark(file) for file in files]
    for file, mark in zip(files, marks, strict=True):
        for what in ("code", "parameters"):
            if getattr(mark, what) != getattr(marks[0], what):
                raise UserError(
                    f"{file}: of other {what} (commit {mark.commit[:8]}) than {files[0]} ({marks[0].commit[:8]}): "
                    "no mean is taken over them"
                )
    if pipeline not in marks[0].parameters:
        others = ", ".join(marks[0].parameters)
        raise UserError(f"{files[0]}: no seed of {pipeline}: its parameters are of {others}")
    evaluation: Evaluation = import_module(f"selfsown.{pipeline}.evaluate").EVALUATION
    rows = average(files, evaluation, marks[0].parameters[pipeline])
    about = {"commits": list(dict.fromkeys(mark.commit for mark in marks)), "seeds": [file.stem for file in files]}
    write_json(out, {**about, "code": marks[0].code, "parameters": marks[0].parameters, "rows": rows})


def _mark(file: Path) -> Mark:
    path = file.with_suffix(".json")
    if not path.is_file():
        raise UserError(f"{path}: not there: nothing says which commit made {file.name}")
    return Mark.model_validate_json(path.read_bytes())


def average(files: Sequence[Path], evaluation: Evaluation, section: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Rows of the counts averaged over seeds; `seeds`: the value in each, `sd`: their standard deviation, if several.

    Raises:
        UserError: the files are of different arms or items.
    """
    runs = [{str(arm): rows for arm, rows in pd.read_parquet(file).groupby(ARM, sort=False)} for file in files]
    averaged: dict[str, pd.DataFrame] = {}
    for arm in dict.fromkeys(arm for run in runs for arm in run):
        counted = [len(run.get(arm, ())) for run in runs]
        items = pd.concat([run[arm] for run in runs if arm in run])
        known = [name for name in evaluation.counts if name in items]  # what was counted when they were kept
        averaged[arm] = items.groupby(list(evaluation.keys), as_index=False)[known].mean()
        if odd := [file for file, count in zip(files, counted, strict=True) if count != len(averaged[arm])]:
            raise UserError(f"{odd[0]}: the items of {arm!r} are not those of the other seeds: of different studies")
    measured = evaluation.measure(averaged, section)
    over_runs = [row._asdict() for row in (evaluation.over_runs(runs, section) if evaluation.over_runs else ())]
    if len(runs) == 1:
        return [*(row._asdict() for row in measured), *over_runs]
    values = [{row[:3]: row.value for row in evaluation.measure(run, section)} for run in runs]
    seeds = {row[:3]: [run[row[:3]] for run in values] for row in measured}
    spread = [{"seeds": seeds[row[:3]], "sd": float(np.std(seeds[row[:3]], ddof=1))} for row in measured]
    return [*(row._asdict() | of for row, of in zip(measured, spread, strict=True)), *over_runs]
