"""A sentence encoder's folder: the encoder as `AutoModel` reads it, its tokenizer, the prefix, what it is.

`selfsown.diffaug.sentence_module` makes a `SentenceTransformer` of the same folder.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModel

from selfsown.diffaug.embedding.description import (
    PREFIX_WEIGHTS,
    EmbeddingParams,
    PrefixParams,
    describe,
    read_description,
)
from selfsown.diffaug.embedding.encoder import SentenceEncoder
from selfsown.diffaug.embedding.prefix import PrefixEncoder
from selfsown.diffaug.embedding.template import Template, read_tokenizer
from selfsown.errors import UserError, first_line

_TOKENIZER = (
    "tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "vocab.txt",
    "vocab.json", "merges.txt", "sentencepiece.bpe.model",
)  # fmt: skip


def new_encoder(folder: Path, params: EmbeddingParams, prefix: PrefixParams | None) -> tuple[SentenceEncoder, Any]:
    """A sentence encoder over the encoder of a folder, its prefix drawn at random; and its tokenizer.

    Raises:
        UserError: no encoder of BERT's or RoBERTa's kind, or one whose tokenizer or positions do not suffice.
    """
    tokenizer = read_tokenizer(folder)
    try:
        lm = AutoModel.from_pretrained(
            folder, use_safetensors=True, dtype=torch.float32, add_pooling_layer=False, local_files_only=True
        )
    except (OSError, TypeError, ValueError) as error:
        raise UserError(f"{folder}: no encoder that can be used: {first_line(error)}") from None
    template = Template.of(tokenizer, params)
    before = PrefixEncoder(prefix, lm.config) if prefix is not None else None
    return SentenceEncoder(lm, template, params, before), tokenizer


def load_encoder(folder: Path) -> tuple[SentenceEncoder, Any]:
    """The sentence encoder of a folder in fp32, ready to be asked, and its tokenizer.

    Raises:
        UserError: not a whole one.
    """
    said = read_description(folder)
    encoder, tokenizer = new_encoder(folder, said.embedding, said.prefix)
    if encoder.prefix is not None:
        load_prefix(encoder.prefix, folder)
    return encoder.eval(), tokenizer


def load_prefix(prefix: PrefixEncoder, folder: Path) -> None:
    """Give a prefix the weights of a folder.

    Raises:
        UserError: none are there, or of another shape.
    """
    path = folder / PREFIX_WEIGHTS
    try:
        prefix.load_state_dict(load_file(path))
    except (OSError, RuntimeError) as error:
        raise UserError(f"{path}: not this model's prefix: {first_line(error)}") from None


def save_prefix(prefix: PrefixEncoder, folder: Path) -> None:
    """Its weights, as `load_prefix` reads them."""
    save_file({name: weight.contiguous() for name, weight in prefix.state_dict().items()}, folder / PREFIX_WEIGHTS)


def save_encoder(encoder: SentenceEncoder, source: Path, folder: Path, card: str) -> None:
    """Write a sentence encoder's folder.

    Args:
        source: the folder whose tokenizer it uses, which is copied as it is.
        card: README of the folder, Markdown.
    """
    encoder.lm.save_pretrained(folder)
    for name in _TOKENIZER:
        if (source / name).is_file():
            shutil.copyfile(source / name, folder / name)
    if encoder.prefix is not None:
        save_prefix(encoder.prefix, folder)
    describe(folder, encoder.params, encoder.prefix.params if encoder.prefix is not None else None, card)
