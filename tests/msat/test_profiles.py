"""Every profile's matrix and how its solvers are trained; the papers' own schedules."""

from pathlib import Path

import pytest
from tests.profiles import PROFILES, VARIANTS, composed, outs, write_params
from torch import nn, optim
from transformers import TrainingArguments, get_scheduler

from selfsown.arithmetic import QUESTIONS, members, parse_set
from selfsown.msat.evaluate.matrix import Combination, Matrix
from selfsown.msat.finetune import FinetuneParams
from selfsown.msat.pretrain import PretrainParams
from selfsown.msat.training.trainer import TrainingParams, training_arguments
from selfsown.params import load_params

EVERY_ABLATION = "[symbolic,difficulty,full]"


@pytest.mark.parametrize("variant", ["[]", *VARIANTS])
@pytest.mark.parametrize("profile", PROFILES)
def test_every_set_is_made(profile: str, variant: str) -> None:
    config = composed(f"profile={profile}", f"variant={variant}")
    asked = [parse_set(one).source for name in config["msat"]["matrix"]["sets"] for one in members(name)]
    assert set(asked) <= {QUESTIONS, *config["corpora"]["problems"]["sets"]}


@pytest.mark.parametrize("variant", [*VARIANTS, EVERY_ABLATION])
def test_a_matrix_is_stages_that_dvc_accepts_for_every_solver(variant: str, tmp_path: Path) -> None:
    config = composed("profile=study", f"variant={variant}")
    made = outs(tmp_path, config)
    wanted = {f"data/msat/answers/{each.name}": each for each in Matrix.of(config["msat"]["matrix"]).combinations()}
    assert {out for out in made if out.startswith("data/msat/answers/")} == set(wanted)
    for out, each in wanted.items():
        assert f"--solver models/msat/{each.folder} " in made[out].cmd
        learnt = made[f"models/msat/pretrain/{each.start}"].cmd
        assert f"--solver {each.solver} --representation {each.representation} --arm {each.arm} " in learnt
        assert f"--tasks data/msat/tasks/{each.difficulty} " in learnt
    if variant == EVERY_ABLATION:
        assert Combination("dag", "symbolic", "2.0", "full", "bigbench-elementary-math") in wanted.values()
        assert len([out for out in made if out.startswith("models/msat/finetune/")]) == 24


def trained(profile: str, tmp_path: Path) -> dict[tuple[str, str], tuple[TrainingParams, TrainingArguments]]:
    """How solvers are trained in a profile, by solver and set of problems; on the tasks without a set."""
    config = composed(f"profile={profile}")
    path = write_params(tmp_path, config)
    matrix, made = config["msat"]["matrix"], {}
    learnt = [members(name)[0] for name in matrix["sets"]]
    for model, section, sets in ((PretrainParams, "pretrain", [""]), (FinetuneParams, "finetune", learnt)):
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


@pytest.mark.parametrize("profile", ["gpu", "paper"])
def test_large_profiles_have_the_authors_encoder_and_validate_on_all(profile: str, tmp_path: Path) -> None:
    config = composed(f"profile={profile}")
    path, msat = write_params(tmp_path, config), config["msat"]
    pretrain = load_params("msat.pretrain", PretrainParams, path)
    finetune = load_params("msat.finetune", FinetuneParams, path)
    assert isinstance(pretrain, PretrainParams) and isinstance(finetune, FinetuneParams)
    assert set(pretrain.num_hidden_layers.model_dump().values()) == {None}
    assert pretrain.encoder_rate == finetune.encoder_rate == 1
    assert pretrain.dev_limit == msat["generate"]["dev_size"] == 5000 and finetune.dev_limit is None
    assert msat["generate"]["size"] - msat["generate"]["dev_size"] - pretrain.dev_limit == 80_000
    assert pretrain.dag.gru_start == "random"
    assert msat["answer"]["limit"] is None and "svamp+svamp-hard" in msat["matrix"]["sets"]


def test_the_papers_dag_solver_learns_from_the_hard_maximum_without_a_margin() -> None:
    dag = composed("profile=paper")["msat"]["pretrain"]["dag"]
    assert (dag["margin"], dag["softness"]) == (0, 0)


def test_asdiv_a_is_learnt_in_sixteen_passes_and_tested_in_all_folds() -> None:
    config = composed("profile=study", "variant=asdiv-a")["msat"]
    assert config["matrix"]["sets"] == [f"asdiv-a-fold{fold}" for fold in range(5)]
    assert config["matrix"]["arms"] == ["pretrained", "scratch"]
    for own in ({}, config["finetune"]["solver_arguments"]["dag"]):
        arguments = {**config["finetune"]["arguments"], **own}
        rows = 979 - int(979 * config["finetune"]["validation"])
        assert arguments["max_steps"] * arguments["per_device_train_batch_size"] / rows == pytest.approx(16, abs=0.1)


def test_an_ablation_on_one_fold_is_what_the_study_does_on_five() -> None:
    five, one = (composed("profile=study", f"variant={name}")["msat"] for name in ("asdiv-a", "[asdiv-a-fold0,full]"))
    assert one["matrix"].pop("sets") == ["asdiv-a-fold0"]
    assert one.pop("matrix")["pretraining"] == ["pretrained", "full"]
    del five["matrix"]
    assert one == five


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
    batch = arguments.per_device_train_batch_size if solver == "dag" else 1  # their DAG solver's loss is a sum over it
    assert arguments.max_grad_norm * batch == pytest.approx(1 if problem_set else 0.1)
    assert arguments.adam_epsilon * batch == pytest.approx(1e-8) and arguments.weight_decay == 0.01
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
