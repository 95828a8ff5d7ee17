"""The registry of shapes: Llama 2's architecture in the sizes we train (paper, table 1; `lit_gpt/config.py`)."""

from __future__ import annotations

from transformers import LlamaConfig

SHAPES: dict[str, dict[str, object]] = {
    "pico": {"hidden_size": 96, "intermediate_size": 256, "num_hidden_layers": 2, "num_attention_heads": 3},
    "nano": {"hidden_size": 128, "intermediate_size": 352, "num_hidden_layers": 4, "num_attention_heads": 4},
    "micro": {"hidden_size": 192, "intermediate_size": 512, "num_hidden_layers": 4, "num_attention_heads": 6},
    "mini": {"hidden_size": 256, "intermediate_size": 704, "num_hidden_layers": 4, "num_attention_heads": 8},
    "50M": {"hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 12, "num_attention_heads": 9},
    "120M": {
        "hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 12, "num_attention_heads": 12,
        "num_key_value_heads": 1,
    },
    "1.1b": {
        "hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22, "num_attention_heads": 32,
        "num_key_value_heads": 4,
    },
    "code-1.1b": {
        "hidden_size": 2048, "intermediate_size": 5632, "num_hidden_layers": 22, "num_attention_heads": 32,
        "num_key_value_heads": 4, "rope_parameters": {"rope_type": "linear", "rope_theta": 10_000.0, "factor": 4.0},
    },
}  # fmt: skip
"""By name. `1.1b` and `120M` are the paper's; `code-1.1b` has 8k context by position interpolation (positions / 4).

The embeddings of the small ones are tied to the head: with 4,096 tokens they would be half of the model, twice.
"""

TIED = frozenset({"pico", "nano", "micro", "mini", "50M"})


def llama_config(shape: str, vocabulary: int, context: int, *, bos: int, eos: int, pad: int | None) -> LlamaConfig:
    """The configuration of a shape: no biases, RMSNorm 1e-5, full rotary with base 10,000, half-split.

    Args:
        vocabulary: tokens, as many as the tokenizer has.
        context: tokens it is trained to see.
    """
    found = {"rope_parameters": {"rope_type": "default", "rope_theta": 10_000.0}, **SHAPES[shape]}
    return LlamaConfig(
        vocab_size=vocabulary,
        max_position_embeddings=context,
        rms_norm_eps=1e-5,
        tie_word_embeddings=shape in TIED,
        attention_bias=False,
        mlp_bias=False,
        bos_token_id=bos,
        eos_token_id=eos,
        pad_token_id=pad,
        use_cache=True,
        **found,
    )
