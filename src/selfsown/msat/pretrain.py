"""A solver learns multi-step arithmetic (section 3.3): the encoder stays as it is, adapters and head are trained.

Input: the encoder and the tasks. Output: a solver's folder and `training.json`, the accuracy on validation tasks by
step; they are training tasks, since the dev split is what a solver is tested on. Arms: `pretrained` (the paper),
`full` (the encoder is trained too), `scratch` (no step at all: the same solver, with the same first weights, for
comparison).
"""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import get_args

import numpy as np
import pyarrow.compute as pc
from transformers import set_seed

from selfsown.errors import UserError
from selfsown.identity import Identity
from selfsown.msat.solvers.adapters import train_adapters_only
from selfsown.msat.solvers.backbone import DagParams, DecoderParams, SolverConfig
from selfsown.msat.solvers.dag import DagSolver
from selfsown.msat.solvers.kinds import solver_class
from selfsown.msat.solvers.representation import Problem, Style
from selfsown.msat.training.trainer import TrainingParams, problems_of, run
from selfsown.params import Params
from selfsown.products import read_product
from selfsown.shards.seeds import chance
from selfsown.stage import In, Metrics, Out, stage
from selfsown.training import finish, planned_batches, work_folder

ARMS = ("pretrained", "full", "scratch")


class EncoderLayers(Params):
    """How many of the encoder's are kept, from the bottom, by kind of solver; null for all of them."""

    seq2seq: int | None
    dag: int | None


class PretrainParams(TrainingParams):
    """`bottleneck`: width of the adapters; `encoder_dropout`: 0 is faster and the frozen encoder needs none.

    Tasks use no constants, so the solver learns none here.
    """

    num_hidden_layers: EncoderLayers
    bottleneck: int
    max_tokens: int
    encoder_dropout: float
    decoder: DecoderParams
    dag: DagParams


@stage(tracked=True, distributed=True)
def pretrain(
    params: PretrainParams,
    *,
    solver: str,
    representation: str,
    arm: str,
    encoder: In,
    tasks: In,
    model: Out,
    identity: Identity,
) -> Metrics:
    """Train one solver on the tasks; a killed run goes on from its last checkpoint."""
    if arm not in ARMS:
        raise UserError(f"params.yaml: msat.matrix.arms: {arm!r} is not allowed: {', '.join(ARMS)}")
    config = solver_config(params, solver, representation)
    params = params.of_solver(config.kind)
    layers = getattr(params.num_hidden_layers, config.kind)
    work = work_folder(model, identity)
    set_seed(params.seed)
    network = solver_class(solver).fresh(config, encoder, layers)
    if arm == "scratch":
        return finish(work, network.save, [])
    if arm == "pretrained":
        train_adapters_only(network.encoder)
    train, dev = task_splits(tasks, params)
    return finish(work, network.save, run(network, params, train, dev, work, "msat.pretrain"))


def solver_config(params: PretrainParams, solver: str, representation: str) -> SolverConfig:
    """The solver that the parameters and the matrix describe.

    Raises:
        UserError: a representation that does not exist, or that the solver has not.
    """
    if representation not in get_args(Style):
        raise UserError(
            f"params.yaml: msat.matrix.representations: {representation!r} is not allowed: {', '.join(get_args(Style))}"
        )
    if (solver_class(solver), representation) == (DagSolver, "prefix"):
        raise UserError("params.yaml: msat.matrix.representations: prefix is of the seq2seq solver: dag writes nothing")
    shared = params.model_dump(include={"bottleneck", "max_tokens", "encoder_dropout", "decoder", "dag"})
    return SolverConfig.model_validate({"kind": solver, "style": representation, "constants": (), **shared})


def task_splits(tasks: Path, params: PretrainParams) -> tuple[list[Problem], list[Problem]]:
    """Tasks to train on, as many as the steps can use, and tasks to validate on; no group (equation) is torn.

    Both are of the training split: the dev split is what accuracy is reported on.

    Raises:
        UserError: no task is left to train on.
    """
    table = read_product(tasks, ["id", "question", "numbers", "equation", "group", "split"])
    rows = table.filter(pc.field("split") == "train").to_pylist()
    rows.sort(key=lambda row: (chance(row["group"], params.seed), row["id"]))
    dev, rest = rows[: params.dev_limit], rows[params.dev_limit :]
    train = [row for row in rest if row["group"] != dev[-1]["group"]]
    if not train:
        raise UserError(
            f"params.yaml: msat.pretrain.dev_limit: {params.dev_limit} takes all {len(rows)} tasks to train on"
        )
    wanted = np.random.default_rng(params.seed).permutation(len(train))[: prod(planned_batches(params.arguments))]
    return problems_of([train[index] for index in wanted]), problems_of(dev)
