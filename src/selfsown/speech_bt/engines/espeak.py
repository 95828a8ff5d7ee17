"""eSpeak NG, through the shared library that its Python package carries.

The library keeps state between utterances (phases of the oscillators, a random generator seeded by the clock), and
neither its terminate nor its initialise call clears it. So it is loaded afresh for each utterance, which costs about
2 ms, and the generator is given a fixed seed: then a sentence sounds the same whatever was spoken before.
"""

from __future__ import annotations

import _ctypes
import ctypes
import threading
from collections.abc import Sequence

import espeakng_loader
import numpy as np

from selfsown.audio import Samples
from selfsown.speech_bt.engines.protocol import EngineError, Failure
from selfsown.speech_bt.engines.voices import EspeakVoice

# Constants of speak_lib.h.
_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_UTF8 = 1
_RATE, _PITCH = 1, 3
_PAUSE_AT_END = 0x1000

_CALLBACK = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p)


class Espeak:
    """An `Engine` of `EspeakVoice`."""

    sample_rate = 22_050

    # The library is not re-entrant, and there is one of it in a process.
    _lock = threading.Lock()

    def synthesize(self, sentences: Sequence[str], voice: EspeakVoice, seed: int = 0) -> list[Samples | Failure]:
        """See `Engine`; `seed` changes nothing here."""
        with self._lock:
            return [self._speak(sentence, voice) for sentence in sentences]

    def _speak(self, sentence: str, voice: EspeakVoice) -> Samples | Failure:
        if not any(character.isalnum() for character in sentence):
            return Failure("nothing to say")
        if "\0" in sentence:
            return Failure("the text has a NUL character")
        parts: list[np.ndarray] = []

        def collect(samples: ctypes._Pointer[ctypes.c_short], count: int, _events: int) -> int:
            if samples and count > 0:
                parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
            return 0

        callback = _CALLBACK(collect)  # held here: the library keeps only its address
        library = ctypes.CDLL(espeakng_loader.get_library_path())
        try:
            self._initialize(library, callback)
            if library.espeak_SetVoiceByName(voice.voice.encode()):
                raise EngineError(f"espeak: no voice {voice.voice!r}; espeak-ng names them like cs, cs+f2 or en-us")
            library.espeak_SetParameter(_RATE, voice.rate, 0)
            library.espeak_SetParameter(_PITCH, voice.pitch, 0)
            text = sentence.encode()
            status = library.espeak_Synth(text, len(text) + 1, 0, 1, 0, _UTF8 | _PAUSE_AT_END, None, None)
            library.espeak_Terminate()
        finally:
            _ctypes.dlclose(library._handle)
        if status or not parts:
            return Failure(f"espeak made no audio (status {status})")
        return np.concatenate(parts).astype(np.float32) / np.float32(32768)

    def _initialize(self, library: ctypes.CDLL, callback: object) -> None:
        data = str(espeakng_loader.get_data_path()).encode()
        rate = library.espeak_Initialize(_SYNCHRONOUS, 0, data, _DONT_EXIT)
        if rate != self.sample_rate:
            raise EngineError(f"espeak: the library did not start (returned {rate}); install espeakng-loader again")
        library.espeak_ng_SetRandSeed(ctypes.c_long(1))
        library.espeak_SetSynthCallback(callback)
