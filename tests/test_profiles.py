"""No profile and no pipeline file can rot unseen: every profile fits every stage, every stage its `dvc.yaml`."""

import copy
import inspect
import shlex
import sys
import typing
from collections.abc import Iterable, Iterator
from functools import reduce
from operator import getitem
from pathlib import Path
from types import UnionType
from typing import Any

import pytest
import yaml
from pydantic import BaseModel
from tests.profiles import PIPELINES, PROFILES, ROOT, VARIANTS, composed, outs, write_params

from selfsown import params
from selfsown.params import SHARED, TOP_LEVEL, ParamsError, load_params, stage_names
from selfsown.stage import load_stage

DECLARED: dict[str, dict[str, Any]] = {
    f"{path.parent.relative_to(ROOT)}:{name}": stage.get("do", stage)  # "do": of a `foreach`
    for path in (ROOT / "dvc.yaml", *sorted(ROOT.glob("pipelines/*/dvc.yaml")))
    for name, stage in yaml.safe_load(path.read_text()).get("stages", {}).items()
}


def words(stage: dict[str, Any]) -> list[str]:
    return shlex.split(stage["cmd"])


def test_params_file_is_the_composed_default() -> None:
    assert yaml.safe_load((ROOT / "params.yaml").read_text()) == composed()


def test_all_five_profiles_are_there_for_every_pipeline() -> None:
    assert PROFILES == ["gpu", "laptop", "paper", "smoke", "study"]
    assert PIPELINES, "no pipeline found"
    for pipeline in PIPELINES:
        assert sorted(path.stem for path in (ROOT / "conf" / pipeline).iterdir()) == PROFILES


@pytest.mark.parametrize("variant", ["[]", *VARIANTS])
@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_validates_against_every_stage(profile: str, variant: str, tmp_path: Path) -> None:
    config = composed(f"profile={profile}", f"variant={variant}")
    assert config["composed_from"] == profile
    path = write_params(tmp_path, config)
    for name in stage_names():
        load_params(name, load_stage(name).params_model, path)
    assert set(config) - set(TOP_LEVEL) == {name.partition(".")[0] for name in stage_names()}


@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_is_stages_that_dvc_accepts(profile: str, tmp_path: Path) -> None:
    made = outs(tmp_path, composed(f"profile={profile}"))
    ran = {stage.cmd.split()[1] for stage in made.values()}
    assert stage_names() == sorted(ran | unused(profile)), "a list of a matrix is empty"
    assert not ran & unused(profile)
    assert profile != "laptop" or len({stage.addressing for stage in made.values()}) < 60, "each starts a process"


def unused(profile: str) -> set[str]:
    """Stages only under a `foreach` over what the profile has nothing of: `{}`, not a list that was forgotten."""
    config = composed(f"profile={profile}")
    stages = [
        stage
        for path in sorted(ROOT.glob("pipelines/*/dvc.yaml"))
        for stage in yaml.safe_load(path.read_text())["stages"].values()
    ]
    named: dict[bool, set[str]] = {True: set(), False: set()}
    for stage in stages:
        of_nothing = "foreach" in stage and reduce(getitem, stage["foreach"][2:-1].split("."), config) == {}
        named[of_nothing].add(stage.get("do", stage)["cmd"].split()[1])
    return named[True] - named[False]


def test_every_stage_runs_in_some_profile() -> None:
    assert not set.intersection(*map(unused, PROFILES))


def kinds(annotations: Iterable[Any]) -> Iterator[Any]:
    """What values of these types may be, without `|` and `Annotated`."""
    for annotation in annotations:
        origin, inner = typing.get_origin(annotation), typing.get_args(annotation)
        if origin in (typing.Union, UnionType):
            yield from kinds(inner)
        elif origin is typing.Annotated:
            yield from kinds(inner[:1])
        else:
            yield annotation


