"""A base model out of a source, as every arm starts from it.

Input: a source that holds one folder with `config.json`, safetensors and a tokenizer. Output: that folder's files.

They are copied, no model is built: what loads them may change without a base being fetched, and all being trained,
again. How a question is put is said where a base is trained.
"""

from __future__ import annotations

import shutil

from selfsown.files import whole_folder
from selfsown.sources.model import model_files
from selfsown.stage import Metrics, Out, StageParams, stage


class BaseParams(StageParams):
    """Section `dpo_st.base`: empty; the matrix names the sources."""


@stage()
def base(params: BaseParams, *, source: str, model: Out) -> Metrics:
    """Fetch a base model; returns its bytes.

    Raises:
        UserError: not exactly one model in the source, or one without a fast tokenizer.
    """
    files = model_files(source, "the calculator needs to know where each token stands in a text")
    with whole_folder(model) as made:
        for path in files:
            shutil.copyfile(path, made / path.name)
    return {"bytes": sum(path.stat().st_size for path in files)}
