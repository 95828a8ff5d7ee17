"""Trainings ask for room on the disk first, and one that runs out of it goes on once there is some."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest
import torch
from tests.plainly import plainly  # noqa: F401 - a fixture
from torch import Tensor, nn
from transformers import Trainer, TrainingArguments, set_seed

from selfsown import disk
from selfsown.disk import DiskFull
from selfsown.identity import Identity
from selfsown.settings import settings
from selfsown.training import finish, last_checkpoint, library_arguments, train_to_end, work_folder

IDENTITY = Identity("toys.train", {}, {}, {}, "code")
FULL = Path("/dev/full")

pytestmark = pytest.mark.usefixtures("plainly")


class Line(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(1000, 1)

    def forward(self, x: Tensor, labels: Tensor) -> dict[str, Tensor]:
        return {"loss": ((self.layer(x)[:, 0] - labels) ** 2).mean()}


def trainer(work: Path) -> Trainer:
    set_seed(1)
    block = {"max_steps": 6, "save_strategy": "steps", "save_steps": 2, "per_device_train_batch_size": 2}
    arguments = library_arguments(TrainingArguments, block, work=work, section="toys.train", keep_best=False)
    rows = [{"x": torch.full((1000,), float(index)), "labels": torch.tensor(1.0)} for index in range(12)]
    return Trainer(Line(), arguments, train_dataset=rows)


class Usage(NamedTuple):
    free: int


def test_room_for_all_checkpoints_is_asked_for_before_the_first_step(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    work = work_folder(tmp_path / "model", IDENTITY)
    made = trainer(work)
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: Usage(20_000))
    # 1,001 weights of 4 bytes: 3 checkpoints with Adam's two numbers for each, and the model itself
    told = rf"^{tmp_path}/model: the disk is full: the training, with its checkpoints, needs 40 kB, 20 kB more"
    with pytest.raises(DiskFull, match=told):
        train_to_end(made, work)
    assert made.state.global_step == 0 and not list(work.glob("checkpoint-*"))


@pytest.mark.skipif(not FULL.exists(), reason="needs Linux's /dev/full")
def test_a_training_that_ran_out_of_room_goes_on_from_its_last_checkpoint(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def save(made: Trainer, folder: Path) -> None:
        torch.save(made.model.state_dict(), folder / "weights.pt")

    def full(self: Trainer, output_dir: str) -> None:
        if output_dir.endswith("-4"):
            torch.save(self.optimizer.state_dict(), FULL)
        real(self, output_dir)

    whole = work_folder(tmp_path / "whole", IDENTITY)
    expected = trainer(whole)
    train_to_end(expected, whole)
    work = work_folder(tmp_path / "model", IDENTITY)
    real = Trainer._save_optimizer_and_scheduler
    with monkeypatch.context() as patch:
        patch.setattr(Trainer, "_save_optimizer_and_scheduler", full)
        with pytest.raises(DiskFull, match=rf"^{tmp_path}/model: the disk is full: a checkpoint needs "):
            train_to_end(trainer(work), work)
    assert [path.name for path in work.glob("checkpoint-*")] == ["checkpoint-2"], "the half one makes room"
    again = trainer(work)
    train_to_end(again, work)
    assert torch.equal(again.model.layer.weight, expected.model.layer.weight)
    with pytest.raises(DiskFull, match=rf"^{tmp_path}/model: the disk is full: the trained model needs "):
        finish(work, lambda _: torch.save(again.model.state_dict(), FULL), [])
    finish(work, lambda folder: save(again, folder), [])
    assert sorted(path.name for path in work.parent.iterdir()) == ["training.json", "weights.pt"]


def test_a_training_goes_on_in_another_checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    volume, model = tmp_path / "volume", Path("models/line")
    monkeypatch.setenv("SELFSOWN_WORK", str(volume))
    settings.cache_clear()
    for checkout in ("first", "second"):
        (tmp_path / checkout).mkdir()
    monkeypatch.chdir(tmp_path / "first")
    work = work_folder(model, IDENTITY)
    train_to_end(trainer(work), work)  # and is killed before it is finished
    monkeypatch.chdir(tmp_path / "second")
    shutil.rmtree(tmp_path / "first")
    other = work_folder(Path("models/other"), IDENTITY)
    assert last_checkpoint(other) is None, "another output of the same stage"
    work = work_folder(model, IDENTITY)
    assert Path(last_checkpoint(work) or "").name == "checkpoint-6"
    finish(work, lambda folder: (folder / "weights").mkdir(), [])
    assert sorted(path.name for path in model.iterdir()) == ["training.json", "weights"]
    assert [path.resolve() for path in (volume / "unfinished").iterdir()] == [other.resolve()]
    changed = replace(IDENTITY, code="other code")
    assert last_checkpoint(work_folder(Path("models/other"), changed)) is None
    settings.cache_clear()
