"""Kill -9 over the adaptation of an XTTS, and over the pool of prompts that it imitates."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from safetensors.torch import load_file
from tests.killing import Job, campaign, contents, listing
from tests.plainly import plainly
from tests.speech_bt.test_adapt_tts import ARGUMENTS, PARAMS, write_speech, write_world
from tests.speech_bt.test_prompts import PARAMS as POOL
from tests.speech_bt.tiny_whisper import tiny_model, tiny_processor
from tests.speech_bt.tiny_xtts import write_tiny_xtts

from selfsown.sources.tree import file_sha256
from selfsown.training import last_checkpoint

__all__ = ["plainly"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800), pytest.mark.usefixtures("plainly")]

STEPS = 16
SETTINGS = {"SELFSOWN_DEVICE": "cpu", "SELFSOWN_PRECISION": "fp32", "SELFSOWN_TRACKING": "false"}


def write_params(folder: Path, step: str, params: dict[str, Any]) -> None:
    shared = {key: params[key] for key in ("seed", "data_seed", "languages") if key in params}
    own = {key: value for key, value in params.items() if key not in shared}
    (folder / "params.yaml").write_text(yaml.safe_dump({**shared, "speech_bt": {step: own}}))


def adapting(tmp_path: Path) -> Job:
    write_world(tmp_path)
    arguments = ARGUMENTS | {"max_steps": STEPS}
    write_params(tmp_path, "adapt_tts", PARAMS | {"arguments": arguments})
    weights: dict[str, torch.Tensor] = {}
    files: set[str] = set()

    def same_weights(model: Path) -> None:
        found = load_file(model / "model.safetensors")
        assert found.keys() == weights.keys() and all(torch.equal(found[name], weights[name]) for name in weights)

    def sound(model: Path) -> None:
        if (model / "model.safetensors").exists():
            same_weights(model)
        if (model / ".work" / "identity").exists() and (found := last_checkpoint(model / ".work")):
            assert load_file(Path(found, "model.safetensors"))
            assert torch.load(Path(found, "optimizer.pt"), weights_only=True)["state"]

    def whole(model: Path, _: int) -> None:
        weights.update(weights or load_file(model / "model.safetensors"))
        same_weights(model)
        files.update(files or listing(model))
        assert set(listing(model)) == files and ".work" not in files
        assert [point["step"] for point in json.loads((model / "training.json").read_text())] == [4, 8, 12, 16]

    options = ["--tts", "tts", "--codes", "codes", "--speech", "speech", "--model", "model"]
    return Job(tmp_path, ["speech_bt.adapt_tts", *options], "model", sound, whole, SETTINGS)


def test_adapt_tts(tmp_path: Path) -> None:
    job = adapting(tmp_path)
    begun, end = job.undisturbed()
    shutil.rmtree(tmp_path / "model")
    # before a file of the finished model has its name, while the checkpoints are removed
    windows = [r"rename .*training\.json", r"rename .*vocab\.json", rf"rmdir .*checkpoint-{STEPS}"]
    campaign(job, windows, begun, end)


def test_prompts(tmp_path: Path) -> None:
    judge, tts = tmp_path / "judge", tmp_path / "tts"
    tiny_model().export(judge)
    tiny_processor().save_pretrained(judge)
    tts.mkdir()
    write_tiny_xtts(tts)
    write_speech(tmp_path / "speech", seed=31)
    write_params(tmp_path, "prompts", POOL | {"limit": 8, "shard_size": 2})
    expected: dict[str, str] = {}

    def sound(out: Path) -> None:
        for path in out.glob("*/part-*.parquet"):
            assert file_sha256(path) == expected[path.relative_to(out).as_posix()]
        for card in out.glob("*/card.json"):
            assert (
                contents(card.parent).items()
                >= {
                    Path(name).name: digest for name, digest in expected.items() if name.startswith(card.parent.name)
                }.items()
            )

    def whole(out: Path, _: int) -> None:
        expected.update(expected or contents(out))
        assert contents(out) == expected and len(expected) > 16

    options = ["--judge", "judge", "--tts", "tts", "--speech", "speech"]
    options += ["--measured", "made/measured", "--prompts", "made/prompts"]
    job = Job(tmp_path, ["speech_bt.prompts", *options], "made", sound, whole, SETTINGS)
    begun, end = job.undisturbed()
    shutil.rmtree(tmp_path / "made")
    # before a shard or the pool's card has its name, while the work folder is removed
    campaign(job, [r"rename .*part-00007", r"rename .*prompts/.*card\.json", r"remove .*00009\.json"], begun, end)
