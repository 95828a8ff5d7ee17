"""Dropout as torch's own, drawn in another way."""

from __future__ import annotations

import pytest
import torch
from transformers import BertConfig, BertModel

from selfsown.diffaug.training.dropout import QuickDropout, dropout


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
@pytest.mark.parametrize("p", [0.1, 0.5])
def test_so_many_are_dropped_and_the_others_made_up_for(p: float, dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    values = torch.ones(1001, 333, dtype=dtype, requires_grad=True)
    made = dropout(values, p)
    made.sum().backward()
    kept = made != 0
    assert torch.equal(made[kept], torch.full_like(made[kept], 1 / (1 - round(p * 2**16) / 2**16)))
    assert values.grad is not None and torch.equal(values.grad, made.detach())
    for places in (kept, kept[:, ::4], kept[:, 1::4], kept[:, 2::4], kept[:, 3::4]):  # four numbers share 64 bits
        spread = (p * (1 - p) / places.numel()) ** 0.5
        assert (~places).double().mean().item() == pytest.approx(p, abs=5 * spread)
    both = (~kept[:, 1:] & ~kept[:, :-1]).double().mean().item()
    assert both == pytest.approx(p * p, abs=5 * (p * p / kept.numel()) ** 0.5 * 2)


def test_one_seed_draws_one_mask_and_without_training_there_is_none() -> None:
    values = torch.ones(50, 7)
    masks = []
    for seed in (1, 1, 2):
        torch.manual_seed(seed)
        masks.append(dropout(values, 0.3))
    assert torch.equal(masks[0], masks[1]) and not torch.equal(masks[0], masks[2])
    assert dropout(values, 0.3, training=False) is values and dropout(values, 0.0) is values


def test_all_dropout_of_an_encoder_is_drawn_so(monkeypatch: pytest.MonkeyPatch) -> None:
    config = BertConfig(vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)
    encoder = BertModel(config, add_pooling_layer=False).train()
    encoder.set_attn_implementation("eager")
    draws = []
    monkeypatch.setattr("selfsown.diffaug.training.dropout.dropout", lambda *args, **how: draws.append(1) or args[0])
    with QuickDropout():
        encoder(input_ids=torch.tensor([[3, 4, 5]]))
    assert len(draws) == 1 + 2 * 3  # the embeddings; in each layer the attention, its output and the layer's
