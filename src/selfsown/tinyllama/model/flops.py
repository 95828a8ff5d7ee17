"""How many floating-point operations a token costs, and how many this machine makes in a second at best.

Their ratio is the model FLOPs utilisation (MFU; Chowdhery et al. 2022, appendix B).
"""

from __future__ import annotations

import time
from functools import cache

import torch
from transformers import LlamaForCausalLM

SIDES = (1024, 2048)
"""Of the matrices multiplied to find the peak: the better counts. Smaller ones fit caches that training's do not."""


def flops_per_token(model: LlamaForCausalLM, context: int) -> float:
    """Of a forward and backward pass: 6 N + 12 layers d T (lit-gpt's count: attention without its causal half off).

    N is the number of weights that are multiplied: all but the input embedding, which is looked up.
    """
    config = model.config
    weights = sum(weight.numel() for name, weight in model.named_parameters() if "embed_tokens" not in name)
    if config.tie_word_embeddings:
        weights += config.vocab_size * config.hidden_size
    return 6.0 * weights + 12.0 * config.num_hidden_layers * config.hidden_size * context


@cache
def measured_peak(device: torch.device, dtype: torch.dtype, seconds: float = 0.5) -> float:
    """Operations in a second of the fastest matrix product found on this machine, with the threads it trains on."""
    return max(_rate(side, device, dtype, seconds) for side in SIDES)


def _rate(side: int, device: torch.device, dtype: torch.dtype, seconds: float) -> float:
    left, right = (torch.randn(side, side, device=device).to(dtype) for _ in range(2))
    product = left @ right  # the first one also wakes threads and picks a kernel
    best, end = 0.0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = time.perf_counter()
        torch.matmul(left, right, out=product)
        _wait(device)
        best = max(best, 2.0 * side**3 / (time.perf_counter() - start))
    return best


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
