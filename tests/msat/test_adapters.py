"""Adapters in every architecture that is said to take them, and encoders cut to their bottom layers."""

import pytest
import torch
from transformers import AutoConfig, AutoModel, PreTrainedModel, T5EncoderModel

from selfsown.errors import UserError
from selfsown.msat.solvers.adapters import Adapted, add_adapters, own_weights, train_adapters_only
from selfsown.msat.solvers.encoder import keep_layers

LAYERS = 2
SIZES = {
    "vocab_size": 20, "hidden_size": 16, "num_hidden_layers": LAYERS, "num_attention_heads": 2, "intermediate_size": 32,
    "max_position_embeddings": 24, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1,
    "sep_token_id": 2, "embedding_size": 16, "dim": 16, "n_layers": LAYERS, "n_heads": 2, "hidden_dim": 32,
}  # fmt: skip


def encoder(kind: str) -> PreTrainedModel:
    torch.manual_seed(0)
    return AutoModel.from_config(AutoConfig.for_model(kind, **SIZES)).eval()


@pytest.mark.parametrize(
    "kind", ["bert", "roberta", "xlm-roberta", "electra", "deberta-v2", "mpnet", "distilbert", "modernbert"]
)
def test_two_a_layer_that_add_nothing_at_first_and_then_learn_alone(kind: str) -> None:
    model = encoder(kind)
    ids = torch.randint(3, 20, (2, 7))
    plain = model(input_ids=ids).last_hidden_state
    before = list(model.parameters())
    add_adapters(model, 4)
    adapters = [module for module in model.modules() if isinstance(module, Adapted)]
    assert len(adapters) == 2 * LAYERS
    torch.testing.assert_close(model(input_ids=ids).last_hidden_state, plain)
    assert {id(weight) for weight in own_weights(model)} == {id(weight) for weight in before}
    train_adapters_only(model)
    model(input_ids=ids).last_hidden_state.pow(2).sum().backward()
    assert all(adapter.up.weight.grad.abs().sum() > 0 for adapter in adapters)
    assert not [weight for weight in before if weight.grad is not None]


def test_an_architecture_that_is_not_known_is_named() -> None:
    small = {"d_model": 16, "d_kv": 8, "d_ff": 32, "num_layers": 1, "num_heads": 2, "vocab_size": 20}
    with pytest.raises(UserError, match=r"msat\.encoder\.source: no block of a 't5' encoder"):
        add_adapters(T5EncoderModel(AutoConfig.for_model("t5", **small)), 4)


def test_a_cut_encoder_gives_the_states_below_the_cut() -> None:
    ids = torch.randint(3, 20, (2, 7))
    whole = encoder("bert")
    below = whole(input_ids=ids, output_hidden_states=True).hidden_states[1]
    assert keep_layers(whole, None) is whole
    cut = keep_layers(whole, 1)
    torch.testing.assert_close(cut(input_ids=ids).last_hidden_state, below)
    assert cut.config.num_hidden_layers == 1, "so that it is loaded as it was saved"


@pytest.mark.parametrize(("kind", "layers", "have"), [("bert", 3, "2"), ("bert", 0, "2"), ("distilbert", 1, "none")])
def test_layers_that_are_not_there_are_refused(kind: str, layers: int, have: str) -> None:
    with pytest.raises(UserError, match=f"num_hidden_layers: {layers} is not allowed: the encoder has {have}"):
        keep_layers(encoder(kind), layers)
