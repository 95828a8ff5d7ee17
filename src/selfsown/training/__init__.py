"""What the trainers of all pipelines share: resuming, MLflow, the settings' device, precision and processes."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, TypeVar

import torch
from pydantic import AfterValidator
from torch import distributed
from transformers import (
    EarlyStoppingCallback,
    Trainer,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)
from transformers.trainer_utils import get_last_checkpoint

from selfsown import disk, tracking, unfinished
from selfsown.device import compute_device, compute_dtype
from selfsown.errors import UserError
from selfsown.files import write_json
from selfsown.identity import Identity
from selfsown.launcher import is_main_process, launched, process_count

OPTIMIZERS = ("optimizer.pt", "optimizer.bin", "optimizer_*", "global_step*/*optim_states.pt")
"""Where a checkpoint has its optimizer: plainly, with FSDP (whole or in shards), with DeepSpeed."""

Arguments = TypeVar("Arguments", bound=TrainingArguments)


def execution_arguments() -> dict[str, Any]:
    """The part of `TrainingArguments` that the settings decide."""
    return {
        "use_cpu": compute_device().type == "cpu",
        "bf16": compute_dtype() == torch.bfloat16,
        "report_to": "none",
        "disable_tqdm": False,
    }


def library_arguments(
    kind: type[Arguments], block: Mapping[str, Any], *, work: Path, section: str, keep_best: bool = True, **decided: Any
) -> Arguments:
    """A parameter block as the library's own arguments, with what the settings and the caller decide.

    The model of the best validation is kept at the end, or that of the last step.

    Raises:
        UserError: a key or value the library does not take, checkpoints that miss the best step, a batch that the
            processes cannot share, or DeepSpeed without a launcher.
    """
    if "deepspeed" in block:
        _prepare_deepspeed(section)
    try:
        made = kind(
            output_dir=str(work),
            remove_unused_columns=False,
            load_best_model_at_end=keep_best,
            restore_callback_states_from_checkpoint=True,
            **decided,
            **execution_arguments(),
            **{**block, **_share(block, process_count())},
        )
    except (TypeError, ValueError) as error:
        raise UserError(f"params.yaml: {section}.arguments: {error}") from None
    if keep_best and (made.save_strategy != made.eval_strategy or made.save_steps != made.eval_steps):
        raise UserError(
            f"params.yaml: {section}.arguments: save_strategy and save_steps must be eval_strategy and eval_steps: the "
            "best step is kept, so each that is measured is saved"
        )
    if made.n_gpu > 1:  # would be torch's DataParallel, with a larger batch; the launcher is for several GPUs
        made._n_gpu = 1
    return made


def _prepare_deepspeed(section: str) -> None:
    if not launched():
        raise UserError(f"params.yaml: {section}.arguments.deepspeed: needs SELFSOWN_LAUNCHER=deepspeed or torchrun")
    if compute_device().type == "cpu":
        import deepspeed  # imported here: it takes seconds

        # Its shared-memory kernel would need a C++ compiler; gloo does the same.
        deepspeed.ops.__compatible_ops__["deepspeed_shm_comm"] = False


def bounded(block: Mapping[str, Any]) -> dict[str, Any]:
    """A block that says how many steps there are: the order of the examples is planned for them.

    Raises:
        ValueError: it does not.
    """
    if not (isinstance(block.get("max_steps"), int) and block["max_steps"] >= 1):
        raise ValueError("max_steps must be there, and at least 1: the order of what is read is planned for it")
    return dict(block)


Bounded = Annotated[dict[str, Any], AfterValidator(bounded)]
"""Such a block as a parameter."""


def planned_batches(block: Mapping[str, Any]) -> tuple[int, int]:
    """Examples in a batch, and batches in all steps together: what one process alone reads.

    Several processes share each step's batches, so that their number is nothing but speed.
    """
    batch, accumulated = _per_step(block)
    return batch, int(block["max_steps"]) * accumulated


def _per_step(block: Mapping[str, Any]) -> tuple[int, int]:
    return int(block.get("per_device_train_batch_size", 8)), int(block.get("gradient_accumulation_steps", 1))


def _share(block: Mapping[str, Any], processes: int) -> dict[str, int]:
    """What each process does of a step: some of its batches, or a part of each.

    Raises:
        ValueError: neither their number nor their size can be divided.
    """
    batch, accumulated = _per_step(block)
    if accumulated % processes == 0:
        accumulated //= processes
    elif batch % processes == 0:
        batch //= processes
    else:
        raise ValueError(
            f"gradient_accumulation_steps {accumulated} or per_device_train_batch_size {batch} must be divisible by "
            f"the {processes} processes that SELFSOWN_NPROC asks for: they share each step"
        )
    return {"per_device_train_batch_size": batch, "gradient_accumulation_steps": accumulated}


def work_folder(model: Path, identity: Identity) -> Path:
    """Where a training keeps its checkpoints until it is done: emptied when they are of another identity."""
    if is_main_process():
        return unfinished.begin(model, identity)
    work = model / unfinished.WORK
    while not unfinished.is_begun(work, identity):
        time.sleep(0.05)  # the main process is about to
    return work


def train_to_end(trainer: Trainer, work: Path) -> None:
    """Train from the last whole checkpoint to the best step, which every process then has.

    Raises:
        DiskFull: no room for the checkpoints, before the first step; or for one that is due.
    """
    there = last_checkpoint(work)
    weights, checkpoint = _checkpoint_bytes(trainer.model)
    if is_main_process():
        wanted = checkpoint * _most_checkpoints(trainer.args) + weights
        disk.check(work.resolve().parent, "the training, with its checkpoints,", wanted - disk.bytes_below(work))
    try:
        with disk.writing(work.resolve().parent, "a checkpoint", checkpoint):
            trainer.train(resume_from_checkpoint=there)
    except disk.DiskFull:
        _drop_unfinished(work)
        raise
    _wait_for_all()  # the main process will drop the checkpoints


def _checkpoint_bytes(model: torch.nn.Module) -> tuple[int, int]:
    """Bytes of a model's weights, and of a checkpoint of them: Adam keeps two numbers for each that is trained."""
    weights = sum(weight.numel() * weight.element_size() for weight in model.parameters())
    return weights, weights + 8 * sum(weight.numel() for weight in model.parameters() if weight.requires_grad)


