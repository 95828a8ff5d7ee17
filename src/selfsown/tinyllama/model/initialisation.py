"""First weights. Every weight is set here, none is left as it was allocated (the paper's repository once did)."""

from __future__ import annotations

from math import sqrt
from typing import Literal

import torch
from torch import Generator, nn
from transformers import LlamaForCausalLM

from selfsown.tinyllama.model.llama import PretrainedLlama

Initialisation = Literal["paper", "transformers", "copying"]


def fresh_model(config: object, kind: Initialisation, seed: int) -> PretrainedLlama:
    """A model with first weights drawn by the seed.

    `paper`: linear layers and embeddings N(0, sqrt(2 / (5 d))), the projections back into the residual stream
    N(0, 1 / (d^0.5 layers)) (lit-gpt's `_init_weights`, after GPT-NeoX). `transformers`: N(0, 0.02) throughout.
    `copying`: N(0, 0.06), W_k near W_q and W_o near W_v transposed, so that attention copies from the first step on.
    """
    model = PretrainedLlama(config)
    generator = torch.Generator().manual_seed(seed)
    width, layers = model.config.hidden_size, model.config.num_hidden_layers
    wide = {"paper": sqrt(2 / (5 * width)), "transformers": 0.02, "copying": 0.06}[kind]
    for name, module in model.named_modules():
        if isinstance(module, (nn.Linear, nn.Embedding)):
            back = kind == "paper" and name.endswith(("self_attn.o_proj", "mlp.down_proj"))
            _draw(module.weight, 1 / (sqrt(width) * layers) if back else wide, generator)
        elif name.endswith("norm"):
            nn.init.ones_(module.weight)
    if kind == "copying":
        _copy(model, wide, generator)
    return model


@torch.no_grad()
def _draw(weight: torch.Tensor, deviation: float, generator: Generator) -> None:
    weight.normal_(0.0, deviation, generator=generator)


@torch.no_grad()
def _copy(model: LlamaForCausalLM, deviation: float, generator: Generator) -> None:
    for layer in model.model.layers:
        attention = layer.self_attn
        if attention.q_proj.weight.shape == attention.k_proj.weight.shape:
            attention.k_proj.weight.copy_(attention.q_proj.weight)
            attention.o_proj.weight.copy_(attention.v_proj.weight.T)
            for weight in (attention.k_proj.weight, attention.o_proj.weight):
                weight.add_(torch.empty_like(weight).normal_(0.0, deviation / 4, generator=generator))
