"""What a pipeline says about the work of its stages: `works` in `<pipeline>/costs`, from parameters alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UNCHECKED = "unchecked"
COUNTED = "FLOP counter"
"""How a figure was checked: nothing trustworthy is published, or torch counts the same on a tiny model of its kind."""

FP32, ADAM = 4, 8
"""Bytes of a weight that is kept, and of what AdamW keeps beside it in a checkpoint."""


@dataclass(frozen=True)
class Work:
    """One stage, or one part of it such as a model or an arm.

    Attributes:
        examples: rows, sequences, windows or clips that are read or made, as often as they are.
        tokens: that pass a model.
        flops: of all passes.
        disk: bytes of what stays, checkpoints among it.
        hours: of a device, where something else than `flops` decides them.
        sources: that it fetches, by their names in the registry.
        assumed: what parameters do not say, each with where it is from.
        checked: against what the `flops` were checked.
    """

    stage: str
    part: str = ""
    examples: float = 0
    tokens: float = 0
    flops: float = 0
    disk: float = 0
    hours: float | None = None
    sources: tuple[str, ...] = ()
    assumed: tuple[str, ...] = ()
    checked: str = UNCHECKED


def trained_examples(arguments: Mapping[str, Any]) -> int:
    """Examples of all steps of a block of the library's arguments."""
    per_step = arguments["per_device_train_batch_size"] * arguments.get("gradient_accumulation_steps", 1)
    return int(per_step * arguments["max_steps"])


def trained_bytes(parameters: float, arguments: Mapping[str, Any]) -> float:
    """A trained model and the checkpoints that stay while it trains."""
    return parameters * (FP32 + arguments.get("save_total_limit", 1) * (FP32 + ADAM))
