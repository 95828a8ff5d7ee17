"""What smoke made of the solvers, and what they say in plain text."""

import json
from pathlib import Path

import pytest
from tests.msat.solutions import faults

from selfsown.msat.commands.solve import Solver
from selfsown.products import read_card

pytestmark = [pytest.mark.recipe, pytest.mark.usefixtures("smoke")]

SOLVERS = ("seq2seq", "dag")
SET = "stories+gsm-symbolic+plain"


@pytest.mark.parametrize(
    ("product", "fewest"),
    [
        ("tasks/2.4", 1200),
        *((f"answers/{solver}-digits-2.4-pretrained-msat", 12) for solver in SOLVERS),
        *((f"answers/{solver}-digits-2.4-{arm}-{SET}", 12) for solver in SOLVERS for arm in ("pretrained", "scratch")),
    ],
)
def test_product(product: str, fewest: int) -> None:
    assert read_card(Path("data/msat", product)).rows >= fewest


def test_solvers_answer_and_are_compared() -> None:
    rows = json.loads(Path("metrics/msat.rows.json").read_text())
    figures = {(row["measure"], row["arm"], row["part"]): row["value"] for row in rows}
    for solver in SOLVERS:
        assert 0 <= figures["msat_accuracy", solver, "msat"] <= 1
        for part in SET.split("+"):
            taught, untaught = (figures["mwp_accuracy", f"{solver}_{arm}", part] for arm in ("pretrained", "scratch"))
            assert figures["mwp_gain", f"{solver}_pretrained", part] == pytest.approx(taught - untaught)


def test_tasks_are_as_hard_as_they_should_be() -> None:
    gate = json.loads(Path("metrics/msat.gate/2.4.json").read_text())
    assert gate["mean_steps"] == pytest.approx(2.4, abs=0.01)


def test_a_solver_answers_plain_text() -> None:
    questions = {
        "A box holds 12 pens. How many pens do 7 boxes hold?": ("12", "7"),
        "Eva has 3.5 kg of flour and buys 1,250 g more. How many kg has she?": ("3.5", "1250"),
        "Of 48 apples 6 are bad and the rest is put into 7 bags. How many are in each?": ("48", "6", "7"),
        "A walk of 90 minutes ended at noon. When did it begin?": ("90",),
    }
    solver = Solver.load(Path("models/msat/finetune", f"dag-digits-2.4-pretrained-{SET}"))
    solutions = solver.solve(list(questions))
    assert [solution.numbers for solution in solutions] == list(questions.values())
    assert [faults(solution) for solution in solutions] == [[]] * len(questions)
    assert any(solution.answer for solution in solutions)


@pytest.mark.parametrize("solver", SOLVERS)
def test_the_solver_is_a_candidate(solver: str) -> None:
    from mlflow import MlflowClient

    from selfsown.tracking import tracking_uri

    client = MlflowClient(tracking_uri())
    assert client.get_model_version_by_alias(f"selfsown-msat-{solver}", "candidate").tags["digest"]
