"""Where tensors live and what they are multiplied in, as the settings say."""

from __future__ import annotations

import torch

from selfsown.errors import UserError
from selfsown.settings import settings


def compute_device() -> torch.device:
    """The device of the settings; `auto` prefers CUDA.

    Raises:
        UserError: the settings ask for CUDA, and torch finds none.
    """
    name = settings().device
    if name == "cuda" and not torch.cuda.is_available():
        raise UserError("SELFSOWN_DEVICE: 'cuda' is not allowed: torch finds no CUDA device here: auto or cpu")
    return torch.device(("cuda" if torch.cuda.is_available() else "cpu") if name == "auto" else name)


def compute_dtype() -> torch.dtype:
    """What to multiply in: `auto` is bf16 where the device has units for it (tensor cores, AMX, AVX512), else fp32.

    Without such units bf16 is slower than fp32. With AVX512's a product takes half the time of fp32.
    """
    precision = settings().precision
    if precision == "auto":
        on_gpu = compute_device().type == "cuda"
        precision = "bf16" if (torch.cuda.is_bf16_supported() if on_gpu else _processor_multiplies_bf16()) else "fp32"
    return {"fp32": torch.float32, "bf16": torch.bfloat16}[precision]


def _processor_multiplies_bf16() -> bool:
    return bool(torch.cpu._is_amx_tile_supported() or torch.cpu._is_avx512_bf16_supported())
