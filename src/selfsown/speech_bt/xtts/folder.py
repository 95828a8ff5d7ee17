"""An XTTS as a folder that coqui's and our loader read.

`config.json`, `vocab.json`, weights, and maybe `speakers_xtts.pth`. Weights are `model.safetensors`, which is what
`save_xtts` writes, or coqui's own `model.pth`.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor
from TTS.config import load_config
from TTS.config.shared_configs import BaseDatasetConfig
from TTS.encoder.models.resnet import ResNetSpeakerEncoder
from TTS.tts.configs.xtts_config import XttsArgs, XttsAudioConfig, XttsConfig
from TTS.tts.layers.xtts.hifigan_decoder import HifiDecoder
from TTS.tts.layers.xtts.tokenizer import VoiceBpeTokenizer
from TTS.tts.layers.xtts.xtts_manager import SpeakerManager
from TTS.tts.models.xtts import Xtts

from selfsown.errors import UserError
from selfsown.files import write_atomic

WEIGHTS, COQUI_WEIGHTS = "model.safetensors", "model.pth"
CONFIG, VOCABULARY, SPEAKERS = "config.json", "vocab.json", "speakers_xtts.pth"

_SPEAKER_ENCODER = "hifigan_decoder.speaker_encoder."
_NOT_ITS_OWN = ("gpt.gpt_inference.", "gpt.gpt.wte.", "torch_mel_spectrogram_", "dvae.")
"""What a model has twice while it generates, and what coqui's trainer keeps beside it."""

_DESCRIPTIONS = [
    XttsConfig,
    BaseDatasetConfig,
    *(
        (kind, f"{place}.{kind.__name__}")
        for kind in (XttsArgs, XttsAudioConfig)
        for place in (kind.__module__, Xtts.__module__)
    ),
]
"""Classes without code of their own in checkpoints of the original style, which hold the model's description; two of
them under the name of a module where they no longer are."""


def is_xtts(folder: Path) -> bool:
    """Whether a folder holds an XTTS, whole or not."""
    return (folder / VOCABULARY).is_file()


def read_config(folder: Path) -> XttsConfig:
    """The model's description.

    Raises:
        UserError: a file of the folder is missing.
    """
    there = {name for name in (CONFIG, VOCABULARY, WEIGHTS, COQUI_WEIGHTS) if (folder / name).is_file()}
    if not {CONFIG, VOCABULARY} <= there or len(there) < 3:
        raise UserError(f"{folder}: an XTTS needs {CONFIG}, {VOCABULARY} and {WEIGHTS} or {COQUI_WEIGHTS}")
    return load_config(str(folder / CONFIG))


def read_weights(folder: Path, prefix: str = "") -> dict[str, Tensor]:
    """Tensors by name, those that begin with `prefix`."""
    if (folder / WEIGHTS).is_file():
        with safe_open(folder / WEIGHTS, framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys() if name.startswith(prefix)}  # noqa: SIM118 - no dict
    # Coqui's own loader writes an original checkpoint anew, in its place.
    with torch.serialization.safe_globals(_DESCRIPTIONS):
        found = torch.load(folder / COQUI_WEIGHTS, map_location="cpu", weights_only=True)["model"]
    weights = {name.removeprefix("xtts."): weight for name, weight in found.items()}  # as its trainer names them
    return {name: weight for name, weight in weights.items() if name.startswith(prefix) and _is_own(name)}


def build_xtts(config: XttsConfig, tokenizer: VoiceBpeTokenizer, weights: Mapping[str, Tensor]) -> Xtts:
    """The model as it is trained; `eval()` makes it one that speaks."""
    model = Xtts(_empty(config))
    model.tokenizer = tokenizer
    model.init_models()
    model.load_state_dict(weights)
    model.speaker_manager = None
    return model


def load_xtts(folder: Path) -> Xtts:
    """The model ready to speak, with its speakers."""
    model = build_xtts(read_config(folder), VoiceBpeTokenizer(folder / VOCABULARY), read_weights(folder))
    if (folder / SPEAKERS).is_file():
        model.speaker_manager = SpeakerManager(folder / SPEAKERS)
    model.eval()
    return model


def load_speaker_encoder(folder: Path) -> ResNetSpeakerEncoder:
    """The vocoder's part that tells speakers apart: samples at 16 kHz `[1, n]` -> `[1, 512]`."""
    encoder = HifiDecoder().speaker_encoder
    weights = read_weights(folder, _SPEAKER_ENCODER)
    encoder.load_state_dict({name.removeprefix(_SPEAKER_ENCODER): weight for name, weight in weights.items()})
    return encoder.eval()


def save_xtts(folder: Path, model: Xtts, speakers: Path | None = None) -> None:
    """Write a model's files into `folder`; `speakers` is the file of a model with the same conditioning."""
    model.config.save_json(str(folder / CONFIG))
    model.tokenizer.tokenizer.save(str(folder / VOCABULARY))
    weights = {name: weight.detach().contiguous() for name, weight in model.state_dict().items() if _is_own(name)}
    save_file(weights, folder / WEIGHTS)
    if speakers is not None and speakers.is_file():
        write_atomic(folder / SPEAKERS, speakers.read_bytes())


def _is_own(name: str) -> bool:
    return not name.startswith(_NOT_ITS_OWN)


def _empty(config: XttsConfig) -> XttsConfig:
    """The description without the number of text tokens: the language model is then built once, with the tokenizer."""
    config.model_args.gpt_number_text_tokens = None
    return config
