"""How many bits a model needs for held-out documents, token by token."""

from __future__ import annotations

from itertools import pairwise
from math import log

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import cross_entropy
from torch.nn.utils.rnn import pad_sequence
from transformers import LlamaForCausalLM

from selfsown.tinyllama.model.llama import IGNORED
from selfsown.tinyllama.vocabulary.forms import TokenArray


@torch.inference_mode()
def model_bits(
    model: LlamaForCausalLM, tokens: TokenArray, offsets: NDArray[np.int64], context: int, batch: int
) -> NDArray[np.float64]:
    """-log2 of each token's probability: `[tokens]`; the first of a document is given, so 0.

    A document longer than the context is read in windows that overlap by one token: each token is said once, after at
    most `context` others of its document.

    Args:
        tokens: of all documents, one after another; `offsets` `[documents + 1]` say where they begin.
        batch: windows read at once, of like length.
    """
    windows = [
        (place, min(place + context + 1, int(end)))
        for start, end in pairwise(offsets)
        for place in range(int(start), int(end) - 1, context)
    ]
    windows.sort(key=lambda window: window[1] - window[0])
    bits = np.zeros(len(tokens))
    for first in range(0, len(windows), batch):
        part = windows[first : first + batch]
        rows = [torch.from_numpy(tokens[start:end].astype(np.int64)) for start, end in part]
        padded = pad_sequence(rows, batch_first=True, padding_value=0).to(model.device)
        labels = pad_sequence([row[1:] for row in rows], batch_first=True, padding_value=IGNORED)
        logits = model(input_ids=padded[:, :-1], use_cache=False).logits
        nats = cross_entropy(
            logits.flatten(0, 1).float(), labels.flatten().to(logits.device), ignore_index=IGNORED, reduction="none"
        )
        found = nats.view(labels.shape).cpu().numpy() / log(2)
        for row, (start, end) in zip(found, part, strict=True):
            bits[start + 1 : end] = row[: end - start - 1]
    return bits
