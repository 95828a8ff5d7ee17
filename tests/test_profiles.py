"""No profile and no pipeline file can rot unseen: every profile fits every stage, every stage its `dvc.yaml`."""

import shlex
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from selfsown.msat.variants import parse_set
from selfsown.stage import SHARED, ParamsError, load_params, load_stage, stage_names
from selfsown.text import script_misfit

ROOT = Path(__file__).parents[1]
PROFILES = sorted(path.stem for path in (ROOT / "conf" / "profile").glob("*.yaml"))
SETS = sorted(path.stem for path in (ROOT / "conf" / "sets").glob("*.yaml"))
FILES = [ROOT / "dvc.yaml", *sorted(ROOT.glob("pipelines/*/dvc.yaml"))]
DECLARED: dict[str, dict[str, Any]] = {
    f"{path.parent.name}:{name}": stage
    for path in FILES
    for name, stage in yaml.safe_load(path.read_text()).get("stages", {}).items()
}


@cache
def composed(*overrides: str) -> dict[str, Any]:
    with initialize_config_dir(str(ROOT / "conf"), version_base=None):
        config = OmegaConf.to_container(compose("config", list(overrides)), resolve=True)
    assert isinstance(config, dict)
    return config


def words(stage: dict[str, Any]) -> list[str]:
    return shlex.split(stage["cmd"])


@pytest.mark.parametrize("profile", PROFILES)
def test_every_language_has_letters_and_voices(profile: str) -> None:
    params = composed(f"profile={profile}")
    for language in params["languages"]:
        assert script_misfit("12", language) == "no letters: '12'"
        assert params["speech_bt"]["synthesize"]["voices"][language]


def test_params_file_is_the_composed_default() -> None:
    assert yaml.safe_load((ROOT / "params.yaml").read_text()) == composed()


def test_all_five_profiles_are_there() -> None:
    assert PROFILES == ["gpu", "laptop", "paper", "smoke", "study"]


@pytest.mark.parametrize("sets", ["[]", *SETS])
@pytest.mark.parametrize("profile", PROFILES)
def test_every_profile_validates_against_every_stage(profile: str, sets: str, tmp_path: Path) -> None:
    config = composed(f"profile={profile}", f"sets={sets}")
    known = set(config["corpora"]["problems"]["sets"])
    assert {parse_set(name).source for name in config["msat"]["matrix"]["sets"]} <= known
    assert config["profile"] == profile
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(config))
    for name in stage_names():
        load_params(name, load_stage(name).params_model, path)
    assert set(config) - {"profile", *SHARED} == {name.partition(".")[0] for name in stage_names()}


from functools import cache


@pytest.mark.parametrize("key", DECLARED)
def test_the_command_fits_the_stage(key: str) -> None:
    """Options are the signature's; inputs are deps, outputs are outs, the stage's section and file are tracked."""
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
    outs = set()
    for kind in ("outs", "metrics", "plots"):
        outs |= {next(iter(out)) if isinstance(out, dict) else out for out in declared.get(kind, [])}
    assert {
        given[f"--{arg.replace('_', '-')}"] for arg in stage.inputs if f"--{arg.replace('_', '-')}" in given
    } <= deps
    wanted = {given[f"--{arg.replace('_', '-')}"] for arg in stage.outputs if f"--{arg.replace('_', '-')}" in given}
    assert wanted | ({metrics} if metrics else set()) <= outs
    code = f"src/selfsown/{name.replace('.', '/')}.py"
    assert any(code == dep or code.startswith(f"{dep}/") for dep in deps), f"{code} is no dependency"
    if whole_files:
        return
    tracked = {param for param in declared["params"] if isinstance(param, str)}
    pipeline = name.partition(".")[0]
    fields = set(stage.params_model.model_fields)
    assert name in tracked
    assert set(SHARED) & fields <= tracked
    if fields & set(composed()[pipeline].get("matrix", {})):
        assert f"{pipeline}.matrix" in tracked


def test_stage_and_file_names_agree() -> None:
    ran = {words(stage)[1] for stage in DECLARED.values()}
    assert ran == set(stage_names()), "every stage is run by some dvc.yaml, and no other"
    assert len(DECLARED) < 60


@pytest.mark.parametrize(
    ("stage", "key", "value", "allowed"),
    [
        ("speech_bt.transcribe", "normalizer", "wisper", "'whisper_basic' or 'none'"),
        ("speech_bt.intelligibility", "normalizer", "wisper", "'whisper_basic' or 'none'"),
        ("speech_bt.train", "normalizer", "wisper", "'whisper_basic' or 'none'"),
        ("speech_bt.transcribe", "splits", ["tset"], "'test' or 'ood'"),
        ("speech_bt.intelligibility", "real_splits", ["test"], "'seed', 'text' or 'dev'"),
    ],
)
def test_a_word_that_means_nothing_is_refused_with_those_that_do(
    stage: str, key: str, value: str | list[str], allowed: str, tmp_path: Path
) -> None:
    config = composed("profile=laptop")
    pipeline, _, step = stage.partition(".")
    config[pipeline][step][key] = value
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(config))
    with pytest.raises(ParamsError, match=rf"{stage}\.{key}.* is not allowed: .*{allowed}"):
        load_params(stage, load_stage(stage).params_model, path)
