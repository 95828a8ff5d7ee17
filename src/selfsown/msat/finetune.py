"""A solver learns word problems: everything is trained, the adapters stay where they are (section 4.1).

Input: a solver's folder and the problems. Output: a solver's folder and `training.json`, the validation accuracy by
step. The validation rows are the set's dev split, or a part of its training rows: the test rows are never read.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import Field
from transformers import set_seed

from selfsown.arithmetic import members, parse_set, set_rows
from selfsown.identity import Identity
from selfsown.msat.solvers.kinds import load_solver
from selfsown.msat.training.trainer import TrainingParams, problems_of, run
from selfsown.products import read_product
from selfsown.shards.seeds import chance
from selfsown.stage import In, Metrics, Out, stage
from selfsown.training import finish, work_folder


class FinetuneParams(TrainingParams):
    """`constants`: values that programs may use.

    `validation`: share of the training rows to validate on, where a set has no dev rows; at most `dev_limit` of them.

    `encoder_dropout`: of the encoder, which is trained here.
    """

    constants: tuple[str, ...]
    validation: float = Field(gt=0, lt=1)
    encoder_dropout: float = Field(ge=0, lt=1)


@stage(tracked=True, distributed=True)
def finetune(
    params: FinetuneParams, *, problem_set: str, start: In, problems: In, model: Out, identity: Identity
) -> Metrics:
    """Train one solver on the training rows of a set; a killed run goes on from its last checkpoint."""
    work = work_folder(model, identity)
    set_seed(params.seed)
    solver = load_solver(start, encoder_dropout=params.encoder_dropout)
    solver.replace_constants(params.constants)
    params = params.of_solver(solver.settings.kind, parse_set(members(problem_set)[0]).source)
    train, dev = training_rows(problems, problem_set, params)
    history = run(solver, params, problems_of(train), problems_of(dev), work, "msat.finetune")
    return finish(work, solver.save, history)


def training_rows(
    problems: Path, name: str, params: FinetuneParams
) -> tuple[Sequence[Mapping[str, Any]], Sequence[Mapping[str, Any]]]:
    """Rows to train on and rows to choose the best step by, no group on both sides; none of them is tested."""
    rows = set_rows(read_product(problems), name, test=False).to_pylist()
    if parse_set(name).fold is None and any(row["split"] == "dev" for row in rows):
        chosen = {row["group"] for row in rows if row["split"] == "dev"}
    else:
        groups = Counter(row["group"] for row in rows)
        room = int(params.validation * len(rows))
        room = room if params.dev_limit is None else min(room, params.dev_limit)
        chosen = set()
        for group in sorted(groups, key=lambda group: chance(group, params.seed)):
            if groups[group] <= room:
                room -= groups[group]
                chosen.add(group)
    sides: tuple[list[Any], list[Any]] = ([], [])
    for row in rows:
        sides[row["group"] in chosen].append(row)
    train, dev = sides
    dev.sort(key=lambda row: chance(row["id"], params.seed))  # a limit then takes any, not one corner of the corpus
    return train, dev
