"""An arm that learns nothing: the fetched encoder with one way to pool it, what every trained arm must beat.

Input: the encoder's folder. Output: the same files, and beside them what makes them a sentence encoder.
"""

from __future__ import annotations

import shutil

from selfsown.diffaug.embedding.card import card
from selfsown.diffaug.embedding.description import EmbeddingParams, describe
from selfsown.errors import UserError
from selfsown.files import whole_folder
from selfsown.stage import In, Metrics, Out, StageParams, stage


class UntouchedParams(StageParams):
    """Section `diffaug.untouched`: how each name of the matrix reads and pools a sentence."""

    embeddings: dict[str, EmbeddingParams]


@stage()
def untouched(params: UntouchedParams, *, encoder: In, name: str, model: Out) -> Metrics:
    """Write one arm; no model is loaded for it.

    Raises:
        UserError: the matrix names an embedding that is not described.
    """
    if name not in params.embeddings:
        raise UserError(f"params.yaml: diffaug.untouched.embeddings: {name!r} is missing, the matrix names it")
    embedding = params.embeddings[name]
    said = card(f"untouched_{name}", "The encoder as it was fetched: nothing was trained.", encoder, embedding, None)
    with whole_folder(model) as made:
        files = [path for path in sorted(encoder.iterdir()) if path.is_file()]
        for path in files:
            shutil.copyfile(path, made / path.name)
        describe(made, embedding, None, said)
    return {"bytes": sum(path.stat().st_size for path in files)}
