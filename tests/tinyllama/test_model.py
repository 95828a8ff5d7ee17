"""The model: the paper's sizes and first weights, the loss of whole logits, a folder that the library reads."""

from math import sqrt
from pathlib import Path

import pytest
import torch
from tests.tinyllama.corpora import tiny_tokenizer
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer, LlamaForCausalLM

from selfsown.tinyllama.model.flops import flops_per_token, measured_peak
from selfsown.tinyllama.model.initialisation import fresh_model
from selfsown.tinyllama.model.llama import PretrainedLlama, save_model
from selfsown.tinyllama.model.shapes import SHAPES, llama_config
from selfsown.tinyllama.training.data import positions

TOKENS = {"bos": 0, "eos": 1, "pad": 2}


def small(shape: str = "pico", vocabulary: int = 320, context: int = 32, **kinds: object) -> PretrainedLlama:
    config = llama_config(shape, vocabulary, context, **TOKENS)
    return fresh_model(config, **{"kind": "paper", "seed": 1, **kinds})


@pytest.mark.parametrize(
    ("shape", "parameters"), [("1.1b", 1_100_048_384), ("code-1.1b", 1_100_048_384), ("120M", 121_129_728)]
)
def test_the_papers_shapes_have_its_parameters(shape: str, parameters: int) -> None:
    with torch.device("meta"):
        model = LlamaForCausalLM(llama_config(shape, 32_000, 2048, **TOKENS))
    assert model.num_parameters() == parameters


def test_every_shape_is_a_llama_with_a_width_that_its_heads_share() -> None:
    for name in SHAPES:
        config = llama_config(name, 512, 64, **TOKENS)
        assert config.hidden_size % config.num_attention_heads == 0
        assert config.rms_norm_eps == 1e-5 and not config.attention_bias and not config.mlp_bias


def test_interpolated_positions_are_a_quarter() -> None:
    config = llama_config("code-1.1b", 512, 8192, **TOKENS)
    assert config.rope_parameters == {"rope_type": "linear", "rope_theta": 10_000.0, "factor": 4.0}


def test_first_weights_are_the_papers() -> None:
    model = small("mini")
    width, layers = 256, 4
    for name, weight in model.state_dict().items():
        if weight.dim() == 1:
            assert (weight == 1).all(), name
            continue
        back = name.endswith(("o_proj.weight", "down_proj.weight"))
        wanted = 1 / (sqrt(width) * layers) if back else sqrt(2 / (5 * width))
        assert float(weight.std()) == pytest.approx(wanted, rel=0.02), name
        assert abs(float(weight.mean())) < wanted / 20, name


def test_first_weights_follow_the_seed_and_nothing_else() -> None:
    torch.manual_seed(5)
    first = small()
    torch.manual_seed(6)
    second, other = small(), small(seed=2)
    pairs = list(zip(first.parameters(), second.parameters(), other.parameters(), strict=True))
    assert all(torch.equal(a, b) for a, b, _ in pairs)
    assert not any(torch.equal(a, c) for a, _, c in pairs if a.dim() > 1)


@pytest.mark.parametrize("kind", ["paper", "transformers", "copying"])
def test_no_weight_is_left_as_it_was_allocated(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The paper's repository once made models of empty memory: here memory is full of NaN until it is set."""
    monkeypatch.setattr(
        LlamaForCausalLM, "init_weights", lambda self: [w.data.fill_(float("nan")) for w in self.parameters()]
    )
    assert all(torch.isfinite(weight).all() for weight in small(kind=kind).parameters())


def test_copying_weights_look_at_what_they_are_and_give_it_back() -> None:
    attention = small("nano", kind="copying").model.layers[0].self_attn
    query, key, value, out = (getattr(attention, f"{name}_proj").weight for name in "qkvo")
    for one, other in ((query, key), (out, value.T)):
        alike = torch.nn.functional.cosine_similarity(one.flatten(), other.flatten(), dim=0)
        assert alike > 0.9


def test_the_chunked_loss_is_that_of_whole_logits() -> None:
    model, plain = small(), LlamaForCausalLM(llama_config("pico", 320, 32, **TOKENS))
    plain.load_state_dict(model.state_dict())
    tokens = torch.randint(3, 320, (70, 33))  # more than two chunks
    loss = model(input_ids=tokens[:, :-1], labels=tokens[:, 1:])["loss"]
    logits = plain(input_ids=tokens[:, :-1]).logits
    whole = cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
    torch.testing.assert_close(loss, whole, rtol=1e-5, atol=1e-6)
    loss.backward()
    whole.backward()
    for (name, one), other in zip(model.named_parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(one.grad, other.grad, rtol=1e-3, atol=1e-5, msg=name)


def test_documents_do_not_see_each_other_where_positions_begin_anew() -> None:
    model = small().eval()
    first, second = torch.randint(3, 320, (1, 9)), torch.randint(3, 320, (1, 7))
    first[0, 0] = second[0, 0] = 0
    joined = torch.cat([first, second], dim=1)
    apart = positions(joined, begin=0)
    assert apart.tolist() == [[*range(9), *range(7)]]
    hidden = model.model(input_ids=joined, position_ids=apart, use_cache=False).last_hidden_state
    alone = model.model(input_ids=second, use_cache=False).last_hidden_state
    torch.testing.assert_close(hidden[:, 9:], alone, rtol=1e-4, atol=1e-5)
    across = model.model(input_ids=joined, use_cache=False).last_hidden_state
    assert not torch.allclose(across[:, 9:], alone, atol=1e-3)


def test_the_folder_is_what_the_library_reads(tmp_path: Path) -> None:
    model, tokenizer = small(), tiny_tokenizer()
    save_model(model, tokenizer, tmp_path)
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path)
    assert type(loaded) is LlamaForCausalLM and loaded.config.architectures == ["LlamaForCausalLM"]
    for (name, one), other in zip(model.state_dict().items(), loaded.state_dict().values(), strict=True):
        assert torch.equal(one, other), name
    words = AutoTokenizer.from_pretrained(tmp_path)
    given = torch.tensor([words("the cat").input_ids])
    assert given[0, 0] == words.bos_token_id
    assert loaded.generate(given, max_new_tokens=5, do_sample=False).shape[1] <= given.shape[1] + 5
    assert loaded.generation_config.eos_token_id == loaded.config.eos_token_id == 1


def test_flops_are_six_a_weight_and_twelve_a_place_of_attention() -> None:
    with torch.device("meta"):
        model = LlamaForCausalLM(llama_config("1.1b", 32_000, 2048, **TOKENS))
    weights = 1_100_048_384 - 32_000 * 2048
    assert flops_per_token(model, 2048) == 6 * weights + 12 * 22 * 2048 * 2048
    tied = small()
    assert flops_per_token(tied, 0) == 6 * sum(weight.numel() for weight in tied.parameters())


def test_the_peak_is_some_matrix_product_of_this_machine() -> None:
    peak = measured_peak(torch.device("cpu"), torch.float32, seconds=0.05)
    assert 1e9 < peak < 1e14
