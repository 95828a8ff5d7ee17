"""The one wrapper around every stage: typed parameters, seeds, the MLflow run, the metrics file, the launcher.

A stage is a function of files in `selfsown/<pipeline>/<stage>.py`:

    @stage()
    def train(params: TrainParams, *, arm: str, speech: In, model: Out) -> Metrics: ...

Its parameters are the section `<pipeline>.<stage>` of `params.yaml`; its paths come from the command line, so from
`dvc.yaml`. What it returns is logged to its run and written to `--metrics`, when given.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import json
import os
import random
import sys
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Self

import numpy as np
from pydantic import model_validator

from selfsown import tracking
from selfsown.errors import UserError
from selfsown.params import Params, load_params
from selfsown.settings import settings
from selfsown.shards import clear_temporaries, identity_digest, read_card, write_atomic
from selfsown.sources.tree import file_sha256, tree_sha256
from selfsown.workers import die_with_parent

In = Annotated[Path, "in"]
Out = Annotated[Path, "out"]
Metrics = Mapping[str, float]


class StageParams(Params):
    """Base of a stage's parameters."""


class ComparisonParams(StageParams):
    """Base of what compares the trained models of a matrix: its `arms`, and the one to register."""

    arms: tuple[str, ...]
    registered: str

    @model_validator(mode="after")
    def _registered_is_an_arm(self) -> Self:
        if self.registered not in self.arms:
            raise ValueError(f"registered: {self.registered!r} is no arm of the matrix: {', '.join(self.arms)}")
        return self


@dataclass(frozen=True)
class Stage:
    """A stage function and what its signature says about it."""

    function: Callable[..., Metrics | None]
    tracked: bool
    distributed: bool

    @property
    def name(self) -> str:
        """`<pipeline>.<stage>`, from the module the function stands in."""
        return self.function.__module__.removeprefix("selfsown.")

    @cached_property
    def hints(self) -> dict[str, Any]:
        """Annotations of the function's arguments, `Annotated` kept."""
        return typing.get_type_hints(self.function, include_extras=True)

    @property
    def params_model(self) -> type[StageParams]:
        """The model of the first argument."""
        model: type[StageParams] = self.hints["params"]
        return model

    @property
    def arguments(self) -> dict[str, inspect.Parameter]:
        """The keyword-only arguments: paths, and the values of a DVC matrix."""
        parameters = inspect.signature(self.function).parameters
        return {name: p for name, p in parameters.items() if p.kind is inspect.Parameter.KEYWORD_ONLY}

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the arguments annotated `In`."""
        return tuple(name for name in self.arguments if "in" in _marks(self.hints[name]))

    @property
    def outputs(self) -> tuple[str, ...]:
        """Names of the arguments annotated `Out`."""
        return tuple(name for name in self.arguments if "out" in _marks(self.hints[name]))

    def __call__(self, params: StageParams, **arguments: Any) -> Metrics:
        """The bare function, for tests and notebooks."""
        return self.function(params, **arguments) or {}


def _marks(hint: Any) -> tuple[Any, ...]:
    """The metadata of an `Annotated`, also inside `In | None`."""
    return tuple(mark for part in (hint, *typing.get_args(hint)) for mark in getattr(part, "__metadata__", ()))


def stage(*, tracked: bool = False, distributed: bool = False) -> Callable[[Callable[..., Metrics | None]], Stage]:
    """Declare a stage.

    Args:
        tracked: the stage trains or measures, so it gets an MLflow run.
        distributed: the stage may re-execute itself under the launcher the settings name.
    """
    return lambda function: Stage(function, tracked, distributed)


def load_stage(name: str) -> Stage:
    """Import `selfsown.<pipeline>.<stage>` and return the stage of that name in it.

    The garbage collector passes over what is imported: torch and transformers are a million objects that live to the
    end, and looking through them costs 3 s while they load and 2 s at exit.
    """
    gc.disable()
    try:
        module = importlib.import_module(f"selfsown.{name}")
    finally:
        gc.enable()
    gc.freeze()
    found = getattr(module, name.rpartition(".")[2])
    if not isinstance(found, Stage):
        raise TypeError(f"selfsown.{name}: no @stage function named {name.rpartition('.')[2]!r}")
    return found


def run_stage(declared: Stage, arguments: Mapping[str, Any], metrics_file: Path | None = None) -> Metrics:
    """Run a stage as DVC does: parameters from `params.yaml`, everything else from the command line.

    Raises:
        UserError: bad parameters or inputs, before any work is done.
    """
    params = load_params(declared.name, declared.params_model)
    inputs = {name: Path(arguments[name]) for name in declared.inputs if arguments.get(name) is not None}
    for name, path in inputs.items():
        if not path.exists():
            raise UserError(f"--{name} {path}: does not exist; `dvc repro` makes it")
    if declared.distributed:
        _relaunch()
    _seed(getattr(params, "seed", getattr(params, "data_seed", 0)))
    # A stage of a matrix is called after the folder it fills, which has all the matrix's words in its name.
    varied = arguments.keys() - {*declared.inputs, *declared.outputs}
    run_name = f"{declared.name}@{arguments[declared.outputs[0]].name}" if varied else declared.name
    fingerprint = identity_digest({"params": params.model_dump(), "inputs": input_digests(inputs), "run": run_name})
    with tracking.run(
        run_name,
        experiment=declared.name.partition(".")[0],
        params=params.model_dump(mode="json"),
        inputs=inputs,
        fingerprint=fingerprint,
        enabled=declared.tracked and settings().tracking and is_main_process(),
    ):
        metrics = declared(params, **arguments)
        tracking.log_metrics(metrics)
    if metrics_file is not None and is_main_process():
        metrics_file.parent.mkdir(parents=True, exist_ok=True)
        clear_temporaries(metrics_file.parent, metrics_file.name)
        write_atomic(metrics_file, json.dumps(metrics, indent=2, sort_keys=True).encode() + b"\n")
    return metrics


def input_digests(inputs: Mapping[str, Path]) -> dict[str, str]:
    """What each input holds: the digest of a product's card, else of the folder's files or the file."""
    return {
        name: read_card(path).digest
        if (path / "card.json").is_file()
        else (tree_sha256(path) if path.is_dir() else file_sha256(path))
        for name, path in inputs.items()
    }


def is_main_process() -> bool:
    """False in the ranks above 0 of a distributed run."""
    return os.environ.get("RANK", "0") == "0"


def launched() -> bool:
    """True in the processes that a launcher started."""
    return "LOCAL_RANK" in os.environ


def process_count() -> int:
    """Processes that train together: what the launcher says, 1 without one."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def _relaunch() -> None:
    """Replace this process by the same command under the launcher, unless it is already there."""
    launcher = settings().launcher
    if launched():
        die_with_parent()
        return
    if launcher == "none":
        return
    count = str(settings().nproc)
    flags = {
        "torchrun": ["--standalone", "--nproc-per-node", count],
        "deepspeed": ["--num_gpus", count, "--no_local_rank"],
    }[launcher]
    if settings().device == "cpu":
        os.environ["DS_ACCELERATOR"] = "cpu"
    program = str(Path(sys.executable).with_name(launcher))
    os.execv(program, [program, *flags, "--module", "selfsown", *sys.argv[1:]])  # noqa: S606 - our own argv


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
