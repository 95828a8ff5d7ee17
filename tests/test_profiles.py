"""No profile and no pipeline file can rot unseen: every profile fits every stage, every stage its `dvc.yaml`."""

import copy
import re
import shlex
import shutil
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf
from torch import nn, optim
from transformers import TrainingArguments, get_scheduler

from selfsown.msat.finetune import FinetuneParams
from selfsown.msat.pretrain import PretrainParams
from selfsown.msat.train import TrainingParams, training_arguments
from selfsown.msat.variants import TASKS, Matrix, Variant, parse_set
from selfsown.params import SHARED, ParamsError, load_params, stage_names
from selfsown.stage import load_stage
from selfsown.text import script_misfit

ROOT = Path(__file__).parents[1]
PROFILES = sorted(path.stem for path in (ROOT / "conf" / "profile").glob("*.yaml"))
SETS = sorted(path.stem for path in (ROOT / "conf" / "sets").glob("*.yaml"))
EVERY_ABLATION = "[symbolic,difficulty,full]"
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
def test_every_language_has_voices(profile: str) -> None:
    params = composed(f"profile={profile}")
    assert all(params["speech_bt"]["synthesize"]["voices"].get(language) for language in params["languages"])


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


@pytest.mark.parametrize("sets", [*SETS, EVERY_ABLATION])
def test_a_matrix_is_stages_that_dvc_accepts_for_every_solver(sets: str, tmp_path: Path) -> None:
    config = composed("profile=study", f"sets={sets}")
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(config))
    for path in FILES:
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    Repo.init(str(tmp_path), no_scm=True).close()
    with Repo(str(tmp_path)) as repo:
        repo.index.check_graph()
        made = {Path(out.fs_path).relative_to(tmp_path).as_posix(): out.stage for out in repo.index.outs}
    matrix = Matrix.of(config["msat"]["matrix"])
    variants = {f"data/msat/answers/{variant.name}": variant for variant in matrix.variants()}
    assert {out for out in made if out.startswith("data/msat/answers/")} == set(variants)
    for out, variant in variants.items():
        name = variant.pretrained if variant.problem_set == TASKS else variant.name
        phase = "pretrain" if variant.problem_set == TASKS else "finetune"
        assert f"--solver models/msat/{phase}/{name} " in made[out].cmd
        learnt = made[f"models/msat/pretrain/{variant.pretrained}"].cmd
        wanted = f"--solver {variant.solver} --representation {variant.representation} --arm {variant.arm} "
        assert wanted in learnt and f"--tasks data/msat/tasks/{variant.difficulty} " in learnt
    if sets == EVERY_ABLATION:
        assert Variant("dag", "symbolic", "2.0", "full", "bigbench-elementary-math") in variants.values()
        assert len([out for out in made if out.startswith("models/msat/finetune/")]) == 24


def trained(profile: str, tmp_path: Path) -> dict[tuple[str, str], tuple[TrainingParams, TrainingArguments]]:
    """How msat's solvers are trained in a profile, by solver and set of problems; on the tasks without a set."""
    config = composed(f"profile={profile}")
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(config))
    matrix, made = config["msat"]["matrix"], {}
    for model, section, sets in ((PretrainParams, "pretrain", [""]), (FinetuneParams, "finetune", matrix["sets"])):
        params = load_params(f"msat.{section}", model, path)
        assert isinstance(params, TrainingParams)
        sources = {name.partition("-")[2] for name in params.solver_arguments} - {""}
        assert sources <= {parse_set(name).source for name in sets}, "arguments for a set that is not trained on"
        for solver in matrix["solvers"]:
            for name in sets:
                own = params.of_solver(solver, parse_set(name).source)
                made[solver, name] = own, training_arguments(own, tmp_path, f"msat.{section}")
    return made


@pytest.mark.parametrize("profile", PROFILES)
def test_training_arguments_are_the_librarys_and_validate_the_last_step(profile: str, tmp_path: Path) -> None:
    for _, arguments in trained(profile, tmp_path).values():
        assert arguments.max_steps % arguments.eval_steps == 0 and arguments.save_steps % arguments.eval_steps == 0