def _most_checkpoints(arguments: TrainingArguments) -> int:
    """How many there are at a time: those kept, the best if it is another, and the one that is being written."""
    if arguments.save_strategy == "no":
        return 0
    steps = arguments.save_steps if arguments.save_steps >= 1 else max(1, arguments.save_steps * arguments.max_steps)
    made = math.ceil(max(arguments.max_steps, 1) / steps)
    limit = arguments.save_total_limit
    return made if limit is None else min(made, limit + 1 + (limit == 1 and arguments.load_best_model_at_end))


def _wait_for_all() -> None:
    if distributed.is_available() and distributed.is_initialized():
        distributed.barrier()


def dev_history(trainer: Trainer, measure: str) -> list[dict[str, float]]:
    """What was measured on the dev split, by step: `step` and `dev_<measure>`."""
    name = f"eval_{measure}"
    return [{"step": x["step"], f"dev_{measure}": x[name]} for x in trainer.state.log_history if name in x]


def finish(
    work: Path, save: Callable[[Path], None], history: Sequence[Mapping[str, float]], best: Callable[..., float] = max
) -> dict[str, float]:
    """The end of a training: the model saved with its dev history beside it, the checkpoints dropped.

    Args:
        save: writes the model into an empty folder.
        best: of the history; it is returned as `best_dev_<measure>`.

    Only the main process does any of it.
    """
    if not is_main_process():
        return {}
    made = work / "export"
    shutil.rmtree(made, ignore_errors=True)
    with disk.writing(work.parent, "the trained model", _saved_weights(work), scratch=made):
        made.mkdir()
        save(made)
        write_json(made / "training.json", history)
    for path in sorted(made.iterdir()):
        unfinished.place(path, work.parent)
    unfinished.end(work)
    names = [name for name in history[0] if name != "step"] if history else []
    return {f"best_{name}": best(point[name] for point in history) for name in names}


def last_checkpoint(work: Path) -> str | None:
    """The newest whole checkpoint. The trainer writes `trainer_state.json` last; folders without a whole one go.

    So do those without an optimizer: the trainer would go on with a fresh one and not say so.
    """
    _drop_unfinished(work)
    _wait_for_all()
    found: str | None = get_last_checkpoint(str(work))
    return found


def _drop_unfinished(work: Path) -> None:
    for folder in work.glob("checkpoint-*") if is_main_process() else ():
        try:
            TrainerState.load_from_json(str(folder / "trainer_state.json"))
            if not any(path for pattern in OPTIMIZERS for path in folder.glob(pattern)):
                raise FileNotFoundError(folder / "optimizer.pt")
        except (OSError, ValueError, TypeError):
            shutil.rmtree(folder)


def _saved_weights(work: Path) -> int:
    """Bytes of the weights in the largest checkpoint: what the model takes too; 0 without one."""
    folders = work.glob("checkpoint-*")
    return max((sum(file.stat().st_size for file in folder.glob("*.safetensors")) for folder in folders), default=0)


class Patience(EarlyStoppingCallback):
    """The library's early stopping, and a run that was killed when it had stopped stops again."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """Its count of validations without a better one is in the checkpoint."""
        super().on_train_begin(args, state, control, **kwargs)
        if self.early_stopping_patience_counter >= self.early_stopping_patience:
            control.should_training_stop = True


class LogToMlflow(TrainerCallback):
    """Hands what the trainer logs to the active run."""

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **kwargs: Any
    ) -> None:
        """All that the checkpoint knows was logged: some may not have reached the run before the kill."""
        for logs in state.log_history:
            self._log({key: value for key, value in logs.items() if key != "step"}, int(logs["step"]), state)

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,
        logs: dict[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        """Numbers only, at the trainer's step."""
        self._log(logs or {}, state.global_step, state)

    @staticmethod
    def _log(logs: Mapping[str, Any], step: int, state: TrainerState) -> None:
        if state.is_world_process_zero:
            numbers = {key: float(value) for key, value in logs.items() if isinstance(value, (int, float))}
            tracking.log_metrics(numbers, step=step)
