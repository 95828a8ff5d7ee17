"""A row per stage of a finished smoke run: what it must have made, and figures that cannot be right by accident."""

import json
from pathlib import Path

import pytest
import yaml
from tests.msat.solutions import faults
from transformers import WhisperForConditionalGeneration

from selfsown.msat.solver import Solver
from selfsown.shards import read_card, read_product

pytestmark = pytest.mark.recipe

ROOT = Path(__file__).parents[2]
ARMS = ("real", "synthetic", "mixed")
SOLVERS = ("seq2seq", "dag")
LEARNT = ("pretrained", "scratch")
SET = "bigbench-elementary-math"


@pytest.fixture(autouse=True)
def smoke(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    if yaml.safe_load(Path("params.yaml").read_text())["profile"] != "smoke":
        pytest.skip("smoke is not the active profile: make repro PROFILE=smoke")


@pytest.mark.parametrize(
    ("product", "fewest"),
    [
        ("data/corpora/speech", 20),
        ("data/corpora/sentences", 20),
        ("data/speech_bt/synthetic", 18),
        ("data/speech_bt/intelligibility", 24),
        ("data/speech_bt/accepted", 8),
        ("data/speech_bt/transcripts/untouched", 3),
        *((f"data/speech_bt/transcripts/{arm}", 3) for arm in ARMS),
        ("data/corpora/problems", 400),
        ("data/msat/tasks/2.4", 1200),
        *((f"data/msat/answers/{solver}-digits-2.4-pretrained-msat", 12) for solver in SOLVERS),
        *((f"data/msat/answers/{solver}-digits-2.4-{arm}-{SET}", 12) for solver in SOLVERS for arm in LEARNT),
    ],
)
def test_product(product: str, fewest: int) -> None:
    table = read_product(Path(product))
    card = read_card(Path(product))
    assert table.num_rows == card.rows >= fewest
    assert card.licence and card.source and card.seed == 1
    assert not (Path(product) / ".work").exists()


@pytest.mark.parametrize("arm", ARMS)
def test_model(arm: str) -> None:
    folder = Path("models/speech_bt", arm)
    model = WhisperForConditionalGeneration.from_pretrained(folder)
    assert model.config.architectures == ["WhisperForConditionalGeneration"]
    assert model.generation_config.language == "cs" and model.generation_config.task == "transcribe"
    assert not [path for path in folder.rglob("*") if path.suffix in (".bin", ".pt", ".pth", ".pkl")]
    assert 0 < json.loads((folder / "training.json").read_text())[-1]["dev_wer"] < 2


def test_real_speech_is_understood_better_than_by_chance() -> None:
    metrics = json.loads(Path("metrics/speech_bt.json").read_text())
    for arm in ("untouched", *ARMS):
        assert 0 < metrics[f"wer_{arm}_lo"] <= metrics[f"wer_{arm}"] <= metrics[f"wer_{arm}_hi"]
    assert metrics["cer_untouched"] < 0.6, "a Whisper that was converted wrongly hears noise"


def test_gate_measured_every_voice() -> None:
    gate = json.loads(Path("metrics/speech_bt.gate.json").read_text())
    assert len([key for key in gate if key.startswith("norm_i_cs_")]) == gate["voices"] == 3
    assert gate["utterances_kept"] + gate["utterances_dropped"] == gate["utterances"]


def test_solvers_answer_and_are_compared() -> None:
    metrics = json.loads(Path("metrics/msat.json").read_text())
    for solver in SOLVERS:
        assert 0 <= metrics[f"msat_accuracy_{solver}"] <= 1
        gain = metrics[f"mwp_accuracy_{solver}_pretrained"] - metrics[f"mwp_accuracy_{solver}_scratch"]
        assert metrics[f"mwp_gain_{solver}_pretrained"] == pytest.approx(gain)
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


def test_pages() -> None:
    for pipeline in ("speech_bt", "msat"):
        assert pipeline in Path("reports/index.html").read_text()
    assert Path("reports/data_docs/speech_bt/index.html").is_file()
    assert Path("reports/data_docs/msat/2.4/index.html").is_file()


def test_mlflow_has_a_finished_run_per_tracked_stage_and_a_candidate() -> None:
    from mlflow import MlflowClient

    from selfsown.tracking import tracking_uri

    client = MlflowClient(tracking_uri())
    experiment = client.get_experiment_by_name("speech_bt")
    assert experiment is not None
    runs = client.search_runs([experiment.experiment_id])
    finished = {run.info.run_name for run in runs if run.info.status == "FINISHED"}
    assert {f"speech_bt.train@{arm}" for arm in ARMS} <= finished
    assert {"speech_bt.gate", "speech_bt.evaluate"} <= finished
    assert not [run for run in runs if run.info.status == "RUNNING"]
    for model in ("selfsown-whisper", "selfsown-msat-seq2seq", "selfsown-msat-dag"):
        assert client.get_model_version_by_alias(model, "candidate").tags["digest"]
