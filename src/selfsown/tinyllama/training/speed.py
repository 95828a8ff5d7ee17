"""How fast a training is: tokens per second, and the share of the machine's peak that its operations make."""

from __future__ import annotations

import time
from typing import Any

from transformers import TrainerCallback, TrainingArguments

from selfsown.device import compute_device, compute_dtype
from selfsown.launcher import process_count
from selfsown.tinyllama.model.flops import flops_per_token, measured_peak
from selfsown.tinyllama.model.llama import PretrainedLlama


class Speed(TrainerCallback):
    """Tokens per second and MFU of reading and training; neither validation nor logging nor saving is in it."""

    def __init__(self, model: PretrainedLlama, context: int, arguments: TrainingArguments) -> None:
        per_step = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps
        self.tokens_per_step = per_step * context * process_count()
        self.flops = flops_per_token(model, context)
        self.peak = measured_peak(compute_device(), compute_dtype()) * process_count()
        self.seconds: list[float] = []
        self.logged = 0

    def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
        """The clock starts, and again after all that is no training."""
        self.start = time.perf_counter()

    on_log = on_evaluate = on_save = on_train_begin

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        """A step was read and taken; a GPU has waited for its gradients' norm by then."""
        now = time.perf_counter()
        self.seconds.append(now - self.start)
        self.start = now

    def since_last(self) -> dict[str, float]:
        """Over the steps since this was asked before."""
        seconds, self.logged = self.seconds[self.logged :], len(self.seconds)
        return self._rates(seconds)

    def totals(self) -> dict[str, float]:
        """Over all steps of this process but the first, which warms up and compiles."""
        return self._rates(self.seconds[1:])

    def _rates(self, seconds: list[float]) -> dict[str, float]:
        if not seconds:
            return {}
        rate = self.tokens_per_step * len(seconds) / sum(seconds)
        return {"tokens_per_second": rate, "mfu": rate * self.flops / self.peak}
