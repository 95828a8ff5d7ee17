"""Text to speech behind one call: `load_engine(voice).synthesize(sentences, voice)`.

An engine is loaded once per process, and only when a voice asks for it. Add one by giving it a voice model in
`voices.py`, a file here, and a line in `load_engine`.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, assert_never

from selfsown.sources import fetch
from selfsown.speech_bt.engines.protocol import Engine, EngineError, Failure, MixingEngine
from selfsown.speech_bt.engines.voices import CoquiVoice, EspeakVoice, FestivalVoice, Voice, with_prompts

__all__ = [
    "CoquiVoice", "Engine", "EngineError", "EspeakVoice", "Failure", "FestivalVoice", "MixingEngine", "Voice",
    "load_engine", "with_prompts",
]  # fmt: skip


def load_engine(voice: Voice, speech: Path | None = None, tts: Path | None = None) -> Engine[Any]:
    """The engine that speaks `voice`.

    Args:
        speech: the product whose seed utterances a cloned voice imitates.
        tts: the folder of the model that a voice calls by the folder's name.

    Raises:
        EngineError, SourceError: its program or model cannot be had; the message says why.
    """
    match voice:
        case EspeakVoice():
            return _espeak()
        case FestivalVoice():
            return _festival(voice.source)
        case CoquiVoice():
            own = tts is not None and tts.name == voice.model
            return _coqui(str(tts) if own else voice.model, speech)
        case _:
            assert_never(voice)


@cache
def _espeak() -> Engine[EspeakVoice]:
    from selfsown.speech_bt.engines.espeak import Espeak

    return Espeak()


@cache
def _festival(source: str) -> Engine[FestivalVoice]:
    from selfsown.speech_bt.engines.festival import Festival

    return Festival(fetch(source))


@cache
def _coqui(model: str, speech: Path | None) -> Engine[CoquiVoice]:
    from selfsown.speech_bt.engines.coqui import load_coqui  # torch: seconds, so only for those who need it

    return load_coqui(model, speech)
