"""Models and tokenizers small enough for tests, of both kinds and three ways to cut text into tokens."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import torch
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from selfsown.products import CardInfo
from selfsown.reasoning.rationale import RATIONALE
from selfsown.shards import write_product

torch.set_num_threads(1)  # tiny tensors: a second thread only waits

Kind = Literal["digits", "groups", "unigram"]
KINDS: tuple[Kind, ...] = ("digits", "groups", "unigram")
LINES = [
    f"Anna sold {a}/{b} = <<{a}/{b}={a * b}>>{a * b} clips for $0.{b} each in May.\n#### {a * b}"
    for a in range(3, 900, 41)
    for b in (2, 35)
]
BRACKETS = [line.replace("<<", "[ ").replace(">>", "] ").replace("\n", " ").replace("<", "") for line in LINES]
CARD = CardInfo(name="made", licence="CC0-1.0", source="made here", seed=1)


def tiny_tokenizer(kind: Kind) -> PreTrainedTokenizerFast:
    """Byte-level BPE with single digits or groups of three, or a unigram vocabulary without `<`, as T5's is."""
    made = _trained(kind)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer.from_str(made),
        bos_token="<s>", eos_token="</s>", pad_token="<pad>", unk_token="<unk>",
        clean_up_tokenization_spaces=False,
    )  # fmt: skip
    roles = "{{ bos_token }}<|user|>{{ messages[0]['content'] }}{% if add_generation_prompt %}<|assistant|>{% endif %}"
    tokenizer.chat_template = "{{ messages[0]['content'] }}" if kind == "unigram" else roles
    return tokenizer


@cache
def _trained(kind: Kind) -> str:
    special = ["<pad>", "</s>", "<unk>", "<s>", "<|user|>", "<|assistant|>"]
    if kind == "unigram":
        made = Tokenizer(models.Unigram())
        made.pre_tokenizer, made.decoder = pre_tokenizers.Metaspace(), decoders.Metaspace()
        trainer: Any = trainers.UnigramTrainer(
            vocab_size=220, special_tokens=special, unk_token="<unk>", show_progress=False,
            initial_alphabet=[*"0123456789+-*/=.[]()$#"],
        )  # fmt: skip
        made.train_from_iterator(BRACKETS, trainer)
    else:
        made = Tokenizer(models.BPE())
        digits = Regex(rf"\p{{N}}{{1,{1 if kind == 'digits' else 3}}}")
        made.pre_tokenizer = pre_tokenizers.Sequence(
            [pre_tokenizers.Split(digits, "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False)]
        )
        made.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=420, special_tokens=special, show_progress=False,
            initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        )  # fmt: skip
        made.train_from_iterator(LINES, trainer)
    return str(made.to_str())


def tiny_llama(tokenizer: Any, room: int = 256) -> LlamaForCausalLM:
    """Two layers of random weights, large enough that its scores differ."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(tokenizer), hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=4,
        num_key_value_heads=2, max_position_embeddings=room, initializer_range=0.3, tie_word_embeddings=True,
        bos_token_id=tokenizer.bos_token_id, eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    return LlamaForCausalLM(config).eval()


def tiny_t5(tokenizer: Any) -> T5ForConditionalGeneration:
    """Two layers on each side."""
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=len(tokenizer), d_model=32, d_kv=8, d_ff=64, num_layers=2, num_decoder_layers=2, num_heads=4,
        dropout_rate=0.0, initializer_factor=1.0, decoder_start_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id, pad_token_id=tokenizer.pad_token_id,
    )  # fmt: skip
    return T5ForConditionalGeneration(config).eval()


def tiny_model(kind: Kind) -> tuple[Any, PreTrainedTokenizerFast]:
    """The encoder-decoder has the unigram vocabulary."""
    tokenizer = tiny_tokenizer(kind)
    return (tiny_t5(tokenizer) if kind == "unigram" else tiny_llama(tokenizer)), tokenizer


def write_model(folder: Path, kind: Kind) -> Path:
    """A folder that `AutoTokenizer` and the model classes load."""
    model, tokenizer = tiny_model(kind)
    model.save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


def question(place: int) -> str:
    """Questions of very different lengths."""
    return f"Anna sold {place} clips." + " She sold clips in May." * (place % 7)


def write_problems(folder: Path, count: int = 12) -> Path:
    """Every third question labelled, two in the pool, and one each of the splits that nobody may learn from."""
    splits = [*("labelled" if place % 3 == 0 else "pool" for place in range(count)), "dev", "test", "unseen"]
    rows = [
        {
            "id": f"q{place:03d}", "question": question(place), "answer": str(place),
            "rationale": f"It is {place}.\n#### {place}" if split != "pool" else "", "masked": "", "numbers": [],
            "equation": "", "steps": 0, "group": f"g{place}", "source": "made", "split": split,
        }
        for place, split in enumerate(splits)
    ]  # fmt: skip
    write_product(folder, [pa.Table.from_pylist(rows, RATIONALE)], schema=RATIONALE, card=CARD)
    return folder
