"""The trainer: one curve over all periods, resumed to the bit, and every step's sequences where they belong."""

import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from accelerate import DistributedType
from safetensors.torch import load_file
from tests.profiles import PROFILES, composed
from transformers import TrainerCallback

from selfsown.errors import UserError
from selfsown.tinyllama.continual import ContinualParams, continual
from selfsown.tinyllama.packed.streams import TokenStream
from selfsown.tinyllama.pretrain import PretrainParams, pretrain
from selfsown.tinyllama.training import speed
from selfsown.tinyllama.training import trainer as trainers
from selfsown.tinyllama.training.trainer import PretrainingTrainer

SCHEDULE = [
    {"steps": 4, "mixture": {"text": 1}},
    {"steps": 2, "mixture": {"text": 1, "code": 1}, "ramp": 2},
    {"steps": 2, "mixture": {"text": 1, "code": 1}, "batch": 2},
]
GOLDEN = [5.7621, 5.7603, 4.5002, 3.8088, 3.3521, 2.7940, 2.3227, 2.0308]
"""Nats a token in the eight steps of `SCHEDULE`, seed 1, fp32: first that of a guess, ln 306 = 5.72."""


pytestmark = pytest.mark.usefixtures("plainly", "no_peak")


@pytest.fixture(scope="module")
def no_peak() -> Iterator[None]:
    """It takes half a second each time, and is not what is tested."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(speed, "measured_peak", lambda *_: 1e11)
        yield


def params(schedule: list[dict[str, Any]] | None = None, **arguments: Any) -> PretrainParams:
    block = {
        "per_device_train_batch_size": 2, "gradient_accumulation_steps": 2, "learning_rate": 1e-2, "warmup_steps": 2,
        "lr_scheduler_type": "cosine_with_min_lr", "lr_scheduler_kwargs": {"min_lr_rate": 0.1},
        "eval_strategy": "steps", "eval_steps": 4, "save_strategy": "steps", "save_steps": 1, "logging_steps": 1,
        **arguments,
    }  # fmt: skip
    model = {"shape": "pico", "context": 16, "validation": 4, "schedule": schedule or SCHEDULE, "arguments": block}
    return PretrainParams.model_validate({"seed": 1, "models": {"main": model}})


def made(corpus: Path, out: Path, given: PretrainParams | None = None) -> dict[str, float]:
    return dict(
        pretrain(given or params(), name="main", tokenizer=corpus / "tokenizer", packed=corpus / "packed", model=out)
    )


class Watch(TrainerCallback):
    """Keeps losses and rates by step, and stops the process's training at a step, as a kill would."""

    def __init__(self, stop: int | None = None) -> None:
        self.stop, self.losses, self.rates = stop, {}, {}

    def on_log(self, args: Any, state: Any, control: Any, logs: Any = None, **kwargs: Any) -> None:
        if "loss" in logs:
            self.losses[state.global_step], self.rates[state.global_step] = logs["loss"], logs["learning_rate"]

    def on_save(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        if state.global_step == self.stop:
            raise KeyboardInterrupt


def watched(monkeypatch: pytest.MonkeyPatch, watch: Watch) -> None:
    start = PretrainingTrainer.__init__

    def patched(self: PretrainingTrainer, **kwargs: Any) -> None:
        start(self, **kwargs)
        self.add_callback(watch)

    monkeypatch.setattr(PretrainingTrainer, "__init__", patched)


@pytest.fixture(scope="module")
def whole(
    plainly: None, no_peak: None, corpus: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[Path, Watch, dict[str, float]]:
    """An undisturbed training: its folder, what was seen of it, its figures."""
    folder, watch = tmp_path_factory.mktemp("whole") / "model", Watch()
    with pytest.MonkeyPatch.context() as patch:
        watched(patch, watch)
        return folder, watch, made(corpus, folder)


def test_every_period_of_the_schedule_is_trained_on_one_curve(whole: tuple[Path, Watch, dict[str, float]]) -> None:
    folder, watch, figures = whole
    assert list(watch.losses) == list(range(1, 9))
    assert list(watch.losses.values()) == pytest.approx(GOLDEN, abs=2e-3)
    # The rate that a step was taken with: warm-up from 0, then the cosine's way down to a tenth (never to the peak,
    # as for the paper's first 503 billion tokens).
    after = [1e-2 * (0.1 + 0.9 * 0.5 * (1 + np.cos(np.pi * (step - 2) / 6))) for step in range(2, 8)]
    np.testing.assert_allclose(list(watch.rates.values()), [0, 5e-3, *after], rtol=1e-6)
    history = json.loads((folder / "training.json").read_text())
    assert [point["step"] for point in history] == [4, 6, 8], "every fourth, and the last of a period"
    first, *_, last = (point["dev_bits_per_byte"] for point in history)
    assert figures["best_dev_bits_per_byte"] == last < first
    assert figures["mixture_text"] + figures["mixture_code"] == pytest.approx(1)
    assert figures["tokens_per_second"] > 0 and 0 < figures["mfu"] < 1
    assert not (folder / ".work").exists()


@pytest.mark.parametrize("stop", [3, 4, 7])  # in a period, at the end of one, in the one with larger steps
def test_a_training_that_was_killed_ends_up_the_same_to_the_bit(
    whole: tuple[Path, Watch, dict[str, float]],
    corpus: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    stop: int,
) -> None:
    folder, watch, _ = whole
    with monkeypatch.context() as patch:
        watched(patch, Watch(stop))
        with pytest.raises(KeyboardInterrupt):
            made(corpus, tmp_path / "killed")
    resumed, reads = Watch(), []
    watched(monkeypatch, resumed)
    read = TokenStream.read
    monkeypatch.setattr(TokenStream, "read", lambda self, *a: reads.append(a) or read(self, *a))
    made(corpus, tmp_path / "killed")
    assert resumed.losses == {step: loss for step, loss in watch.losses.items() if step > stop}
    one, other = (load_file(name / "model.safetensors") for name in (folder, tmp_path / "killed"))
    assert all(torch.equal(one[name], other[name]) for name in one)
    left = sum(4 * (2 if step > 6 else 1) for step in range(stop + 1, 9))
    assert len(reads) == left + 2, "the sequences of the steps that are left, and those to validate on; none again"


def test_a_checkpoint_without_its_optimizer_is_not_gone_on_from(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        watched(patch, Watch(3))
        with pytest.raises(KeyboardInterrupt):
            made(corpus, tmp_path / "killed")
    (tmp_path / "killed" / ".work" / "checkpoint-3" / "optimizer.pt").unlink()
    resumed = Watch()
    watched(monkeypatch, resumed)
    made(corpus, tmp_path / "killed")
    assert min(resumed.losses) == 3, "from the one before"


def test_all_weights_decay_as_in_the_papers_code(corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    groups: list[Any] = []
    build = PretrainingTrainer.create_optimizer

    def keep(self: PretrainingTrainer, *args: Any, **kwargs: Any) -> Any:
        optimizer = build(self, *args, **kwargs)
        groups[:] = [(group["weight_decay"], len(group["params"])) for group in optimizer.param_groups]
        return optimizer

    monkeypatch.setattr(PretrainingTrainer, "create_optimizer", keep)
    made(corpus, tmp_path / "model", params([{"steps": 1, "mixture": {"text": 1}}], weight_decay=0.1))
    assert [decay for decay, count in groups if count] == [0.1]


def test_activations_worked_out_again_change_no_loss(corpus: Path, tmp_path: Path) -> None:
    one_step = [{"steps": 1, "mixture": {"text": 1}}]
    for name, arguments in (("kept", {}), ("again", {"activation_checkpointing": True})):
        made(corpus, tmp_path / name, params(one_step, **arguments))
    kept, again = (load_file(tmp_path / name / "model.safetensors") for name in ("kept", "again"))
    assert all(torch.equal(kept[name], again[name]) for name in kept)


def test_without_a_compiler_training_goes_on_uncompiled(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    from torch._inductor import cpp_builder
    from torch._inductor.exc import InvalidCxxCompiler

    def missing() -> str:
        raise InvalidCxxCompiler

    monkeypatch.setattr(cpp_builder, "get_cpp_compiler", missing)
    assert trainers._compiled_where_possible({"torch_compile": True, "seed": 1}) == {"torch_compile": False, "seed": 1}
    assert "no C++ compiler on this machine" in caplog.text
    assert trainers._compiled_where_possible({"seed": 1}) == {"seed": 1}


def test_what_is_not_sharded_is_not_called_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """On processors the library takes FSDP for plain data parallelism and says nothing."""
    monkeypatch.setattr(trainers, "process_count", lambda: 2)
    used = SimpleNamespace(accelerator=SimpleNamespace(distributed_type=DistributedType.MULTI_CPU))
    with pytest.raises(UserError, match=r"arguments\.fsdp: the library would train with MULTI_CPU here instead"):
        trainers._assert_sharded(used, SimpleNamespace(fsdp=["full_shard"]))
    trainers._assert_sharded(used, SimpleNamespace(fsdp=[]))


def test_a_longer_context_squeezes_positions(corpus: Path, tmp_path: Path) -> None:
    made(corpus, tmp_path / "base", params([{"steps": 1, "mixture": {"text": 1}}]))
    (main,) = params([{"steps": 1, "mixture": {"code": 1}}]).models.values()
    block = main.model_dump(exclude={"shape", "initialisation"})
    given = ContinualParams.model_validate({"seed": 1, "models": {"code": {**block, "context": 64}}})
    out = tmp_path / "longer"
    continual(given, name="code", base=tmp_path / "base", packed=corpus / "packed", model=out)
    config = json.loads((out / "config.json").read_text())
    assert config["max_position_embeddings"] == 64
    assert config["rope_parameters"]["rope_type"] == "linear" and config["rope_parameters"]["factor"] == 4


def test_mistakes_are_named(corpus: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="the steps are those of the schedule"):
        params(max_steps=5)
    with pytest.raises(UserError, match=r"params\.yaml: tinyllama\.pretrain\.models\.main\.arguments: .*warm"):
        made(corpus, tmp_path / "model", params(warm=1))
    with pytest.raises(UserError, match=r"save_strategy: several periods need 'steps'"):
        made(corpus, tmp_path / "model", params(save_strategy="no"))
    with pytest.raises(UserError, match=r"tinyllama\.pretrain\.models: 'other' is not described"):
        pretrain(params(), name="other", tokenizer=corpus / "tokenizer", packed=corpus / "packed", model=tmp_path / "m")


@pytest.mark.parametrize("profile", PROFILES)
def test_no_profile_ends_at_the_rate_it_begins_with(profile: str) -> None:
    """The paper's code did for half of its training (issue 27)."""
    for model in composed(f"profile={profile}")["tinyllama"]["pretrain"]["models"].values():
        arguments = model["arguments"]
        assert arguments["lr_scheduler_type"] == "cosine_with_min_lr"
        assert arguments["lr_scheduler_kwargs"] == {"min_lr_rate": 0.1}
