"""Speculative decoding of a larger model by a smaller one (paper, section 4), by `transformers`' assisted generation.

Greedy, so that what comes out is what the larger model alone would say, up to ties.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from transformers import GenerationConfig, LlamaForCausalLM


@dataclass(frozen=True)
class Speculation:
    """Share of drafted tokens that were accepted; seconds without a draft over seconds with; share of equal texts."""

    acceptance: float
    speed_up: float
    equal: float


@torch.inference_mode()
def speculate(
    model: LlamaForCausalLM, draft: LlamaForCausalLM, prompts: Sequence[Sequence[int]], new: int, ahead: int
) -> Speculation:
    """Go on with each prompt by `new` tokens, with and without a draft that proposes `ahead` tokens at a time."""
    settings = GenerationConfig(
        max_new_tokens=new, min_new_tokens=new, do_sample=False, pad_token_id=model.config.pad_token_id,
        eos_token_id=model.config.eos_token_id, bos_token_id=model.config.bos_token_id,
    )  # fmt: skip
    draft.generation_config.num_assistant_tokens = ahead
    draft.generation_config.num_assistant_tokens_schedule = "constant"
    draft.generation_config.assistant_confidence_threshold = 0.0
    calls = [0]
    handle = model.register_forward_hook(lambda *_: calls.__setitem__(0, calls[0] + 1))
    alone, together = 0.0, 0.0
    accepted, proposed, equal = 0, 0, 0
    try:
        for ids in prompts:
            given = torch.tensor([list(ids)], device=model.device)
            plain, seconds = _timed(lambda: model.generate(given, generation_config=settings))  # noqa: B023
            alone += seconds
            calls[0] = 0
            helped, seconds = _timed(lambda: model.generate(given, generation_config=settings, assistant_model=draft))  # noqa: B023
            together += seconds
            # each call of the larger model says one token of its own beside those it accepts
            accepted += new - calls[0]
            proposed += calls[0] * ahead
            equal += int(torch.equal(plain, helped))
    finally:
        handle.remove()
    return Speculation(accepted / proposed, alone / together, equal / len(prompts))


def _timed(work: Callable[[], torch.Tensor]) -> tuple[torch.Tensor, float]:
    start = time.perf_counter()
    made = work()
    return made, time.perf_counter() - start
