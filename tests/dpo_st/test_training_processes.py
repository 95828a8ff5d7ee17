"""Training as processes: two of them as one, and kills at any moment."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.dpo_st.test_sft import weights
from tests.dpo_st.tiny_samplers import Kind, write_model
from tests.dpo_st.tiny_training import BOTH, dpo_params, sft_params, write_labels, write_pairs, write_problems
from tests.stage_process import ZERO_2, finish, start_stage

pytestmark = [pytest.mark.usefixtures("plainly"), pytest.mark.slow, pytest.mark.timeout(1200)]

ZERO_3 = {**ZERO_2, "zero_optimization": {"stage": 3, "stage3_gather_16bit_weights_on_model_save": True}}
SIZES = {"per_device_train_batch_size": 2, "gradient_accumulation_steps": 4, "save_total_limit": 1}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, plainly: None) -> Path:
    """A folder a kind, with `base`, `problems`, `labels` and `pairs`; the reference is the base."""
    root = tmp_path_factory.mktemp("world")
    for kind in BOTH:
        write_model(root / kind / "base", kind)
        write_problems(root / kind / "problems", kind)
        write_labels(root / kind / "labels", kind)
        write_pairs(root / kind / "pairs", kind, root / kind / "base")
    return root


def command(
    stage: str, kind: Kind, world: Path, folder: Path, steps: int = 6, arguments: dict[str, Any] | None = None,
    **settings: str,
) -> subprocess.Popen[bytes]:  # fmt: skip
    given = world / kind
    options: dict[str, object] = {"name": "main", "problems": given / "problems", "model": folder / "model"}
    if stage == "sft":
        params: Any = sft_params(steps, arguments={**SIZES, **(arguments or {})})
        options |= {"base": given / "base", "labels": given / "labels"}
    else:
        params = dpo_params(steps, arguments={**SIZES, **(arguments or {})})
        options |= {"reference": given / "base", "pairs": given / "pairs"}
    section = params.model_dump(mode="json")
    return start_stage(f"dpo_st.{stage}", section, options, folder, SELFSOWN_DEVICE="cpu", **settings)


def curve(model: Path) -> list[float]:
    """The losses of all steps, then what was measured on the dev questions."""
    losses = json.loads((model / "losses.json").read_text())
    measured = json.loads((model / "training.json").read_text())
    return [*(point["loss"] for point in losses), *(value for point in measured for value in point.values())]


@pytest.mark.parametrize(
    ("stage", "kind", "zero"),
    [
        *((stage, kind, ZERO_2) for stage in ("sft", "dpo") for kind in BOTH),
        ("sft", "unigram", ZERO_3),
        *(("dpo", kind, ZERO_3) for kind in BOTH),
    ],
)
def test_two_processes_are_as_one(stage: str, kind: Kind, zero: dict[str, Any], world: Path, tmp_path: Path) -> None:
    path = str(Path(sys.executable).parent)  # no compiler is there
    finish(command(stage, kind, world, tmp_path / "one"))
    two = command(
        stage, kind, world, tmp_path / "two", arguments={"deepspeed": zero}, SELFSOWN_LAUNCHER="torchrun",
        SELFSOWN_NPROC="2", PATH=path,
    )  # fmt: skip
    finish(two, 400)
    one, other = (curve(tmp_path / name / "model") for name in ("one", "two"))
    assert other == pytest.approx(one, abs=1e-5)
    assert torch.allclose(*(weights(tmp_path / name / "model") for name in ("one", "two")), atol=1e-4)


@pytest.mark.parametrize("kind", BOTH)
def test_ten_kills_of_dpo_end_in_the_same_weights(kind: Kind, world: Path, tmp_path: Path) -> None:
    """At five moments spread over a run, and five soon after a checkpoint: some are half-written then."""
    start = time.monotonic()
    finish(command("dpo", kind, world, tmp_path / "whole", steps=40))
    lasts = time.monotonic() - start
    moments, work, resumed = random.Random(1), tmp_path / "killed/model/.work", 0
    for place in range(10):
        process = command("dpo", kind, world, tmp_path / "killed", steps=40)
        known = set(work.glob("checkpoint-*"))
        while place % 2 and process.poll() is None and set(work.glob("checkpoint-*")) <= known:
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.1) if place % 2 else lasts * moments.uniform(0.3, 1.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        resumed += any(work.glob("checkpoint-*"))
    finish(command("dpo", kind, world, tmp_path / "killed", steps=40))
    whole, killed = (tmp_path / name / "model" for name in ("whole", "killed"))
    assert resumed > 3
    assert torch.equal(weights(whole), weights(killed))
    for name in ("training.json", "losses.json", "cost.json"):
        assert (whole / name).read_text() == (killed / name).read_text()
