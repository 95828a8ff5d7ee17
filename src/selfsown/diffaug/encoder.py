"""The encoder that every arm starts from, out of a source.

Input: a source that holds one folder with `config.json`, safetensors and a fast tokenizer. Output: that folder's files,
and `source.json`, which says where they are from. They are copied, no model is built: what loads them may change
without the encoder being fetched, and all being trained, again.
"""

from __future__ import annotations

import shutil

from selfsown.errors import UserError
from selfsown.files import whole_folder, write_json
from selfsown.sources import describe, fetch
from selfsown.stage import Metrics, Out, StageParams, stage

KEPT = (".json", ".model", ".txt", ".safetensors")


class EncoderParams(StageParams):
    """Section `diffaug.encoder`: empty; the matrix names the source."""


@stage()
def encoder(params: EncoderParams, *, source: str, model: Out) -> Metrics:
    """Fetch the encoder; returns its bytes.

    Raises:
        UserError: not exactly one model in the source, or one without a fast tokenizer.
    """
    fetched = fetch(source)
    configs = [path for path in sorted(fetched.rglob("config.json")) if list(path.parent.glob("*.safetensors"))]
    if len(configs) != 1:
        raise UserError(f"{source}: {len(configs)} folders with config.json and safetensors; needs exactly one")
    files = [path for path in sorted(configs[0].parent.iterdir()) if path.is_file() and path.suffix in KEPT]
    if "tokenizer.json" not in {path.name for path in files}:
        raise UserError(f"{source}: no tokenizer.json: sentences are cut into tokens by a fast tokenizer")
    said = describe(source)
    with whole_folder(model) as made:
        for path in files:
            shutil.copyfile(path, made / path.name)
        write_json(
            made / "source.json",
            {"source": source, "version": said.version, "licence": said.licence, "citation": said.citation},
        )
    return {"bytes": sum(path.stat().st_size for path in files)}
