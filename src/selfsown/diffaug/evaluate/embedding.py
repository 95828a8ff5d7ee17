"""Embeddings of an arm's folder, as whoever loads it as a `SentenceTransformer` gets them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from selfsown.bootstrap import FloatArray
from selfsown.device import compute_device, compute_dtype
from selfsown.diffaug.embedding.description import DESCRIPTION
from selfsown.diffaug.sentence_module import sentence_transformer
from selfsown.errors import UserError, first_line

if TYPE_CHECKING:
    from sentence_transformers import SentenceTransformer

BATCH = 64


def load_arm(folder: Path) -> SentenceTransformer:
    """The model of a folder, in fp32, on the settings' device.

    The library asks for `trust_remote_code` before it imports a class that is not its own. A module of this package is
    no code of the folder's, so the library is handed it instead.

    Raises:
        UserError: the folder does not load.
    """
    from sentence_transformers import SentenceTransformer

    device = str(compute_device())
    if (folder / DESCRIPTION).is_file():
        return sentence_transformer(folder, device=device)
    try:
        return SentenceTransformer(str(folder), device=device, local_files_only=True)
    except (OSError, ValueError) as error:
        raise UserError(f"{folder}: no model that SentenceTransformer loads: {first_line(error)}") from None


class Embedded:
    """The embeddings of some texts, each made once, of length one, multiplied in what the settings say.

    Args:
        batch_size: only speed and memory.
    """

    def __init__(self, model: SentenceTransformer, texts: Iterable[str], batch_size: int = BATCH) -> None:
        different = sorted(set(texts))
        self._place = {text: place for place, text in enumerate(different)}
        with torch.autocast(model.device.type, torch.bfloat16, enabled=compute_dtype() == torch.bfloat16):
            made = model.encode(different, batch_size=batch_size, show_progress_bar=False)
        vectors = np.asarray(made, np.float64)
        self._vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)

    @property
    def width(self) -> int:
        """Of an embedding."""
        return int(self._vectors.shape[1])

    def of(self, texts: Iterable[str]) -> FloatArray:
        """Of these texts, [texts, width]."""
        return self._vectors[[self._place[text] for text in texts]]

    def cosines(self, left: Iterable[str], right: Iterable[str]) -> FloatArray:
        """Of pairs of texts, [pairs]."""
        return np.einsum("nd,nd->n", self.of(left), self.of(right))


def serve(folder: str) -> Any:
    """What a registered model does with a batch of sentences: their embeddings, of length one."""
    model = load_arm(Path(folder))
    return lambda sentences: model.encode(np.ravel(sentences).astype(str).tolist(), normalize_embeddings=True).tolist()
