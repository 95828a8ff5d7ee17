"""A registered solver answers questions: through MLflow, with the code saved beside it, and on the command line."""

from pathlib import Path

import mlflow
import pytest
import torch
from click.testing import CliRunner
from tests.msat.tiny_solver import tiny_config, tiny_encoder

from selfsown import tracking
from selfsown.cli import app
from selfsown.errors import UserError
from selfsown.msat.commands.solve import Solver
from selfsown.msat.solvers.dag import DagSolver

NAME = "selfsown-msat-dag"
LOADER = "selfsown.msat.commands.solve:serve"
EXAMPLE = "A box holds 12 pens. How many pens do 7 boxes hold?"


@pytest.mark.slow
def test_a_registered_solver_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    Path("params.yaml").write_text("profile: smoke\n")
    torch.manual_seed(1)
    DagSolver.fresh(tiny_config("dag"), tiny_encoder(Path("encoder"))).save(Path("solver"))
    with pytest.raises(UserError, match="nothing was tracked there yet"):
        CliRunner().invoke(app, ["solve", EXAMPLE], catch_exceptions=False)
    with tracking.run("msat.evaluate", experiment="msat", params={}, inputs={}, fingerprint="f"):
        version = tracking.log_model(
            NAME, Path("solver"), task="math-word-problem", loader=LOADER, input_example=[EXAMPLE],
            signature=tracking.signature([EXAMPLE], ["84"]), card="# A solver", inputs=[],
        )  # fmt: skip
    assert version == "1"
    with pytest.raises(UserError, match="no version is @champion"):
        CliRunner().invoke(app, ["solve", EXAMPLE], catch_exceptions=False)
    solutions = Solver.load(Path("solver")).solve([EXAMPLE, "3 of 4 ?"])
    expected = [solution.answer for solution in solutions]
    asked = ["solve", EXAMPLE, "3 of 4 ?", "--alias", "candidate"]
    shown = CliRunner().invoke(app, asked, catch_exceptions=False)
    assert shown.stdout == "".join(f"{solution}\n" for solution in solutions)
    mlflow.set_tracking_uri(tracking.tracking_uri())
    served = mlflow.pyfunc.load_model(f"models:/{NAME}@candidate")
    assert served.predict([EXAMPLE, "3 of 4 ?"]) == expected
