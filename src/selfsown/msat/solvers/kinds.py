"""The two solvers by their kind, and how a trained one is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from selfsown.errors import UserError
from selfsown.msat.solvers.backbone import Backbone, read_config
from selfsown.msat.solvers.dag import DagSolver
from selfsown.msat.solvers.seq2seq import Seq2SeqSolver

SOLVERS: Mapping[str, type[Backbone]] = {"seq2seq": Seq2SeqSolver, "dag": DagSolver}


def solver_class(kind: str) -> type[Backbone]:
    """The class of a solver's kind.

    Raises:
        UserError: there is no such kind.
    """
    if kind not in SOLVERS:
        raise UserError(f"params.yaml: msat.matrix.solvers: {kind!r} is not allowed: {' or '.join(SOLVERS)}")
    return SOLVERS[kind]


def load_solver(folder: Path, encoder_dropout: float | None = None) -> Backbone:
    """The solver of a folder, whichever kind it is.

    Raises:
        UserError: not a whole solver's folder.
    """
    return solver_class(read_config(folder).kind).load(folder, encoder_dropout=encoder_dropout)
