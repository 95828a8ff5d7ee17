"""How a sentence becomes a vector: as parameters say it, and as a model's folder keeps it.

Nothing here loads a model, so that a folder is described within a second.
"""

from __future__ import annotations

from pathlib import Path
from typing import Literal, Self

from pydantic import Field, ValidationError, model_validator

from selfsown.errors import UserError
from selfsown.files import write_json
from selfsown.params import Params

DESCRIPTION = "embedding.json"
"""In a model's folder: pooling, template and prefix; a folder without it is none of ours."""

PREFIX_WEIGHTS = "prefix.safetensors"

SENTENCE, MASK = "{sentence}", "{mask}"
"""What a template has a sentence for, and the tokenizer's mask token."""

_SENTENCE_TRANSFORMERS = {
    "modules.json": [{"idx": 0, "name": "0", "path": "", "type": "selfsown.diffaug.sentence_module.SentenceModule"}],
    "config_sentence_transformers.json": {
        "model_type": "SentenceTransformer", "prompts": {}, "default_prompt_name": None, "similarity_fn_name": "cosine",
    },
}  # fmt: skip


class EmbeddingParams(Params):
    """How a sentence is read and pooled.

    Attributes:
        pooling: `mask`: the state at [MASK] in the template. `mean`: the mean over the sentence's own tokens in the
            template; without one also over [CLS] and [SEP], as encoders tuned for sentences were trained.
        template: text around `{sentence}`, with `{mask}` where a mask token stands; null for none.
        max_tokens: a sentence is cut to so many tokens before it is put into the template.
        denoise: when the state at [MASK] of the template without a sentence is subtracted: `never`, `always`, or only
            in the `training` of stage 2, as the paper's code does.
        denoise_late: how many tokens too far back that state is read. 0 is right. In the paper's code it is half of the
            prefix, 8: the visible part of the prefix is counted as part of the sentence.
    """

    pooling: Literal["mask", "mean"]
    template: str | None
    max_tokens: int = Field(ge=1)
    denoise: Literal["never", "training", "always"] = "never"
    denoise_late: int = Field(0, ge=0)

    @model_validator(mode="after")
    def _fits(self) -> Self:
        text = self.template
        if text is not None and text.count(SENTENCE) != 1:
            raise ValueError(f"template: {text!r} must have {SENTENCE} once")
        if self.pooling == "mask" and (text is None or text.count(MASK) != 1):
            raise ValueError(f"template: pooling mask needs a template that has {MASK} once")
        if self.denoise != "never" and self.pooling != "mask":
            raise ValueError("denoise: only pooling mask has a state of the template to subtract")
        return self


class PrefixParams(Params):
    """The prefix: `length` keys and values a layer, half of them for anchors and half for their positives.

    Attributes:
        length: an even number (paper: 16).
        hidden: width of the layer between their embeddings and them.
        dropout: of keys and values.
    """

    length: int = Field(ge=2, multiple_of=2)
    hidden: int = Field(ge=1)
    dropout: float = Field(ge=0, lt=1)


class Description(Params):
    """What `embedding.json` says of a folder's model."""

    embedding: EmbeddingParams
    prefix: PrefixParams | None


def write_description(folder: Path, embedding: EmbeddingParams, prefix: PrefixParams | None) -> None:
    """Write `embedding.json`."""
    write_json(folder / DESCRIPTION, Description(embedding=embedding, prefix=prefix).model_dump(mode="json"))


def describe(folder: Path, embedding: EmbeddingParams, prefix: PrefixParams | None, card: str) -> None:
    """Write beside an encoder's files what makes them a sentence encoder, for us and for `SentenceTransformer`."""
    write_description(folder, embedding, prefix)
    for name, content in _SENTENCE_TRANSFORMERS.items():
        write_json(folder / name, content)
    (folder / "README.md").write_text(card, encoding="utf-8")


def read_description(folder: Path) -> Description:
    """What a folder says of its model.

    Raises:
        UserError: it says nothing, or something else than we write.
    """
    path = folder / DESCRIPTION
    if not path.is_file():
        raise UserError(f"{folder}: no {DESCRIPTION}: not a sentence encoder of diffaug")
    try:
        return Description.model_validate_json(path.read_bytes())
    except ValidationError as error:
        raise UserError(f"{path}: damaged: {error.errors()[0]['msg']}; make the model again") from None
