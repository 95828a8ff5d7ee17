"""The one wrapper around every stage: typed parameters, seeds, identity, the MLflow run, the metrics file.

A stage is a function of files in `selfsown/<pipeline>/<stage>.py`:

    @stage()
    def train(params: TrainParams, *, arm: str, speech: In, model: Out) -> Metrics: ...

Its parameters are the section `<pipeline>.<stage>` of `params.yaml`; its paths come from the command line, so from
`dvc.yaml`. What it returns is logged to its run and written to `--metrics`, when given. A stage that makes shards or
trains also takes `identity: Identity`, under which killed work goes on; it is worked out once, here.
"""

from __future__ import annotations

import gc
import importlib
import inspect
import json
import random
import sys
import time
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar

import numpy as np

from selfsown import closure, disk, tracking
from selfsown.errors import UserError
from selfsown.files import clear_temporaries, write_atomic
from selfsown.identity import Identity
from selfsown.launcher import is_main_process, relaunch
from selfsown.params import Params, load_params
from selfsown.products import read_card
from selfsown.settings import settings
from selfsown.sources.registry import REGISTRY
from selfsown.sources.tree import file_sha256, tree_sha256
from selfsown.tracking import durations

In = Annotated[Path, "in"]
Out = Annotated[Path, "out"]
Metrics = Mapping[str, float]

IDENTITY = "identity"
"""The argument that `run_stage` gives and no command line."""


class StageParams(Params):
    """Base of a stage's parameters.

    `section`: the name of another stage whose parameters these are, where one does the same with more arguments.
    """

    section: ClassVar[str] = ""


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
    def file(self) -> Path:
        """The source file that the function stands in."""
        return Path(inspect.getfile(self.function))

    @property
    def arguments(self) -> dict[str, inspect.Parameter]:
        """The keyword-only arguments of the command line: paths, and the values of a DVC matrix."""
        return {name: p for name, p in self._keywords.items() if name != IDENTITY}

    @property
    def _keywords(self) -> dict[str, inspect.Parameter]:
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

    def identity(self, params: StageParams, arguments: Mapping[str, Any]) -> Identity:
        """Of a run with these parameters and arguments; reads every input once."""
        given = {name: value for name, value in arguments.items() if value is not None and name in self.arguments}
        inputs = {name: _digest(Path(given[name])) for name in self.inputs if name in given}
        if closure.reads_sources(self.file) and REGISTRY.is_file():
            inputs[str(REGISTRY)] = file_sha256(REGISTRY)
        words = {name: str(value) for name, value in given.items() if name not in (*self.inputs, *self.outputs)}
        return Identity(self.name, params.model_dump(mode="json"), words, inputs, closure.digest(self.file))

    def __call__(self, params: StageParams, *, identity: Identity | None = None, **arguments: Any) -> Metrics:
        """The bare function; without an identity, as in tests and notebooks, it is worked out."""
        if IDENTITY in self._keywords:
            arguments[IDENTITY] = identity or self.identity(params, arguments)
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
    started = time.monotonic()
    params = load_params(declared.name, declared.params_model)
    inputs = {name: Path(arguments[name]) for name in declared.inputs if arguments.get(name) is not None}
    for name, path in inputs.items():
        if not path.exists():
            raise UserError(f"--{name} {path}: does not exist; `dvc repro` makes it")
    if declared.distributed:
        relaunch()
    _seed(getattr(params, "seed", getattr(params, "data_seed", 0)))
    # A stage of a matrix is called after the folder it fills, which has all the matrix's words in its name.
    identity = declared.identity(params, arguments)
    run_name = f"{declared.name}@{arguments[declared.outputs[0]].name}" if identity.arguments else declared.name
    with tracking.run(
        run_name,
        experiment=declared.name.partition(".")[0],
        params=identity.params,
        inputs=inputs,
        fingerprint=identity.digest,
        enabled=declared.tracked and settings().tracking and is_main_process(),
    ):
        place = Path(arguments[declared.outputs[0]]) if declared.outputs else Path()
        with disk.writing(place, f"what {declared.name} makes"):
            metrics = declared(params, identity=identity, **arguments)
        tracking.log_metrics(metrics)
    if metrics_file is not None and is_main_process():
        metrics_file.parent.mkdir(parents=True, exist_ok=True)
        clear_temporaries(metrics_file.parent, metrics_file.name)
        write_atomic(metrics_file, json.dumps(metrics, indent=2, sort_keys=True).encode() + b"\n")
    if is_main_process():
        durations.note(run_name, time.monotonic() - started)
    return metrics


def _digest(path: Path) -> str:
    """What an input holds: the digest of a product's card, else of the folder's files or the file."""
    if (path / "card.json").is_file():
        return read_card(path).digest
    return tree_sha256(path) if path.is_dir() else file_sha256(path)


def _seed(seed: int) -> None:
    random.seed(seed)
    np.random.seed(seed)
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(seed)