@pytest.mark.parametrize(
    ("solver", "problem_set", "start", "steps", "decay_ratio", "warm_up", "every"),
    [
        ("seq2seq", "", 3e-5, 10_000, 0.8, 0, 1000),
        ("dag", "", 3e-5, 10_000, 1.0, 0, 1000),
        ("seq2seq", "svamp", 1e-5, 25_000, 0.5, 500, 200),
        ("dag", "svamp", 1e-5, 50_000, 0.5, 0, 200),
        ("seq2seq", "mawps-fold3", 1e-5, 10_000, 1.0, 0, 100),
        ("dag", "mawps-fold3", 1e-5, 10_000, 0.5, 0, 100),
        ("seq2seq", "asdiv-a-fold0", 1e-5, 10_000, 0.5, 0, 100),
        ("dag", "asdiv-a-fold0", 1e-5, 10_000, 0.5, 0, 100),
    ],
)
def test_the_papers_profile_has_the_papers_schedule(
    solver: str,
    problem_set: str,
    start: float,
    steps: int,
    decay_ratio: float,
    warm_up: int,
    every: int,
    tmp_path: Path,
) -> None:
    params, arguments = trained("paper", tmp_path)[solver, problem_set]
    assert (arguments.max_steps, arguments.eval_steps, arguments.save_steps) == (steps, every, every)
    assert arguments.per_device_train_batch_size == (16 if problem_set else 32)
    assert arguments.max_grad_norm == (1 if problem_set else 0.1) and arguments.weight_decay == 0.01
    assert params.patience == {("seq2seq", "svamp"): 35, ("dag", "svamp"): 200}.get((solver, problem_set))
    assert params.encoder_rate == 1
    optimizer = optim.AdamW(nn.Linear(1, 1).parameters(), lr=arguments.learning_rate)
    scheduler = get_scheduler(
        arguments.lr_scheduler_type, optimizer, arguments.get_warmup_steps(steps), steps, arguments.lr_scheduler_kwargs
    )
    horizon = steps / decay_ratio
    for step in (0, warm_up // 2, warm_up, steps // 2, steps):
        share = step / warm_up if step < warm_up else (horizon - step) / (horizon - warm_up)
        assert scheduler.base_lrs[0] * scheduler.lr_lambdas[0](step) == pytest.approx(start * share, rel=1e-5), step


FREE = re.compile(
    r".*arguments(\..*)?|speech_bt\.synthesize\.(sentences|voices)|corpora\.(sentences\.limits|problems\.rows)"
)
"""Sections whose keys are names of the user's or of a library's, not fields of a model here."""


def keys(value: Any, *path: str | int) -> Iterator[tuple[str | int, ...]]:
    """The place of every key below `value`."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if isinstance(value, dict) and not FREE.fullmatch(".".join(map(str, path))):
            yield (*path, key)
        yield from keys(inner, *path, key)


def test_every_key_that_is_misspelt_is_named_with_the_right_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    config = composed("profile=laptop")
    places = list(keys(config))
    assert ("speech_bt", "synthesize", "voices", "nl", 1, "rate") in places and len(places) > 150
    path = tmp_path / "params.yaml"
    for place in places:
        *above, key = place
        wrong = copy.deepcopy(config)
        section: Any = wrong
        for part in above:
            section = section[part]
        section[f"{key}x"] = section.pop(key)
        path.write_text(yaml.safe_dump(wrong))
        name = ".".join(map(str, place[:2]))
        reader = name if name in stage_names() else f"{place[0]}.evaluate" if "matrix" in place else "msat.evaluate"
        named = rf"(.*\.)?{key}x: unknown key; did you mean '{key}'\?"
        named += rf"|.*\.{key}: missing"  # it decides which model the rest is for
        with pytest.raises(ParamsError, match=rf"params\.yaml: ({named})"):
            load_params(reader, load_stage(reader).params_model, path)


@pytest.mark.parametrize("profile", PROFILES)
def test_texts_of_every_language_of_a_profile_can_be_judged(profile: str) -> None:
    config = composed(f"profile={profile}")
    for language in (*config["languages"], *config["corpora"]["speech"]["out_of_domain_languages"]):
        assert script_misfit("?", language) == "no letters: '?'"


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
