"""The tokenizer: byte-level BPE trained on the mix, or one that a source has (the paper: Llama 2's, 32,000 tokens).

documents -> a folder that `AutoTokenizer.from_pretrained` reads. Every text has tokens and comes back from them as it
was: the alphabet is the 256 bytes. Digits are grouped from the left by `digits`: 1 as the paper, 3 where a small model
must copy numbers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Self

import numpy as np
import pyarrow.compute as pc
from pydantic import Field, model_validator
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

from selfsown.errors import UserError
from selfsown.files import whole_folder
from selfsown.params import Params
from selfsown.products import iter_product
from selfsown.shards.seeds import purpose_seed
from selfsown.sources import fetch
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.tinyllama.vocabulary.forms import BEGIN, CHAT_TEMPLATE, END, PAD, SPECIAL, load_tokenizer


class Vocabulary(Params):
    """One tokenizer: trained on `characters` shared out by `mixture`, or the `tokenizer.json` that `source` has."""

    source: str | None = None
    mixture: dict[str, float] = Field(default_factory=dict, description="collection: weight")
    characters: int = Field(0, ge=0, description="of text to train on, all collections together")
    size: int = Field(32_000, ge=256 + len(SPECIAL), le=1 << 16)
    digits: int = Field(1, ge=1, le=3, description="digits that one token may have at most")

    @model_validator(mode="after")
    def _trained_or_taken(self) -> Self:
        if (self.source is None) != bool(self.mixture and self.characters):
            raise ValueError("give either `source`, or `mixture` and `characters` to train on")
        return self


class TokenizerParams(StageParams):
    """Section `tinyllama.tokenizer`."""

    data_seed: int = Field(ge=0)
    tokenizers: dict[str, Vocabulary]


@stage()
def tokenizer(params: TokenizerParams, *, vocabulary: str, documents: In, tokenizer: Out) -> Metrics:
    """Make one tokenizer; `documents` is the folder of collections.

    Raises:
        UserError: the matrix names a vocabulary that is not described, or a collection that was not made.
    """
    if vocabulary not in params.tokenizers:
        known = ", ".join(params.tokenizers)
        raise UserError(f"params.yaml: tinyllama.matrix.vocabularies: {vocabulary!r} is not described; known: {known}")
    wanted = params.tokenizers[vocabulary]
    if wanted.source is not None:
        made = _taken(fetch(wanted.source), wanted.source)
    else:
        texts = sample(documents, wanted.mixture, wanted.characters, params.data_seed)
        made = as_transformers(train(texts, wanted.size, wanted.digits))
    with whole_folder(tokenizer) as folder:
        made.save_pretrained(folder)
    return {"tokens": len(load_tokenizer(tokenizer))}


def sample(documents: Path, mixture: Mapping[str, float], characters: int, seed: int) -> Iterator[str]:
    """Training documents of each collection in an order drawn by the seed, up to its share of the characters."""
    total = sum(mixture.values())
    for name, weight in mixture.items():
        tables = [
            table.filter(pc.equal(table["split"], "train"))
            for table in iter_product(documents / name, ["text", "split"])
        ]
        texts = [text for table in tables for text in table["text"].to_pylist()]
        left = characters * weight / total
        for index in np.random.default_rng(purpose_seed(seed, f"tokenizer {name}")).permutation(len(texts)):
            if left <= 0:
                break
            left -= len(texts[index])
            yield texts[index]


def train(texts: Iterator[str], size: int, digits: int) -> Tokenizer:
    """Byte-level BPE: words with the space before them, digits apart from letters, at most `digits` together."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(rf"\p{{N}}{{1,{digits}}}"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    made.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        special_tokens=list(SPECIAL),
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    made.train_from_iterator(texts, trainer)
    made.post_processor = processors.TemplateProcessing(
        single=f"{BEGIN} $A", pair=f"{BEGIN} $A {BEGIN} $B", special_tokens=[(BEGIN, made.token_to_id(BEGIN))]
    )
    return made


def as_transformers(made: Tokenizer) -> PreTrainedTokenizerFast:
    """A text gets the beginning token and no end token: what a model is asked to go on with."""
    wrapped = PreTrainedTokenizerFast(
        tokenizer_object=made, bos_token=BEGIN, eos_token=END, pad_token=PAD, clean_up_tokenization_spaces=False
    )
    wrapped.chat_template = CHAT_TEMPLATE
    return wrapped


def _taken(folder: Path, source: str) -> PreTrainedTokenizerFast:
    """The tokenizer of a source; it gets our chat template, and a padding token if it has none."""
    found = min(folder.rglob("tokenizer.json"), default=None)
    if found is None:
        raise UserError(f"source '{source}': no tokenizer.json among its files")
    made = PreTrainedTokenizerFast(
        tokenizer_file=str(found), bos_token=BEGIN, eos_token=END, pad_token=END, clean_up_tokenization_spaces=False
    )
    made.chat_template = CHAT_TEMPLATE
    return made
