"""The encoder that every arm starts from, out of a source.

Input: a source that holds one folder with `config.json`, safetensors and a fast tokenizer. Output: that folder's files,
and `source.json`, which says where they are from. They are copied, no model is built: what loads them may change
without the encoder being fetched, and all being trained, again.
"""

from __future__ import annotations

import shutil

from selfsown.files import whole_folder, write_json
from selfsown.sources import describe
from selfsown.sources.model import model_files
from selfsown.stage import Metrics, Out, StageParams, stage


class EncoderParams(StageParams):
    """Section `diffaug.encoder`: empty; the matrix names the source."""


@stage()
def encoder(params: EncoderParams, *, source: str, model: Out) -> Metrics:
    """Fetch the encoder; returns its bytes.

    Raises:
        UserError: not exactly one model in the source, or one without a fast tokenizer.
    """
    files = model_files(source, "sentences are cut into tokens by a fast tokenizer")
    said = describe(source)
    with whole_folder(model) as made:
        for path in files:
            shutil.copyfile(path, made / path.name)
        write_json(
            made / "source.json",
            {"source": source, "version": said.version, "licence": said.licence, "citation": said.citation},
        )
    return {"bytes": sum(path.stat().st_size for path in files)}
