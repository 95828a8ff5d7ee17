"""Held-out documents through a model or an n-gram: bits and bytes of each, and how a model goes on with some."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from selfsown.shards.seeds import purpose_seed
from selfsown.tinyllama.evaluate.bits import model_bits
from selfsown.tinyllama.evaluate.ngram import ModifiedKneserNey
from selfsown.tinyllama.model.llama import load_model
from selfsown.tinyllama.packed.streams import Packed
from selfsown.tinyllama.vocabulary.forms import TokenArray, load_tokenizer, token_bytes

CONTINUED = 64
"""Tokens of a sample: half of them given, half said by the model."""


def held_out(packed: Packed, count: int, seed: int) -> pd.DataFrame:
    """At most `count` validation documents of each collection, drawn by the seed: id, part, tokens `[tokens]`."""
    rows = []
    for name, stream in packed.streams["validation"].items():
        tokens, offsets = stream.documents()
        drawn = np.random.default_rng(purpose_seed(seed, f"held out {name}")).permutation(len(offsets) - 1)[:count]
        rows += [
            {"id": f"{name}/{place}", "part": name, "tokens": tokens[offsets[place] : offsets[place + 1]]}
            for place in sorted(drawn.tolist())
        ]
    return pd.DataFrame(rows)


def texts(documents: pd.DataFrame, tokenizer: PreTrainedTokenizerFast) -> list[str]:
    """The text of each document of prose."""
    chosen = documents[documents["part"] == "text"]["tokens"]
    return [tokenizer.decode(tokens[1:-1].tolist()) for tokens in chosen]


def document_rows(folder: Path, documents: pd.DataFrame, batch: int) -> pd.DataFrame:
    """Bits that a model needs for each document, and its bytes."""
    model = load_model(folder)
    tokens, offsets = _joined(documents)
    bits = model_bits(model, tokens, offsets, model.config.max_position_embeddings, batch)
    return _rows(documents, bits, offsets, token_bytes(load_tokenizer(folder))[tokens])


def ngram_rows(packed: Packed, documents: pd.DataFrame, tokenizer: PreTrainedTokenizerFast, order: int) -> pd.DataFrame:
    """Bits that an n-gram with modified Kneser-Ney smoothing needs, counted on all training documents, whole."""
    parts = [stream.documents() for stream in packed.streams["train"].values()]
    starts = np.cumsum([0, *(len(tokens) for tokens, _ in parts)])
    offsets = np.concatenate([[0], *(own[1:] + start for (_, own), start in zip(parts, starts[:-1], strict=True))])
    trained = ModifiedKneserNey.fit((np.concatenate([t for t, _ in parts]), offsets), len(tokenizer), order)
    tokens, own_offsets = _joined(documents)
    return _rows(documents, trained.bits(tokens, own_offsets), own_offsets, token_bytes(tokenizer)[tokens])


def _joined(documents: pd.DataFrame) -> tuple[TokenArray, NDArray[np.int64]]:
    arrays = list(documents["tokens"])
    return np.concatenate(arrays), np.cumsum([0, *map(len, arrays)])


def _rows(
    documents: pd.DataFrame, bits: NDArray[np.float64], offsets: NDArray[np.int64], sizes: NDArray[np.int64]
) -> pd.DataFrame:
    starts = offsets[:-1]
    made = documents[["part", "id"]].assign(
        measure="bits_per_byte",
        value=np.add.reduceat(bits, starts),
        units=np.add.reduceat(sizes, starts).astype(float),
    )
    return made[["measure", "part", "id", "value", "units"]]


@torch.inference_mode()
def goings_on(folder: Path, documents: pd.DataFrame, count: int) -> list[dict[str, object]]:
    """How the model goes on with the beginnings of some documents of each collection, beside what stands there."""
    model = load_model(folder)
    tokenizer = load_tokenizer(folder)
    half = CONTINUED // 2
    rows: list[dict[str, object]] = []
    for tokens in documents.groupby("part", sort=False).head(count)["tokens"]:
        given = torch.tensor([tokens[:half].tolist()], device=model.device)
        shown = {"given": tokens[1:half], "should": tokens[half:CONTINUED]}
        texts = {name: tokenizer.decode(ids.tolist()) for name, ids in shown.items()}
        for kind, chosen in (("greedy", {"do_sample": False}), ("drawn", {"do_sample": True, "top_p": 0.9})):
            torch.manual_seed(0)
            made = model.generate(given, max_new_tokens=half, **chosen)
            said = tokenizer.decode(made[0, given.shape[1] :].tolist(), skip_special_tokens=True)
            rows.append({"kind": kind, **texts, "said": said})
    return rows
