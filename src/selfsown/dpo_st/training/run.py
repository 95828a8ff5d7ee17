"""What both kinds of training share: the library's arguments, the run to the best step, what is left in the folder."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from transformers import Trainer, TrainingArguments

from selfsown.dpo_st.language.models import save_model
from selfsown.dpo_st.training.cost import COST, Weights
from selfsown.dpo_st.training.plan import Planned
from selfsown.errors import UserError
from selfsown.files import write_json
from selfsown.training import dev_history, finish, library_arguments, train_to_end

Arguments = TypeVar("Arguments", bound=TrainingArguments)

REPORTS = ("training.json", "losses.json", COST)
"""What training says of itself in a model's folder."""

_CHECKPOINTING = {"activation_checkpointing", "gradient_checkpointing"}


def training_arguments(
    kind: type[Arguments], block: Mapping[str, Any], *, work: Path, section: str, **decided: Any
) -> Arguments:
    """A parameter block as TRL's arguments; what TRL does to save memory by itself is not done unless asked for.

    Raises:
        UserError: a key or value that the library does not take, or checkpoints that miss the best step.
    """
    asked = {name: value for name, value in block.items() if name != "max_length"}  # rows are measured before
    plainly = {} if _CHECKPOINTING & asked.keys() else {"activation_checkpointing": False}
    return library_arguments(kind, {**plainly, **asked}, work=work, section=section, **decided)


def only_plain(arguments: TrainingArguments, plain: Mapping[str, Any], section: str) -> None:
    """What TRL's trainer can vary is at these values, where a model is trained by another.

    Raises:
        UserError: one is not.
    """
    for name, value in plain.items():
        if getattr(arguments, name) != value:
            raise UserError(f"params.yaml: {section}.arguments.{name}: an encoder-decoder is trained with {value!r}")


def train(
    trainer: Trainer,
    planned: Planned[Any],
    work: Path,
    *,
    measure: str,
    best: Callable[..., float],
    start: Path | None = None,
) -> dict[str, float]:
    """Train to the best step; a killed run goes on from its last whole checkpoint.

    Beside the weights stand `training.json`, `dev_<measure>` by step, `losses.json`, the loss that was trained on by
    step, and `cost.json`: the tokens that were read in all steps, those after the best one too, and the operations
    that this took.

    Args:
        best: of the measures.
        start: the model that training begins with, where it may stay the best.

    Returns:
        `best_dev_<measure>`, `tokens`, `flops`.
    """
    model, weights = trainer.model, Weights.of(trainer.model)
    train_to_end(trainer, work)
    rows = trainer.state.global_step * len(planned) // trainer.state.max_steps
    spent = weights.cost(*planned.read(rows))
    kept = start if trainer.state.best_model_checkpoint is None else None
    made = trainer.accelerator.get_state_dict(trainer.model_wrapped)  # of all processes, where they share it
    losses = [{"step": x["step"], "loss": x["loss"]} for x in trainer.state.log_history if "loss" in x]

    def save(folder: Path) -> None:
        if kept is None:
            save_model(model, trainer.processing_class, folder, made)
        else:
            shutil.copytree(kept, folder, ignore=shutil.ignore_patterns(*REPORTS), dirs_exist_ok=True)
        write_json(folder / "losses.json", losses)
        write_json(folder / COST, spent)

    return {**finish(work, save, dev_history(trainer, measure), best), **spent}
