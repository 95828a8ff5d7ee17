"""The calculator in vLLM's older engine: rows are told when they come, go and change places."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor

from selfsown.dpo_st.language.models import load_tokenizer
from selfsown.dpo_st.sampling.calculator import Row, Spelling, Step

_interface: Any = import_module("vllm.v1.sample.logits_processor.interface")


@dataclass
class _Request:
    """A request's calculator, its answer so far, which vLLM lengthens, and how much of it was heard."""

    row: Row
    answer: list[int]
    heard: int = 0


class Calculators(_interface.LogitsProcessor):
    """One calculator for each row of the batch."""

    def __init__(self, vllm_config: Any, device: Any, is_pin_memory: bool) -> None:
        self._spelling = Spelling(load_tokenizer(Path(vllm_config.model_config.tokenizer)))
        self._requests: dict[int, _Request] = {}

    def is_argmax_invariant(self) -> bool:
        """It forces tokens, so the likeliest one changes too."""
        return False

    def update_state(self, batch_update: Any) -> None:
        """Follow the rows: those that left, that came, that moved, in this order."""
        if batch_update is None:
            return
        requests = self._requests
        for place in batch_update.removed:
            requests.pop(place, None)
        for place, _, _, answer in batch_update.added:
            requests[place] = _Request(Row(self._spelling), answer)
        for first, second, direction in batch_update.moved:
            one, other = requests.pop(first, None), requests.pop(second, None)
            if one is not None:
                requests[second] = one
            if other is not None and direction is _interface.MoveDirectionality.SWAP:
                requests[first] = other

    def apply(self, logits: Tensor) -> Tensor:
        """Logits `[rows, vocabulary]`, changed in place."""
        self._spelling.cover(logits.shape[-1])
        step = Step(self._spelling)
        for place, request in self._requests.items():
            unheard = request.answer[request.heard :]
            for token in unheard[:-1]:
                request.row.after(token)
            for token in unheard[-1:]:
                step.take(place, request.row, token)
            request.heard = len(request.answer)
        return step.apply(logits)
