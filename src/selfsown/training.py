"""What the trainers of all pipelines share: resuming, MLflow, the settings' device and precision."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
from transformers.trainer_utils import get_last_checkpoint

from selfsown import tracking
from selfsown.settings import settings
from selfsown.shards import identity_digest, write_atomic

WORK = ".work"


def native_bf16(device: torch.device) -> bool:
    """Whether the device multiplies bf16 in its own units (AMX, tensor cores); elsewhere bf16 is slower than fp32."""
    return torch.cuda.is_bf16_supported() if device.type == "cuda" else torch.cpu._is_amx_tile_supported()


def execution_arguments() -> dict[str, Any]:
    """The part of `TrainingArguments` that the settings decide."""
    device = (
        torch.device("cpu") if settings().device == "cpu" or not torch.cuda.is_available() else torch.device("cuda")
    )
    bf16 = settings().precision == "bf16" or (settings().precision == "auto" and native_bf16(device))
    return {"use_cpu": device.type == "cpu", "bf16": bf16, "report_to": "none", "disable_tqdm": False}


def work_folder(model: Path, identity: Mapping[str, Any]) -> Path:
    """Where a training keeps its checkpoints until it is done: emptied when they are of another identity."""
    work = model / WORK
    mark = work / "identity"
    fingerprint = identity_digest(identity)
    if not (mark.is_file() and mark.read_text() == fingerprint):
        shutil.rmtree(model, ignore_errors=True)
        work.mkdir(parents=True)
        write_atomic(mark, fingerprint.encode())
    return work


def last_checkpoint(work: Path) -> str | None:
    """The newest whole checkpoint. The trainer writes `trainer_state.json` last; folders without a whole one go."""
    for folder in work.glob("checkpoint-*"):
        try:
            TrainerState.load_from_json(str(folder / "trainer_state.json"))
        except (OSError, ValueError, TypeError):
            shutil.rmtree(folder)
    found: str | None = get_last_checkpoint(str(work))
    return found


class LogToMlflow(TrainerCallback):
    """Hands what the trainer logs to the active run."""

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Numbers only, at the trainer's step."""
        if state.is_world_process_zero:
            numbers = {key: float(value) for key, value in (logs or {}).items() if isinstance(value, (int, float))}
            tracking.log_metrics(numbers, step=state.global_step)
