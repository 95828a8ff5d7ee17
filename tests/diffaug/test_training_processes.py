"""Training as processes: two of them as one, and kills at any moment."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.diffaug.test_stages import weights
from tests.diffaug.tiny_encoders import contrast_params, prefix_params, write_world
from tests.stage_process import finish, start_stage

pytestmark = [pytest.mark.usefixtures("plainly"), pytest.mark.slow, pytest.mark.timeout(1200)]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory, plainly: None) -> dict[str, Path]:
    """With dropout in the encoder, and without: two processes draw their own."""
    root = tmp_path_factory.mktemp("worlds")
    made = {name: write_world(root / name, dropout) for name, dropout in (("drops", 0.1), ("keeps", 0.0))}
    for world in made.values():
        finish(command("prefix", "main", world, world))
        (world / "model").rename(world / "prefix")
    return made


def command(stage: str, name: str, world: Path, folder: Path, **settings: str) -> subprocess.Popen[bytes]:
    options: dict[str, object] = {
        "encoder": world / "encoder",
        "triplets": world / "triplets",
        "model": folder / "model",
    }
    # Plain steps of the gradient itself: Adam would hide its scale, and make much of what is rounding alone.
    arguments = {"max_steps": 8, "optim": "sgd", "learning_rate": 1e-2, "max_grad_norm": 0}
    changes: dict[str, Any] = {"recompute": True, "arguments": arguments}
    if stage == "prefix":
        size = {"length": 4, "hidden": 16, "dropout": 0.1 if world.name == "drops" else 0.0}
        params: Any = prefix_params(prefix=size, **changes)
        options["name"] = name
    else:
        params = contrast_params(**changes)
        options |= {"arm": name, "prose": world / "prose"}
        if name != "simcse":
            options["prefix"] = world / "prefix"
    section = params.model_dump(mode="json")
    return start_stage(f"diffaug.{stage}", section, options, folder, SELFSOWN_DEVICE="cpu", **settings)


def curve(model: Path) -> list[float]:
    return [value for point in json.loads((model / "training.json").read_text()) for value in point.values()]


@pytest.mark.parametrize(
    ("stage", "name"), [("prefix", "main"), ("contrast", "simcse"), ("contrast", "diffaug"), ("contrast", "semi")]
)
def test_two_processes_are_as_one(stage: str, name: str, worlds: dict[str, Path], tmp_path: Path) -> None:
    world = worlds["keeps"]
    finish(command(stage, name, world, tmp_path / "one"))
    finish(command(stage, name, world, tmp_path / "two", SELFSOWN_LAUNCHER="torchrun", SELFSOWN_NPROC="2"), 400)
    one, two = tmp_path / "one/model", tmp_path / "two/model"
    assert curve(two) == pytest.approx(curve(one), abs=1e-5)
    assert torch.allclose(weights(one), weights(two), atol=1e-4)


def test_kills_end_in_the_same_weights(worlds: dict[str, Path], tmp_path: Path) -> None:
    """At moments spread over a run, and soon after a checkpoint: some are half-written then."""
    world = worlds["drops"]
    start = time.monotonic()
    finish(command("contrast", "semi", world, tmp_path / "whole"))
    lasts = time.monotonic() - start
    moments, work, resumed = random.Random(1), tmp_path / "killed/model/.work", 0
    for place in range(6):
        process = command("contrast", "semi", world, tmp_path / "killed")
        known = set(work.glob("checkpoint-*"))
        while place % 2 and process.poll() is None and set(work.glob("checkpoint-*")) <= known:
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.1) if place % 2 else lasts * moments.uniform(0.4, 1.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
        resumed += any(work.glob("checkpoint-*"))
    finish(command("contrast", "semi", world, tmp_path / "killed"))
    assert resumed > 1
    assert torch.equal(weights(tmp_path / "whole/model"), weights(tmp_path / "killed/model"))
    assert curve(tmp_path / "whole/model") == curve(tmp_path / "killed/model")
