"""YAML files, the base of every typed model that is read from one, and what each stage reads of `params.yaml`.

Each mistake in there is one line that names file, key, value and what is allowed.
"""

from __future__ import annotations

import difflib
import re
import typing
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path
from typing import Any, Self, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from selfsown.errors import UserError
from selfsown.project import root

PACKAGE = Path(__file__).parent

# libyaml reads the lock files ten times as fast as PyYAML's own parser, which would cost each stage seconds.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def read_yaml(path: Path) -> Any:
    """What a YAML file holds: plain values only, no objects.

    Raises:
        OSError: no such file.
        yaml.YAMLError: not YAML.
    """
    return yaml.load(path.read_text(encoding="utf-8"), _LOADER)  # noqa: S506 - a safe loader, both times


class Params(BaseModel):
    """Frozen, and a key it does not know is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


ParamsT = TypeVar("ParamsT", bound=Params)


class Range(Params):
    """Both ends allowed."""

    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self


SHARED = ("seed", "data_seed", "languages")
"""Top-level parameters that a stage's model may declare beside its own section; so may it the keys of `matrix`.

What data is made follows `data_seed`, training `seed`: the seeds of a study share their data and their test set.
"""

TOP_LEVEL = ("composed_from", *SHARED)
"""Keys of the parameter file beside the pipelines' sections."""

PIPELINE_KEYS = ("matrix",)
"""Keys of a pipeline's section beside its stages: the lists that a DVC matrix runs over."""


def check_known(names: Iterable[str], known: Collection[str]) -> None:
    """For the validator of a parameter that lists names.

    Raises:
        ValueError: one of them is not known.
    """
    if unknown := [name for name in names if name not in known]:
        raise ValueError(f"unknown {unknown[0]!r}, known: {', '.join(known)}")


class ParamsError(UserError):
    """`params.yaml` is wrong; the message names file, key, value and what is allowed."""


def stage_names() -> list[str]:
    """Every `<pipeline>.<stage>`, found by reading the files; imports none of them."""
    return sorted(stage_files())


def stage_files() -> dict[str, Path]:
    """The file of every stage: `<pipeline>/<stage>.py`, or `<pipeline>/<stage>/__init__.py` where it has a folder."""
    files = {path.relative_to(PACKAGE): path for depth in ("*/*.py", "*/*/__init__.py") for path in PACKAGE.glob(depth)}
    return {
        ".".join(place.with_suffix("").parts[:2]): path
        for place, path in files.items()
        if "\n@stage(" in path.read_text()
    }


def load_params(name: str, model: type[ParamsT], path: Path = Path("params.yaml")) -> ParamsT:
    """The section `<pipeline>.<stage>` of a parameter file as `model`, with the shared top-level keys it declares.

    A model that names another `section` of the pipeline is read from that one.

    Raises:
        ParamsError: unreadable file, missing section, unknown key, wrong type or range.
    """
    try:
        whole = read_yaml(root() / path)
    except (OSError, yaml.YAMLError) as error:
        raise ParamsError(f"{path}: cannot be read as YAML: {error}") from None
    pipeline, _, step = name.partition(".")
    step = getattr(model, "section", "") or step
    name = f"{pipeline}.{step}"
    stages = [other.partition(".") for other in stage_names()]
    _check_section(path, "", whole, [*TOP_LEVEL, *(other for other, _, _ in stages)])
    if pipeline not in whole:
        raise ParamsError(f"{path}: {pipeline}: section missing; every profile in conf/{pipeline}/ has one")
    section = whole[pipeline]
    known = [own for other, _, own in stages if other == pipeline]
    _check_section(path, pipeline, section, [*known, *PIPELINE_KEYS])
    values, matrix = section.get(step, {}), section.get("matrix", {})
    _check_section(path, name, values)
    _check_section(path, f"{pipeline}.matrix", matrix, _matrix_keys(pipeline))
    outer = {**{key: whole[key] for key in SHARED if key in whole}, **matrix}
    shared = {key: value for key, value in outer.items() if key in model.model_fields}
    if repeated := shared.keys() & values.keys():
        raise ParamsError(f"{path}: {name}.{min(repeated)}: set it once, at the top level or in the matrix")
    try:
        return model.model_validate({**shared, **values})
    except ValidationError as error:
        raise ParamsError("\n".join(f"{path}: {_explain(name, model, item)}" for item in error.errors())) from None


def _check_section(path: Path, name: str, section: Any, known: Iterable[str] | None = None) -> None:
    """Raise unless it is a mapping, with no key but the `known` ones (None: the stage's model will say)."""
    if not isinstance(section, dict):
        where = f"{path}: {name}" if name else path
        raise ParamsError(f"{where}: {section!r} is not allowed: expected a section of keys and values")
    for key in section:
        if known is not None and key not in known:
            raise ParamsError(f"{path}: {f'{name}.' if name else ''}{key}: {_unknown(str(key), known)}")


def _matrix_keys(pipeline: str) -> list[str] | None:
    """The lists that the pipeline's `dvc.yaml` runs over; None outside the repository, where none are run over."""
    file = root() / "pipelines" / pipeline / "dvc.yaml"
    return re.findall(rf"\$\{{{pipeline}\.matrix\.(\w+)\}}", file.read_text("utf-8")) if file.is_file() else None


def _explain(name: str, model: type[BaseModel], item: Any) -> str:
    location = [str(part) for part in item["loc"]]
    key = ".".join(location) if location and location[0] in SHARED else ".".join([name, *location])
    if item["type"] == "extra_forbidden":
        return f"{key}: {_unknown(location[-1], _fields(model, location[:-1]))}"
    if item["type"] == "missing":
        return f"{key}: missing"
    if item["type"] == "union_tag_not_found":
        return f"{key}.{item['ctx']['discriminator'].strip(chr(39))}: missing"
    if not location:  # several keys do not fit each other; the message names them
        return f"{key}: {item['msg']}"
    return f"{key}: {item['input']!r} is not allowed: {item['msg']}"


def _fields(model: type[BaseModel], location: Sequence[str]) -> set[str]:
    """The keys that a model allows at a place inside it; on the way there are fields, indices, keys and union tags."""
    models, named = [model], False
    for part in location:
        if named:  # the key of a mapping, whatever fields are called so
            named = False
        elif fields := [found.model_fields[part] for found in models if part in found.model_fields]:
            models = [found for field in fields for found in _models(field.annotation)]
            named = any(typing.get_origin(field.annotation) is dict for field in fields)
        else:
            tagged = (m for m in models if any(part in typing.get_args(f.annotation) for f in m.model_fields.values()))
            models = list(tagged) or models
    return {name for found in models for name in found.model_fields}


def _models(annotation: Any) -> list[type[BaseModel]]:
    """The models in an annotation such as `tuple[A | B, ...] | None`."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    return [found for part in typing.get_args(annotation) for found in _models(part)]


def _unknown(key: str, known: Iterable[str]) -> str:
    known = sorted(set(known))
    close = difflib.get_close_matches(key, known, n=1)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"unknown key; {hint}known: {', '.join(known)}"
