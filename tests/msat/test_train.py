"""Training: arms and sets, the order of examples, what is never read, and a run that was stopped."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
from safetensors.torch import load_file
from tests.msat.tiny_solver import problem, tiny_config, tiny_encoder
from tests.stage_process import finish, start_stage
from transformers import TrainerCallback

from selfsown import device, study, unfinished
from selfsown.arithmetic import PROBLEM, evaluate, operators, parse_decimal, parse_prefix, print_value
from selfsown.errors import UserError
from selfsown.msat.answer import AnswerParams, answer
from selfsown.msat.evaluate import EVALUATION, EvaluateParams
from selfsown.msat.evaluate import evaluate as evaluate_stage
from selfsown.msat.evaluate.matrix import Combination, Matrix
from selfsown.msat.finetune import FinetuneParams, finetune, training_rows
from selfsown.msat.pretrain import PretrainParams, pretrain, task_splits
from selfsown.msat.solvers.dag import DagSolver
from selfsown.msat.solvers.kinds import load_solver
from selfsown.msat.training import trainer as training
from selfsown.products import CardInfo, read_product
from selfsown.shards import write_product

CONFIG = tiny_config("dag").model_dump(include={"bottleneck", "max_tokens", "encoder_dropout", "decoder", "dag"})
ARGUMENTS = {
    "max_steps": 6, "per_device_train_batch_size": 4, "learning_rate": 1e-3, "eval_strategy": "steps", "eval_steps": 2,
    "save_strategy": "steps", "save_steps": 2, "logging_steps": 2, "save_total_limit": 2,
}  # fmt: skip
SHARED = {"seed": 3, "dev_limit": 4, "dev_batch_size": 4, "encoder_rate": 0.5, "arguments": ARGUMENTS}
PRETRAIN = PretrainParams.model_validate({**SHARED, **CONFIG, "num_hidden_layers": {"seq2seq": None, "dag": 1}})
FINETUNE = FinetuneParams.model_validate(
    {**SHARED, "constants": ["100"], "validation": 0.3, "encoder_dropout": 0, "patience": 5}
)


def rows(count: int, split: str, source: str, folds: int = 0) -> list[dict[str, Any]]:
    """Sums, differences and products of two numbers."""
    made = []
    for index in range(count):
        rng = np.random.default_rng([index, *f"{split}{source}".encode()])
        numbers = [str(number) for number in rng.integers(2, 99, 2)]
        equation = f"{'+-*'[index % 3]} number0 number1"
        value = evaluate(parse_prefix(equation), [parse_decimal(number) for number in numbers])
        made.append({
            "id": f"{source}-{split}-{index}", "question": f"A = number0 . B = number1 . A {equation[0]} B ?",
            "numbers": numbers, "equation": equation, "answer": print_value(value), "steps": 1,
            "operators": operators(parse_prefix(equation)), "group": f"{source}-{split}-{index // 2}",
            "fold": index % folds if folds else -1, "source": source, "split": split,
        })  # fmt: skip
    return made


def product(folder: Path, content: list[dict[str, Any]]) -> Path:
    card = CardInfo(name="problems", licence="CC0-1.0", source="made here", seed=1)
    write_product(folder, [pa.Table.from_pylist(content, PROBLEM)], schema=PROBLEM, card=card)
    return folder


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("inputs")
    words = [*rows(24, "train", "own"), *rows(6, "dev", "own"), *rows(9, "test", "own"), *rows(20, "test", "folded", 5)]
    return {
        "encoder": tiny_encoder(folder / "encoder"),
        "tasks": product(folder / "tasks", [*rows(40, "train", "tasks"), *rows(8, "dev", "tasks")]),
        "problems": product(folder / "problems", words),
    }


def pretrained(inputs: dict[str, Path], model: Path, solver: str = "dag", arm: str = "pretrained") -> Path:
    tasks, encoder = inputs["tasks"], inputs["encoder"]
    pretrain(PRETRAIN, solver=solver, representation="digits", arm=arm, encoder=encoder, tasks=tasks, model=model)
    return model


def test_pretraining_leaves_the_encoder_and_scratch_starts_from_the_same_weights(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    taught, untaught = pretrained(inputs, tmp_path / "a"), pretrained(inputs, tmp_path / "b", arm="scratch")
    after, before = (load_file(folder / "model.safetensors") for folder in (taught, untaught))
    moved = {name for name, weight in after.items() if not torch.equal(weight, before[name])}
    assert moved and all(".down." in name or ".up." in name for name in moved if name.startswith("encoder."))
    assert json.loads((untaught / "training.json").read_text()) == []
    assert [point["step"] for point in json.loads((taught / "training.json").read_text())] == [2, 4, 6]
    assert not (taught / ".work").exists()


@pytest.mark.parametrize("solver", ["dag", "seq2seq"])
def test_the_arm_full_trains_the_encoder_too(solver: str, inputs: dict[str, Path], tmp_path: Path) -> None:
    before = load_file(pretrained(inputs, tmp_path / "scratch", solver, "scratch") / "model.safetensors")
    for arm, moves in (("full", True), ("pretrained", False)):
        after = load_file(pretrained(inputs, tmp_path / arm, solver, arm) / "model.safetensors")
        layers = [name for name in before if ".encoder.layer." in name and ".down." not in name and ".up." not in name]
        weights = [name for name in layers if name.endswith("weight")]
        assert weights and all(torch.equal(after[name], before[name]) != moves for name in weights)


@pytest.mark.parametrize(
    ("change", "message"),
    [({"arm": "dreamt"}, "'dreamt' is not allowed"), ({"solver": "oracle"}, "seq2seq or dag"),
     ({"representation": "runes"}, "digits, symbolic, prefix"),
     ({"representation": "prefix"}, "prefix is of the seq2seq")],
)  # fmt: skip
def test_a_wrong_word_in_the_matrix_is_named(
    change: dict[str, str], message: str, inputs: dict[str, Path], tmp_path: Path
) -> None:
    words = {"solver": "dag", "representation": "digits", "arm": "pretrained", **change}
    with pytest.raises(UserError, match=message):
        pretrain(PRETRAIN, **words, encoder=inputs["encoder"], tasks=inputs["tasks"], model=tmp_path / "m")


def test_an_argument_the_library_does_not_take_is_named(tmp_path: Path) -> None:
    params = PRETRAIN.model_copy(update={"arguments": {"max_stepz": 3}})
    with pytest.raises(UserError, match=r"msat\.pretrain\.arguments: .*max_stepz"):
        training.training_arguments(params, tmp_path, "msat.pretrain")


def test_a_kind_of_solver_has_arguments_of_its_own_and_others_on_a_set() -> None:
    own = {"dag": {"learning_rate": 2e-3, "max_steps": 8}, "dag-svamp": {"max_steps": 9, "patience": 7}}
    params = FINETUNE.model_validate({**FINETUNE.model_dump(), "solver_arguments": own})
    found = params.of_solver("dag", "mawps")
    assert found.arguments == {**ARGUMENTS, "learning_rate": 2e-3, "max_steps": 8} and found.patience == 5
    found = params.of_solver("dag", "svamp")
    assert found.arguments == {**ARGUMENTS, "learning_rate": 2e-3, "max_steps": 9} and found.patience == 7
    for found in (params.of_solver("seq2seq", "svamp"), params.of_solver("seq2seq")):
        assert found.arguments == ARGUMENTS and found.patience == 5
    for wrong in ("oracle", "svamp", "dag-"):
        with pytest.raises(ValueError, match="solver_arguments"):
            FINETUNE.model_validate({**FINETUNE.model_dump(), "solver_arguments": {wrong: {}}})


def test_a_set_has_the_steps_that_are_its_own(inputs: dict[str, Path], tmp_path: Path) -> None:
    start = pretrained(inputs, tmp_path / "start", arm="scratch")
    params = FINETUNE.model_copy(update={"solver_arguments": {"dag-folded": {"max_steps": 2}}})
    for problem_set, steps in (("own", [2, 4, 6]), ("folded-fold1", [2])):
        model = tmp_path / problem_set
        finetune(params, problem_set=problem_set, start=start, problems=inputs["problems"], model=model)
        assert [point["step"] for point in json.loads((model / "training.json").read_text())] == steps


def test_the_encoder_learns_at_its_own_rate(inputs: dict[str, Path], tmp_path: Path) -> None:
    solver = DagSolver.fresh(tiny_config("dag"), inputs["encoder"])
    arguments = training.training_arguments(PRETRAIN, tmp_path, "msat.pretrain")
    trainer = training.SolverTrainer(
        dev=[problem("number0 number1", "1 2", "+ number0 number1")], dev_batch_size=1, encoder_rate=0.1, model=solver,
        args=arguments,
    )  # fmt: skip
    rates = {id(weight): group["lr"] for group in trainer.create_optimizer().param_groups for weight in group["params"]}
    assert len(rates) == len(list(solver.parameters()))
    for name, weight in solver.named_parameters():
        own = name.startswith("encoder.") and ".down." not in name and ".up." not in name
        assert rates[id(weight)] == pytest.approx(1e-4 if own else 1e-3), name


class Stop(TrainerCallback):
    """Ends the process's work as a kill does: nothing of the step that runs is kept."""

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == 5:
            raise KeyboardInterrupt


