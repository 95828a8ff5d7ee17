"""What tinyllama's stages cost, for `selfsown plan`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from selfsown.plan.architectures import TRAINED, CausalLM, Layers
from selfsown.plan.models import Model
from selfsown.plan.work import COUNTED, Work, trained_bytes, trained_examples
from selfsown.tinyllama.model.shapes import SHAPES, TIED

VOCABULARY = 32_000
VOCABULARY_OF_A_SOURCE = f"a tokenizer that is taken over has {VOCABULARY:,} tokens: Llama 2's"
LONGEST_CHATS = "chats as long as the context, which is the most they can be"
PUBLISHED = "published"
"""24,000 tokens/s are 56 % of an A100, 300 B tokens took 3,456 hours of one: TinyLlama's README."""


def models(params: Mapping[str, Any]) -> dict[str, Model]:
    """Every model that is pre-trained, by its folder: other pipelines start from them."""
    section = params["tinyllama"]
    return {
        f"models/tinyllama/pretrain/{name}": _llama(section["pretrain"]["models"][name]["shape"], vocabulary, section)
        for name, vocabulary in section["matrix"]["pretrained"].items()
    }


def works(params: Mapping[str, Any], made: Mapping[str, Model]) -> Iterator[Work]:
    """Training; what evaluation takes beside it is little."""
    section = params["tinyllama"]
    matrix = section["matrix"]
    for vocabulary in matrix["vocabularies"]:
        if source := section["tokenizer"]["tokenizers"][vocabulary].get("source"):
            yield Work("tinyllama.tokenizer", vocabulary, sources=(source,))
    for name, vocabulary in matrix["pretrained"].items():
        model = section["pretrain"]["models"][name]
        checked = PUBLISHED if model["shape"] == "1.1b" else COUNTED
        yield _training("pretrain", name, model, _llama(model["shape"], vocabulary, section), checked, section)
    for name, after in matrix["continued"].items():
        network = _llama(section["pretrain"]["models"][after["base"]]["shape"], after["vocabulary"], section)
        yield _training("continual", name, section["continual"]["models"][name], network, COUNTED, section)
    chat = section["chat"]
    source = chat.get("source")
    for name in matrix["chats"]:
        model = section["pretrain"]["models"][name]
        network = _llama(model["shape"], matrix["pretrained"][name], section)
        examples, tokens = trained_examples(chat["arguments"]), model["context"]
        yield Work(
            "tinyllama.chat", name, examples, examples * tokens, TRAINED * examples * network.forward(tokens),
            trained_bytes(network.parameters, chat["arguments"]), sources=(source,) if source else (),
            assumed=(LONGEST_CHATS,), checked=COUNTED,
        )  # fmt: skip


def _training(
    stage: str, name: str, model: Mapping[str, Any], network: CausalLM, checked: str, section: Mapping[str, Any]
) -> Work:
    steps = sum(period["steps"] * period.get("batch", 1) for period in model["schedule"])
    examples = trained_examples({**model["arguments"], "max_steps": steps})
    of_source = network.vocabulary == VOCABULARY
    return Work(
        f"tinyllama.{stage}", name, examples, examples * model["context"],
        TRAINED * examples * network.forward(model["context"]), trained_bytes(network.parameters, model["arguments"]),
        assumed=(VOCABULARY_OF_A_SOURCE,) if of_source else (), checked=checked,
    )  # fmt: skip


def _llama(name: str, vocabulary: str, section: Mapping[str, Any]) -> CausalLM:
    said: dict[str, Any] = SHAPES[name]
    width, heads = said["hidden_size"], said["num_attention_heads"]
    key_value = said.get("num_key_value_heads", heads) * (width // heads)
    layers = Layers(said["num_hidden_layers"], width, said["intermediate_size"], gated=True, key_value=key_value)
    tokenizer = section["tokenizer"]["tokenizers"][vocabulary]
    return CausalLM(layers, VOCABULARY if tokenizer.get("source") else tokenizer["size"], tied=name in TIED)
