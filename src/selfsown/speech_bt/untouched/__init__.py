"""The multilingual Whisper that everything starts from, as a normal Hugging Face folder.

A source of converted weights (CTranslate2, as package registries serve them) or a folder that is one already (a model
hub's). Its generation config names the language of the first of `languages`, and the task: transcribe.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from transformers import WhisperForConditionalGeneration, WhisperProcessor

from selfsown.files import whole_folder
from selfsown.sources import fetch
from selfsown.speech_bt.untouched import ctranslate2
from selfsown.stage import Metrics, Out, StageParams, stage


class UntouchedParams(StageParams):
    """`source`: an entry of `conf/sources.yaml`."""

    languages: tuple[str, ...] = Field(min_length=1)
    source: str


@stage()
def untouched(params: UntouchedParams, *, model: Out) -> Metrics:
    """Fetch and, where needed, convert; returns the number of parameters."""
    source = fetch(params.source)
    with whole_folder(model) as made:
        if any(source.rglob("model.bin*")):
            ctranslate2.convert(source, made, language=params.languages[0])
        else:
            save_with_language(next(source.rglob("config.json")).parent, made, params.languages[0])
    return {"parameters": WhisperForConditionalGeneration.from_pretrained(model).num_parameters()}


def save_with_language(folder: Path, out: Path, language: str) -> None:
    """Copy a hub's folder as safetensors with `language` and `task` in its generation config."""
    network = WhisperForConditionalGeneration.from_pretrained(folder, use_safetensors=True)
    network.generation_config.language = language
    network.generation_config.task = "transcribe"
    network.generation_config.forced_decoder_ids = None  # the old way to say the same; saving refuses both
    network.save_pretrained(out)
    WhisperProcessor.from_pretrained(folder).save_pretrained(out)
