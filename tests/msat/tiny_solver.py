"""Solvers small enough for tests: a two-layer BERT of width 32 with a word tokenizer of its own."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from selfsown.arithmetic import evaluate, parse_prefix
from selfsown.msat.solvers.backbone import DagParams, DecoderParams, SolverConfig
from selfsown.msat.solvers.representation import Problem

torch.set_num_threads(1)  # tiny tensors: a second thread only waits

WORDS = (
    "[PAD]",
    "[UNK]",
    "[CLS]",
    "[SEP]",
    "#",
    ".",
    *"0123456789",
    *(f"number{i}" for i in range(6)),
    *"ABKXYZ?=+-*/",
)


def tiny_tokenizer() -> PreTrainedTokenizerFast:
    """One token per word or mark, between [CLS] and [SEP]."""
    tokenizer = Tokenizer(models.WordLevel({word: i for i, word in enumerate(WORDS)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Split("#", "isolated")]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="[PAD]", unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]"
    )


def tiny_encoder(folder: Path) -> Path:
    """A random encoder's folder, as `msat.encoder` makes it."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
        max_position_embeddings=64, initializer_range=0.2,
    )  # fmt: skip
    BertModel(config, add_pooling_layer=False).save_pretrained(folder)
    tiny_tokenizer().save_pretrained(folder)
    return folder


def tiny_config(kind: str, **changes: object) -> SolverConfig:
    """No dropout anywhere, so that batches can be compared."""
    return SolverConfig(
        kind=kind, style="digits", bottleneck=8, max_tokens=60, encoder_dropout=0, constants=("100", "3.14"),
        decoder=DecoderParams(layers=2, heads=2, feed_forward=64, dropout=0, label_smoothing=0, max_length=48),
        dag=DagParams(dropout=0, margin=1, softness=0, max_steps=4, replacement=True),
    ).model_copy(update=changes)  # type: ignore[arg-type] # fmt: skip


def problem(question: str, numbers: str, equation: str) -> Problem:
    """A problem from its texts, `numbers` separated by spaces."""
    values = tuple(Fraction(number) for number in numbers.split())
    expression = parse_prefix(equation)
    return Problem(question, question, values, expression, evaluate(expression, values))


PROBLEMS = [
    problem("A = number0 . B = number1 . A + B ?", "3 5", "+ number0 number1"),
    problem("A = number0 . B = number1 . A - B ?", "9 4", "- number0 number1"),
    problem("A = number0 . B = number1 . B - A ?", "12 40", "- number1 number0"),
    problem("A = number0 . B = number1 . K = number2 . A * B + K ?", "2 6 30", "+ * number0 number1 number2"),
    problem("A = number0 . B = number1 . A / B ?", "84 2", "/ number0 number1"),
    problem("number0 X * Y ?", "1.5", "* number0 100"),
    problem("A = number0 . A + A ?", "7", "+ number0 number0"),
    problem("A = number0 . B = number1 . K = number2 . K / ( A - B ) ?", "8 5 27", "/ number2 - number0 number1"),
]
