"""The encoder that every arm starts from, out of a source, and the arms that learn nothing, which all others must beat.

Input: a source that holds one folder with `config.json`, safetensors and a fast tokenizer. Output: that folder's files,
and `source.json`, which says where they are from; and the same files twice more, beside what makes them a sentence
encoder. They are copied, no model is built: what loads them may change without the encoder being fetched, and all being
trained, again.
"""

from __future__ import annotations

import shutil

from selfsown.diffaug.embedding.card import card
from selfsown.diffaug.embedding.description import EmbeddingParams
from selfsown.diffaug.embedding.description import describe as describe_encoder
from selfsown.files import whole_folder, write_json
from selfsown.sources import describe
from selfsown.sources.model import model_files
from selfsown.stage import Metrics, Out, StageParams, stage


class EncoderParams(StageParams):
    """How the arms that learn nothing read and pool a sentence: over its tokens, and in the paper's template."""

    mean: EmbeddingParams
    template: EmbeddingParams


@stage()
def encoder(params: EncoderParams, *, source: str, model: Out, mean: Out, template: Out) -> Metrics:
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
    for arm, embedding in ((mean, params.mean), (template, params.template)):
        with whole_folder(arm) as made:
            shutil.copytree(model, made, dirs_exist_ok=True)
            how = "The encoder as it was fetched: nothing was trained."
            describe_encoder(made, embedding, None, card(arm.name, how, model, embedding, None))
    return {"bytes": sum(path.stat().st_size for path in files)}
