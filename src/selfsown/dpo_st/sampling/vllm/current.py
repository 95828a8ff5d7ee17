"""The calculator in vLLM's newer engine: a request has a slot for life, its rows change places in every step."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

from torch import Tensor

from selfsown.dpo_st.language.models import load_tokenizer
from selfsown.dpo_st.sampling.calculator import Row, Spelling, Step

_interface: Any = import_module("vllm.v1.worker.gpu.sample.logits_processor.interface")


class Calculators(_interface.LogitsProcessor):
    """One calculator a slot, and how many tokens of the answer it has heard."""

    def __init__(self, vllm_config: Any, req_states: Any) -> None:
        super().__init__(vllm_config, req_states)
        self._spelling = Spelling(load_tokenizer(Path(vllm_config.model_config.tokenizer)))
        self._spelling.cover(req_states.vocab_size)
        self._states = req_states
        self._rows: dict[int, Row] = {}
        self._heard: dict[int, int] = {}

    def add_request(self, req_idx: int, sampling_params: Any) -> bool:
        """A request takes the slot, for the first time or after it had to make way for another."""
        self._rows[req_idx], self._heard[req_idx] = Row(self._spelling), 0
        return True

    def apply(self, logits: Tensor, ctx: Any) -> Tensor:
        """Logits `[rows, vocabulary]`, changed in place."""
        step = Step(self._spelling)
        rows = zip(ctx.expanded_idx_mapping.tolist(), ctx.pos.tolist(), ctx.input_ids.tolist(), strict=True)
        for place, (slot, position, token) in enumerate(rows):
            before = position - int(self._states.prompt_len.np[slot])
            if before < 0:  # the prompt's last token, or a part of the prompt
                continue
            if before != self._heard[slot]:
                self._hear_again(slot, before)
            step.take(place, self._rows[slot], token)
            self._heard[slot] = before + 1
        return step.apply(logits)

    def _hear_again(self, slot: int, count: int) -> None:
        """The first `count` tokens of an answer that was begun before the request took this slot."""
        prompt = int(self._states.prompt_len.np[slot])
        self._rows[slot] = Row(self._spelling)
        for token in self._states.all_token_ids.gpu[slot, prompt : prompt + count].tolist():
            self._rows[slot].after(token)
