"""The gate lets sound products through and names the row of whatever is not."""

import json
import re
from pathlib import Path

import pyarrow as pa
import pytest

from selfsown.arithmetic import PROBLEM
from selfsown.msat import generate as generator
from selfsown.msat.gate import GateParams, gate
from selfsown.msat.generate import GenerateParams, Writer
from selfsown.products import CardInfo
from selfsown.quality import GateError
from selfsown.shards import write_product

PARAMS = {
    "expect": {
        "tasks": {
            "min_rows": 1000,
            "numbers": {"low": 1, "high": 9999},
            "max_step_deviation": 0.005,
            "distractor_rate": {"low": 0.6, "high": 0.8},
            "letter_rate": {"low": 0.75, "high": 0.85},
        },
        "problems": {"min_rows": 3, "min_test_rows": 1, "numbers": {"low": 0, "high": 1000}},
    }
}


def problem(name: str, split: str, **changes: object) -> dict:
    row = {
        "id": name, "question": "ann has number0 apples and eats number1 . how many are left ?", "numbers": ["7", "2"],
        "equation": "- number0 number1", "answer": "5", "steps": 1, "operators": "-", "group": name, "fold": -1,
        "source": "made here", "split": split,
    }  # fmt: skip
    return row | changes


@pytest.fixture(scope="module")
def made() -> list[dict]:
    params = GenerateParams(
        data_seed=1, size=1200, dev_size=200, distractor_probability=0.7, letter_probability=0.8,
        maximum=9999, shard_size=500,
    )  # fmt: skip
    write = Writer(params)
    return [row for batch in generator._batches(params, 2.4) for row in write(batch).kept.to_pylist()]


@pytest.fixture
def world(tmp_path, made):
    return World(tmp_path, made)


class World:
    """The rows of both products, sound as they are; a test spoils some, then runs the gate over them."""

    def __init__(self, root: Path, tasks: list[dict]) -> None:
        self.root = root
        self.tasks = [dict(row) for row in tasks]
        self.problems = [problem("a", "train"), problem("b", "dev"), problem("c", "test")]

    def run(self, difficulty: str = "2.4") -> dict[str, float]:
        card = CardInfo(name="made", licence="CC0-1.0", source="made here", seed=1)
        for name, rows in (("tasks", self.tasks), ("problems", self.problems)):
            write_product(self.root / name, [pa.Table.from_pylist(rows, PROBLEM)], schema=PROBLEM, card=card)
        params = GateParams.model_validate(PARAMS)
        return dict(
            gate(params, difficulty=difficulty, **{name: self.root / name for name in ("tasks", "problems", "report")})
        )

    def error(self, difficulty: str = "2.4") -> str:
        with pytest.raises(GateError) as caught:
            self.run(difficulty)
        assert "failed" in (self.root / "report" / "index.html").read_text()
        return str(caught.value)


def test_sound_products_pass(world):
    metrics = world.run()
    assert json.loads(json.dumps(metrics)) == metrics
    assert (metrics["tasks_train"], metrics["tasks_dev"], metrics["problems_test"]) == (1000, 200, 1)
    assert metrics["mean_steps"] == pytest.approx(2.4, abs=0.01)
    assert metrics["distractor_rate"] == pytest.approx(0.7, abs=0.06)
    assert metrics["letter_rate"] == pytest.approx(0.8, abs=0.03)
    assert (world.root / "report" / "tasks.html").is_file()


def test_what_published_folds_share_is_told(world):
    assert not any("folds" in name for name in world.run())
    folds = [problem(f"f{i}", "test", source="folded", fold=fold, group="g") for i, fold in enumerate((0, 0, 1))]
    world.problems += [*folds, problem("f3", "test", source="folded", fold=0)]
    assert world.run()["problems_folded_shared_by_folds"] == 0.75


def test_all_faults_of_rows_in_one_message(world):
    world.tasks[0]["answer"] = "123456/7"
    world.tasks[1]["equation"] = "+ number0"
    world.tasks[2]["steps"] += 1
    world.tasks[3]["numbers"] = [*world.tasks[3]["numbers"], "5"]
    world.problems[0]["answer"] = None
    world.problems[2]["numbers"] = ["7000", "6995"]
    message = world.error()
    for index, fault in enumerate(["wrong answer: 123456/7, the", "cannot be worked out: ", "wrong steps: "]):
        assert re.search(f"id='{world.tasks[index]['id']}' fault=.{fault}", message)
    assert "wrong number of numbers" in message
    assert "problems, column fault" in message and "id='a'" in message
    assert "problems, column largest: a number or answer too large" in message and "id='c' largest=7000.0" in message


def test_one_equation_on_two_splits(world):
    trained = next(row for row in world.tasks if row["split"] == "train")
    tested = next(row for row in world.tasks if row["split"] == "dev")
    tested |= {key: trained[key] for key in ("question", "numbers", "equation", "answer", "steps", "operators")}
    message = world.error()
    assert "column question, values: a task must stand once" in message
    assert "column shared_program: no equation with its values" in message
    world.problems[2]["group"] = "a"
    assert "problems, column shared_group: rows of one group must be on one split" in world.error()


def test_rates_and_steps_off_their_targets(world):
    world.tasks = [row for row in world.tasks if row["steps"] != 2 or row["split"] == "dev"]
    world.tasks += [dict(row, id=f"again-{index}") for index, row in enumerate(world.tasks)]
    for row in world.tasks:
        row["question"] = row["question"].replace(" = ", " . = ")
    message = world.error()
    assert "the step histogram must be that of the difficulty" in message
    assert "column letters: share of known numbers that have a letter" in message and "min_value=0.75" in message


def test_tasks_of_another_difficulty(world):
    assert "the step histogram must be that of the difficulty" in world.error("2.0")


def test_no_test_rows(world):
    world.problems.pop()
    assert "too few rows: split 'test'" in (message := world.error()) and "too few rows: the product" in message