def keys(value: Any, annotations: Iterable[Any], *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """The place of every key below `value` that a model gives its name; those of a `dict` are the user's own."""
    known = list(kinds(annotations))
    if isinstance(value, dict):
        for key, inner in value.items():
            models = [kind for kind in known if inspect.isclass(kind) and issubclass(kind, BaseModel)]
            fields = [model.model_fields[key].annotation for model in models if key in model.model_fields]
            if fields:
                yield (*path, key)
            of_keys = [typing.get_args(kind)[1] for kind in known if typing.get_origin(kind) is dict]
            yield from keys(inner, fields or of_keys, *path, key)
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from keys(inner, [part for kind in known for part in typing.get_args(kind)], *path, index)


def every_key(config: dict[str, Any]) -> Iterator[tuple[str | int, ...]]:
    for pipeline, section in config.items():
        yield (pipeline,)
        for step, values in section.items() if isinstance(section, dict) else ():
            yield pipeline, step
            if (name := f"{pipeline}.{step}") in stage_names():
                yield from keys(values, [load_stage(name).params_model], pipeline, step)
            else:
                yield from ((pipeline, step, key) for key in values)


def test_every_key_that_is_misspelt_is_named_with_the_right_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    found = stage_names()
    for module in (params, sys.modules[__name__]):  # looked for on the disk, 2,000 times, that takes half a minute
        monkeypatch.setattr(module, "stage_names", lambda: found)
    config = composed("profile=laptop")
    places = list(every_key(config))
    assert len(places) > 150 and max(map(len, places)) > 5, "keys deep inside are among them"
    for place in places:
        *above, key = place
        wrong = copy.deepcopy(config)
        section: Any = wrong
        for part in above:
            section = section[part]
        section[f"{key}x"] = section.pop(key)
        path = write_params(tmp_path, wrong)
        pipeline = place[0] if place[0] in PIPELINES else PIPELINES[0]
        own = [name for name in stage_names() if name.startswith(f"{pipeline}.")]
        reader = name if (name := ".".join(map(str, place[:2]))) in stage_names() else own[0]
        named = rf"(.*\.)?{key}x: unknown key; did you mean '{key}'\?"
        named += rf"|.*\.{key}: missing"  # it decides which model the rest is for
        with pytest.raises(ParamsError, match=rf"params\.yaml: ({named})"):
            load_params(reader, load_stage(reader).params_model, path)


@pytest.mark.parametrize("key", DECLARED)
def test_the_command_fits_the_stage(key: str) -> None:
    """Options are the signature's; inputs are deps, outputs are outs, the stage's section is tracked."""
    declared = DECLARED[key]
    program, name, *options = words(declared)
    assert program == "selfsown"
    stage = load_stage(name)
    given = dict(zip(options[::2], options[1::2], strict=True))
    metrics = given.pop("--metrics", None)
    required = {f"--{arg.replace('_', '-')}" for arg, p in stage.arguments.items() if p.default is p.empty}
    assert required <= set(given) <= {f"--{arg.replace('_', '-')}" for arg in stage.arguments}
    whole_files = {next(iter(param)) for param in declared["params"] if param == {"params.yaml": None}}
    deps = set(declared.get("deps", [])) | whole_files
    made = set()
    for kind in ("outs", "metrics", "plots"):
        made |= {next(iter(out)) if isinstance(out, dict) else out for out in declared.get(kind, [])}
    read, written = (
        {given[option] for arg in side if (option := f"--{arg.replace('_', '-')}") in given}
        for side in (stage.inputs, stage.outputs)
    )
    assert read <= deps and written | ({metrics} if metrics else set()) == made
    if whole_files:
        return
    tracked = {param for param in declared["params"] if isinstance(param, str)}
    pipeline = name.partition(".")[0]
    fields = set(stage.params_model.model_fields)
    name = f"{pipeline}.{stage.params_model.section}" if stage.params_model.section else name
    for part in [param for param in tracked if param.startswith(f"{name}.")]:  # one model's share of the section
        assert fields - set(SHARED) == {part.removeprefix(f"{name}.").partition(".")[0]}, "and nothing else is in it"
        tracked = tracked - {part} | {name}
    assert tracked == {
        name,
        *(set(SHARED) & fields),
        *([f"{pipeline}.matrix"] if fields & set(composed()[pipeline].get("matrix", {})) else []),
    }


def test_stage_and_file_names_agree() -> None:
    ran = {words(stage)[1] for stage in DECLARED.values()}
    assert ran == set(stage_names()), "every stage is run by some dvc.yaml, and no other"
    assert len(DECLARED) < 64, "fewer than 60, and the four of the pipeline that a test adds"
