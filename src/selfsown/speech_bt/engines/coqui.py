"""The neural voices of coqui-tts: XTTS in batches, every other model sentence by sentence.

Checkpoints are read with `weights_only`, as this version of coqui-tts does but for Bark, which is refused: reading it
could run code. A model named
`tts_models/...` is downloaded by coqui-tts itself, which asks on the terminal for agreement to its licence; here the
setting `SELFSOWN_COQUI_TOS_AGREED` gives it, and without it nothing is downloaded.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from TTS.api import TTS
from TTS.tts.models.xtts import Xtts
from TTS.utils.synthesizer import Synthesizer

from selfsown.audio import Samples
from selfsown.device import compute_device
from selfsown.settings import settings
from selfsown.shards.seeds import shard_seed
from selfsown.sources import fetch
from selfsown.speech_bt.engines.protocol import Engine, EngineError, Failure
from selfsown.speech_bt.engines.voices import CoquiVoice
from selfsown.speech_bt.engines.xtts import XttsEngine
from selfsown.speech_bt.xtts.folder import is_xtts, load_xtts

_UNPICKLES = "bark"
_CHECKPOINTS = ("model.pth", "model_file.pth", "best_model.pth")


def load_coqui(model: str, speech: Path | None) -> Engine[CoquiVoice]:
    """The engine of a model by coqui's name, by source, or by folder with `config.json` and a checkpoint.

    Raises:
        EngineError: its licence is not agreed to, or the folder holds no model.
    """
    made = _named(model) if model.startswith("tts_models/") else _from_folder(model)
    made.to(compute_device().type)
    network = made if isinstance(made, Xtts) else made.tts_model
    return XttsEngine(network, speech) if isinstance(network, Xtts) else CoquiEngine(made)


def _named(model: str) -> Synthesizer:
    _refuse_unpickling(model, model.rpartition("/")[2])
    if not settings().coqui_tos_agreed:
        raise EngineError(f"coqui: read the licence of {model}; if you accept it, set SELFSOWN_COQUI_TOS_AGREED=true")
    os.environ["COQUI_TOS_AGREED"] = "1"
    try:
        return TTS(model, progress_bar=False).synthesizer
    except (OSError, KeyError, ValueError) as error:
        raise EngineError(f"coqui: {model} cannot be had: {error}") from error


def _refuse_unpickling(model: str, kind: str) -> None:
    if kind.lower() == _UNPICKLES:
        raise EngineError(f"coqui: {model}: {kind} is kept as pickles, which could run code; choose another model")


def _from_folder(model: str) -> Synthesizer | Xtts:
    folder = Path(model) if Path(model).is_dir() else fetch(model)
    if is_xtts(folder):
        return load_xtts(folder)
    checkpoint = next((path for name in _CHECKPOINTS if (path := folder / name).is_file()), None)
    config = folder / "config.json"
    if checkpoint is None or not config.is_file():
        raise EngineError(f"coqui: {folder} needs config.json and one of {', '.join(_CHECKPOINTS)}")
    _refuse_unpickling(model, json.loads(config.read_bytes()).get("model", ""))
    return Synthesizer(tts_checkpoint=checkpoint, tts_config_path=config)


class CoquiEngine:
    """An `Engine` of `CoquiVoice` for VITS and the other models of coqui-tts."""

    def __init__(self, synthesizer: Synthesizer) -> None:
        self._synthesizer = synthesizer
        self.sample_rate: int = synthesizer.output_sample_rate

    def synthesize(self, sentences: Sequence[str], voice: CoquiVoice, seed: int = 0) -> list[Samples | Failure]:
        """See `Engine`; each sentence is seeded by itself, so its neighbours do not matter."""
        if voice.prompt is not None:
            raise EngineError(f"coqui: {voice.model} imitates no prompt; name one of its speakers, or use an XTTS")
        self._check("speaker", voice.speaker, self._names("speaker_manager", "speaker_names"), voice)
        languages = self._names("language_manager", "language_names")
        self._check("language", voice.language, languages if len(languages) > 1 else [], voice)
        cuda = [torch.device("cuda")] if torch.cuda.is_available() else []
        with torch.random.fork_rng(cuda):
            return [self._speak(sentence, voice, seed) for sentence in sentences]

    def _names(self, manager: str, names: str) -> list[str]:
        return list(getattr(getattr(self._synthesizer.tts_model, manager, None), names, None) or [])

    @staticmethod
    def _check(what: str, given: str | None, known: list[str], voice: CoquiVoice) -> None:
        if (given is None and known) or (given is not None and given not in known):
            raise EngineError(f"coqui: {voice.model} has no {what} {given!r}; it has {', '.join(known) or 'only one'}")

    def _speak(self, sentence: str, voice: CoquiVoice, seed: int) -> Samples | Failure:
        if not any(character.isalnum() for character in sentence):
            return Failure("nothing to say")
        torch.manual_seed(shard_seed(seed, 0))
        try:
            spoken: Any = self._synthesizer.tts(
                sentence, speaker_name=voice.speaker, language_name=voice.language, split_sentences=False
            )
        except (RuntimeError, ValueError, IndexError) as error:  # a text of characters the model does not know
            return Failure(f"coqui: {type(error).__name__}: {error}")
        samples = np.asarray(spoken, dtype=np.float32)
        return samples if samples.size and np.isfinite(samples).all() else Failure("coqui made no audio")
