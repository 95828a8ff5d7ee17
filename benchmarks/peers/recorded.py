"""What every trainer of the pre-training benchmark is given, and what is kept of it."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch.optim.optimizer import register_optimizer_step_post_hook

from selfsown.device import compute_device, compute_dtype
from selfsown.tinyllama.model.flops import measured_peak

INITIAL, SEQUENCES, PACKED, TOKENIZER, JOB = "initial", "sequences.npy", "packed", "tokenizer", "job.json"
"""In the folder of a job: first weights, the batches one after another `[steps x batch, context + 1]`, and the rest."""


@dataclass(frozen=True)
class Job:
    """One training: a shape of the registry, `steps` of `batch` sequences of `context` tokens, and the optimizer's."""

    shape: str
    context: int
    batch: int
    steps: int
    seed: int
    learning_rate: float = 1e-3
    least_rate: float = 0.1
    """Of the learning rate, at the end of the cosine."""
    warmup: int = 2
    weight_decay: float = 0.1
    beta2: float = 0.95
    clip: float = 1.0

    def write(self, folder: Path) -> None:
        """As `job.json`."""
        (folder / JOB).write_text(json.dumps(asdict(self)))

    @classmethod
    def read(cls, folder: Path) -> Job:
        """From `job.json`."""
        return cls(**json.loads((folder / JOB).read_text()))

    def arguments(self) -> dict[str, Any]:
        """As `TrainingArguments` names them; all else is left at its default."""
        return {
            "per_device_train_batch_size": self.batch,
            "learning_rate": self.learning_rate,
            "lr_scheduler_type": "cosine_with_min_lr",
            "lr_scheduler_kwargs": {"min_lr_rate": self.least_rate},
            "warmup_steps": self.warmup,
            "weight_decay": self.weight_decay,
            "adam_beta2": self.beta2,
            "max_grad_norm": self.clip,
            "logging_steps": 1,
        }


class Recorder:
    """When each step of any optimizer ended, by torch's hook: nothing that a trainer does between two is left out."""

    def __init__(self) -> None:
        self.ends: list[tuple[float, float]] = []
        self.peak = measured_peak(compute_device(), compute_dtype())
        register_optimizer_step_post_hook(lambda *_: self.ends.append((time.perf_counter(), time.process_time())))

    def write(self, losses: list[float]) -> None:
        """On the standard output, as the last line: seconds between steps (also the processor's), losses, the peak."""
        seconds, processor = np.diff(self.ends, axis=0).T.tolist()
        found = {"seconds": seconds, "processor_seconds": processor, "losses": losses, "peak": self.peak}
        print("\n" + json.dumps(found), flush=True)


def job_folder() -> Path:
    """The folder that this process was given."""
    return Path(sys.argv[1])


def sequences(folder: Path) -> torch.Tensor:
    """`[steps x batch, context + 1]`."""
    return torch.from_numpy(np.load(folder / SEQUENCES))