@pytest.mark.parametrize("solver", ["dag", "seq2seq"])
def test_a_stopped_run_goes_on_to_the_same_weights(
    solver: str, inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    undisturbed = pretrained(inputs, tmp_path / "undisturbed", solver)
    with monkeypatch.context() as patch:
        patch.setattr(training, "LogToMlflow", Stop)
        with pytest.raises(KeyboardInterrupt):
            pretrained(inputs, tmp_path / "disturbed", solver)
    disturbed = tmp_path / "disturbed"
    assert (disturbed / ".work" / "checkpoint-4" / "trainer_state.json").is_file()
    assert not (disturbed / "model.safetensors").exists()
    pretrained(inputs, disturbed, solver)
    expected, found = (load_file(folder / "model.safetensors") for folder in (undisturbed, disturbed))
    for name, weight in expected.items():
        torch.testing.assert_close(found[name], weight, msg=name)
    histories = [(folder / "training.json").read_text() for folder in (undisturbed, disturbed)]
    assert histories[0] == histories[1]


@pytest.mark.parametrize("killed_at", ["step", "end"])
def test_a_stopped_run_keeps_its_patience(
    killed_at: str, inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So slow a rate leaves the accuracy where it is: validations at steps 4 and 6 are the second and third like it."""
    start = pretrained(inputs, tmp_path / "start", arm="scratch")
    arguments = {**ARGUMENTS, "max_steps": 12, "learning_rate": 1e-12}
    params = FINETUNE.model_copy(update={"patience": 2, "arguments": arguments})

    def run(model: Path) -> list[int]:
        finetune(params, problem_set="own", start=start, problems=inputs["problems"], model=model)
        return [point["step"] for point in json.loads((model / "training.json").read_text())]

    def kill(*_: Any) -> Path:
        raise KeyboardInterrupt

    assert run(tmp_path / "undisturbed") == [2, 4, 6]
    with monkeypatch.context() as patch:
        target, stop = (
            ("msat.training.trainer.LogToMlflow", Stop) if killed_at == "step" else ("msat.finetune.finish", kill)
        )
        patch.setattr(f"selfsown.{target}", stop)
        with pytest.raises(KeyboardInterrupt):
            run(tmp_path / "disturbed")
    assert run(tmp_path / "disturbed") == [2, 4, 6]


def test_a_run_that_is_killed_while_its_solver_is_moved_ends_whole(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model, move = tmp_path / "model", unfinished.place

    def kill(made: Path, out: Path) -> None:
        if made.name == "model.safetensors" and out == model:
            raise KeyboardInterrupt
        move(made, out)

    with monkeypatch.context() as patch:
        patch.setattr(unfinished, "place", kill)
        with pytest.raises(KeyboardInterrupt):
            pretrained(inputs, model)
    assert (model / "encoder").is_dir() and not (model / "model.safetensors").exists()
    assert load_solver(pretrained(inputs, model)).settings.kind == "dag" and not (model / ".work").exists()


@pytest.mark.slow
def test_two_processes_share_each_step_of_one(
    inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The DAG solver, of whose networks a batch uses some only, in fp32: in bf16 rounding alone is above the bounds."""
    precise = device.settings().model_copy(update={"precision": "fp32"})
    monkeypatch.setattr(device, "settings", lambda: precise)
    words = {"solver": "dag", "representation": "digits", "arm": "pretrained"}
    options = words | {"encoder": inputs["encoder"], "tasks": inputs["tasks"], "model": "model"}
    launch = {"SELFSOWN_LAUNCHER": "torchrun", "SELFSOWN_NPROC": "2", "SELFSOWN_DEVICE": "cpu"}
    finish(start_stage("msat.pretrain", PRETRAIN.model_dump(mode="json"), options, tmp_path, **launch))
    alone = pretrained(inputs, tmp_path / "alone")
    expected, found = (load_file(folder / "model.safetensors") for folder in (alone, tmp_path / "model"))
    for name, weight in expected.items():
        torch.testing.assert_close(found[name], weight, atol=1e-4, rtol=1e-3, msg=name)


@pytest.mark.parametrize("problem_set", ["own", "folded-fold3"])
def test_no_test_row_is_trained_on_or_chosen_by(
    problem_set: str, inputs: dict[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: set[str] = set()
    original = training.problems_of

    def spy(found: Any) -> Any:
        found = list(found)
        seen.update(row["id"] for row in found)
        return original(found)

    monkeypatch.setattr("selfsown.msat.finetune.problems_of", spy)
    start = pretrained(inputs, tmp_path / "start", arm="scratch")
    finetune(FINETUNE, problem_set=problem_set, start=start, problems=inputs["problems"], model=tmp_path / "m")
    table = read_product(inputs["problems"]).to_pylist()
    if problem_set == "own":
        assert seen == {row["id"] for row in table if row["source"] == "own" and row["split"] != "test"}
    else:
        assert seen == {row["id"] for row in table if row["source"] == "folded" and row["fold"] != 3}
    assert json.loads((tmp_path / "m" / "solver.json").read_text())["constants"] == ["100"]


def test_tasks_that_are_reported_on_choose_no_step(inputs: dict[str, Path]) -> None:
    groups = {row["id"]: row["group"] for row in rows(40, "train", "tasks")}
    train, dev = task_splits(inputs["tasks"], PRETRAIN.model_copy(update={"dev_limit": 5}))
    taught, validated = ({groups[problem.id] for problem in part} for part in (train, dev))
    assert len(dev) == 5 and taught and not taught & validated
    with pytest.raises(UserError, match="dev_limit: 40 takes all 40 tasks to train on"):
        task_splits(inputs["tasks"], PRETRAIN.model_copy(update={"dev_limit": 40}))


def test_validation_rows_are_the_dev_split_or_whole_groups_of_the_training_folds(inputs: dict[str, Path]) -> None:
    train, dev = training_rows(inputs["problems"], "own", FINETUNE)
    assert {row["split"] for row in train} == {"train"} and {row["split"] for row in dev} == {"dev"}
    train, dev = training_rows(inputs["problems"], "folded-fold1", FINETUNE)
    assert len(dev) == 4 and not {row["group"] for row in train} & {row["group"] for row in dev}
    train, dev = training_rows(inputs["problems"], "folded-fold1", FINETUNE.model_copy(update={"dev_limit": 3}))
    assert (len(train), len(dev)) == (13, 3), "what is above the limit is trained on, in whole groups"
    train, dev = training_rows(inputs["problems"], "own+folded-fold1+plain", FINETUNE)
    assert {row["source"] for row in train} == {"own", "folded"} and {row["split"] for row in dev} == {"dev"}
    for unknown in ("nowhere", "own+nowhere"):
        with pytest.raises(UserError, match="'nowhere'"):
            training_rows(inputs["problems"], unknown, FINETUNE)
    with pytest.raises(UserError, match="'plain': nothing learns from these questions"):
        training_rows(inputs["problems"], "plain", FINETUNE)


def test_plain_questions_are_asked_as_they_are_written(inputs: dict[str, Path], tmp_path: Path) -> None:
    questions = tmp_path / "questions.jsonl"
    written = [
        {"question": "A is 3 . B is 1,000 . What is A * B ?", "answer": "3000"},
        {"question": "Why?", "answer": "1/3"},
    ]
    questions.write_text("".join(json.dumps(row) + "\n" for row in written))
    start = pretrained(inputs, tmp_path / "start", arm="scratch")
    params = AnswerParams(data_seed=1, limit=6, batch_size=4, enlarge=True)
    asked = {"problem_set": "own+plain", "solver": start, "problems": inputs["problems"]}
    answer(params, **asked, questions=questions, answers=tmp_path / "answers")
    found = read_product(tmp_path / "answers").to_pylist()
    assert Counter(row["problem_set"] for row in found if not row["enlarged"]) == {"own": 6, "plain": 2}
    first, second = (row for row in found if row["problem_set"] == "plain")
    assert (first["numbers"], first["gold_answer"], first["gold"]) == (["3", "1000"], "3000", "")
    assert (second["numbers"], second["gold_answer"], second["correct"]) == ([], "1/3", 0)
    assert first["majority"] == 1, "the first of the programs that are as frequent"
    with pytest.raises(UserError, match="--questions: needed for the set 'plain'"):
        answer(params, **asked, answers=tmp_path / "none")
    questions.write_text('{"question": "How many?"}\n')
    with pytest.raises(UserError, match=r"questions\.jsonl line 1: 'answer'"):
        answer(params, **asked, questions=questions, answers=tmp_path / "none")


def test_answers_become_rows_and_a_mean_over_seeds(inputs: dict[str, Path], tmp_path: Path) -> None:
    matrix = Matrix(["dag"], ["digits"], ["2.4"], ["pretrained"], ["pretrained", "scratch"], ["own", "folded-fold0"])
    params = AnswerParams(data_seed=1, limit=6, batch_size=4, enlarge=True)
    models, answers = tmp_path / "models", tmp_path / "answers"
    for each in matrix.combinations():
        start, solver = models / "pretrain" / each.start, models / each.folder
        if not start.exists():
            pretrained(inputs, start, arm=each.arm)
        asked = {"problem_set": each.problem_set, "problems": inputs["problems"]}
        if solver == start:
            asked = {"problem_set": each.problem_set, "tasks": inputs["tasks"]}
        else:
            finetune(FINETUNE, **asked, start=start, model=solver)
        answer(params, **asked, solver=solver, answers=answers / each.name)
    lists = matrix._asdict()
    rows, items = tmp_path / "rows.json", tmp_path / "items.parquet"
    headline = evaluate_stage(
        EvaluateParams.model_validate({**lists, "registered": "pretrained", "samples": 2}),
        answers=answers, problems=inputs["problems"], models=models, rows=rows, items=items, plots=tmp_path / "plots",
    )  # fmt: skip
    found = {(row["measure"], row["arm"], row["part"]): row for row in json.loads(rows.read_text())}
    for place in (("msat_accuracy", "dag", "msat"), *(("mwp_accuracy", f"dag_{arm}", "own") for arm in matrix.arms)):
        assert 0 <= found[place]["lo"] <= found[place]["value"] <= found[place]["hi"] <= 1 and found[place]["n"] == 6
    assert headline["msat_accuracy_dag"] == found["msat_accuracy", "dag", "msat"]["value"]
    of_fold = found["mwp_accuracy_fold0", "dag_scratch", "folded"]["value"]
    assert of_fold == found["mwp_accuracy", "dag_scratch", "folded"]["value"]
    words = {
        (measure, "dag_pretrained", "own") for measure in ("mwp_gain", "mwp_accuracy_enlarged", "mwp_accuracy_add")
    }
    assert {*words, ("msat_accuracy_steps1", "dag", "msat")} <= found.keys()
    table = read_product(answers / Combination("dag", "digits", "2.4", "pretrained", "own").name).to_pylist()
    assert sum(not row["enlarged"] for row in table) == 6 and any(row["enlarged"] for row in table)
    both = study.average([items, items], EVALUATION, {"matrix": lists})
    values = {(row["measure"], row["arm"], row["part"]): row["value"] for row in both}
    over_runs = {place: value for place, value in values.items() if place[0] == "mwp_gain_over_runs"}
    assert {place: value for place, value in values.items() if place not in over_runs} == {
        place: row["value"] for place, row in found.items()
    }
    assert {place[1:] for place in over_runs} == {
        *(("dag_pretrained", part) for part in ("own", "folded", "mean_of_sets")), ("pretrained", "mean_of_sets"),
    }  # fmt: skip
