"""Packed tokens as their suite looks at them: a row a document, and why its tokens are not what they should be."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from tokenizers import decoders
from transformers import PreTrainedTokenizerFast

from selfsown.products import iter_product
from selfsown.text.documents.encoding import text_id
from selfsown.tinyllama.vocabulary.forms import ROLES, TokenArray, load_tokenizer


def packed_frame(product: Path, folder: Path) -> pd.DataFrame:
    """The packed documents of a vocabulary: id, collection, split, `tokens`, and `fault`, missing where it is sound.

    Args:
        folder: of the tokenizer.

    Raises:
        ProductError: the product is unfinished or damaged.
    """
    tokenizer = load_tokenizer(folder)
    parts = []
    for table in iter_product(product):
        part = table.drop_columns(["input_ids"]).to_pandas()
        documents = list(_documents(table))
        part["tokens"] = [len(tokens) for tokens in documents]
        part["fault"] = pd.Series(_faults(tokenizer, documents, part["id"].tolist()), index=part.index, dtype=object)
        parts.append(part)
    return pd.concat(parts, ignore_index=True)


def _documents(table: pa.Table) -> Iterator[TokenArray]:
    for chunk in table["input_ids"].chunks:
        tokens, offsets = chunk.values.to_numpy(), chunk.offsets.to_numpy()
        yield from (tokens[start:end] for start, end in pairwise(offsets))


def _faults(tokenizer: PreTrainedTokenizerFast, documents: list[TokenArray], ids: list[str]) -> list[str | None]:
    """Why a document is not the beginning token, its text (or its question and answer as a chat) and the end token.

    That the text comes back to the letter is asked of byte-level vocabularies: others change blanks.
    """
    asks, answers = tokenizer.convert_tokens_to_ids(ROLES[1:])
    line_break = tokenizer("\n", add_special_tokens=False).input_ids

    def said(tokens: TokenArray) -> list[int]:
        """The tokens of a document's text; of a chat those of the question, a line break, those of the answer."""
        inner: list[int] = tokens[1:-1].tolist()
        if inner[:1] != [asks] or answers not in inner:
            return inner
        middle = inner.index(answers)
        return [*inner[1:middle], *line_break, *inner[middle + 1 :]]

    exact = isinstance(tokenizer.backend_tokenizer.decoder, decoders.ByteLevel)
    texts = tokenizer.backend_tokenizer.decode_batch(
        [said(tokens) for tokens in documents] if exact else [], skip_special_tokens=False
    )
    begin, end, size = tokenizer.bos_token_id, tokenizer.eos_token_id, len(tokenizer)
    faults: list[str | None] = []
    for place, (tokens, name) in enumerate(zip(documents, ids, strict=True)):
        fault = None
        if len(tokens) < 3 or tokens[0] != begin or tokens[-1] != end:
            fault = "does not begin with the beginning token and end with the end token"
        elif np.isin(tokens[1:-1], (begin, end)).any():
            fault = "has a beginning or end token in its midst"
        elif int(tokens.max()) >= size:
            fault = f"has a token {int(tokens.max())}; the vocabulary has {size}"
        elif exact and text_id(texts[place]) != name:
            fault = "its tokens are not the text that its id names"
        faults.append(fault)
    return faults
