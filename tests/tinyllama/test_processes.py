"""Training and packing as processes: two of them as one, and kills at any moment."""

from __future__ import annotations

import json
import random
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.stage_process import ZERO_2, finish, start_stage
from tests.tinyllama.test_pretrain import GOLDEN, params

ZERO_3 = {**ZERO_2, "zero_optimization": {"stage": 3, "stage3_gather_16bit_weights_on_model_save": True}}


def command(corpus: Path, folder: Path, arguments: dict[str, Any] | None = None, **settings: str) -> Any:
    section = params(**(arguments or {})).model_dump(mode="json")
    options = {
        "name": "main", "tokenizer": corpus / "tokenizer", "packed": corpus / "packed", "model": folder / "model",
    }  # fmt: skip
    return start_stage("tinyllama.pretrain", section, options, folder, SELFSOWN_DEVICE="cpu", **settings)


def losses(model: Path) -> list[float]:
    return [point["loss"] for point in json.loads((model / "losses.json").read_text())]


@pytest.fixture(scope="module")
def undisturbed(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    finish(command(corpus, folder))
    return folder / "model"


@pytest.mark.parametrize(
    ("launcher", "arguments"),
    [
        ("torchrun", {}),
        pytest.param("deepspeed", {"deepspeed": ZERO_2}, marks=pytest.mark.slow),
        pytest.param("deepspeed", {"deepspeed": ZERO_3}, marks=pytest.mark.slow),
    ],
)
def test_two_processes_share_each_step_of_one(
    launcher: str, arguments: dict[str, Any], corpus: Path, tmp_path: Path
) -> None:
    path = str(Path(sys.executable).parent)  # no compiler is there
    finish(command(corpus, tmp_path, arguments, SELFSOWN_LAUNCHER=launcher, SELFSOWN_NPROC="2", PATH=path))
    assert losses(tmp_path / "model") == pytest.approx(GOLDEN, abs=2e-3)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_kills_of_a_training_end_in_the_same_curve_and_weights(
    corpus: Path, undisturbed: Path, tmp_path: Path
) -> None:
    """At ten moments spread over a run: while it loads, trains, writes checkpoints and exports."""
    start = time.monotonic()
    finish(command(corpus, tmp_path / "timed"))
    lasts = time.monotonic() - start
    moments = random.Random(1)
    for _ in range(10):
        process = command(corpus, tmp_path)
        time.sleep(lasts * moments.uniform(0.3, 1.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    finish(command(corpus, tmp_path))
    assert losses(tmp_path / "model") == losses(undisturbed)
    one, other = (load_file(folder / "model.safetensors") for folder in (undisturbed, tmp_path / "model"))
    assert all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_ten_kills_of_packing_end_in_the_same_bytes(corpus: Path, tmp_path: Path) -> None:
    options = {"vocabulary": "web", "documents": corpus / "documents", "tokenizer": corpus / "tokenizer"}
    section = {"data_seed": 1, "collections": {"web": ["text", "code"]}}

    def run() -> Any:
        process = start_stage(
            "tinyllama.pack", section, {**options, "packed": tmp_path / "packed"}, tmp_path, SELFSOWN_WORKERS="1"
        )
        return process

    start = time.monotonic()
    finish(run())
    lasts = time.monotonic() - start
    whole = {path.name: path.read_bytes() for path in (corpus / "packed").iterdir()}
    moments = random.Random(2)
    for _ in range(10):
        (tmp_path / "packed" / "card.json").unlink(missing_ok=True)
        process = run()
        time.sleep(lasts * moments.uniform(0.3, 1.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    finish(run())
    assert {path.name: path.read_bytes() for path in (tmp_path / "packed").iterdir()} == whole
