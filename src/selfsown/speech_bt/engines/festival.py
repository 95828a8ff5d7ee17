"""Festival, run from an unpacked Debian tree, without root and without being installed.

One process speaks one batch: a Scheme script selects the voice and writes each sentence to a WAV of its own. Text
enters the script only as a string literal, so it cannot become code.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import unicodedata
import weakref
import zlib
from collections.abc import Sequence
from pathlib import Path

from selfsown.audio import SAMPLE_RATE, AudioError, Samples, decode, peak, resample
from selfsown.speech_bt.engines.protocol import EngineError, Failure
from selfsown.speech_bt.engines.voices import FestivalVoice

_HOME = "/usr/share/festival"
_READER_LIMIT = 4000
"""Bytes of a sentence: Festival's Scheme reader has a fixed buffer of about 5,000."""

_TYPOGRAPHY = str.maketrans(
    {"…": "...", "–": ", ", "—": ", ", "’": "'", "‘": "'"}
    | dict.fromkeys("„“”«»‚", "")
    | dict.fromkeys("\t\n\r\u00a0", " ")
)
"""What the old encodings lack or the voices read aloud, as something that is spoken like it."""


class Festival:
    """An `Engine` of `FestivalVoice`; `root` is a tree that looks like `/`."""

    sample_rate = SAMPLE_RATE  # its voices have rates of their own, 16 to 44.1 kHz

    def __init__(self, root: Path) -> None:
        program = next((path for path in root.rglob("bin/festival") if path.is_file()), None)
        if program is None or not (root / _HOME[1:] / "init.scm").is_file():
            raise EngineError(f"festival: {root} has no usr/bin/festival with {_HOME[1:]}; fetch its source again")
        self._program = program.resolve()
        folder = tempfile.mkdtemp(prefix="festival-")
        weakref.finalize(self, shutil.rmtree, folder, ignore_errors=True)
        self._home = Path(folder, "festival")
        _relocate(root.resolve() / _HOME[1:], self._home)
        libraries = sorted({str(path.parent.resolve()) for path in root.rglob("*.so*")})
        # A home of its own: Festival runs what it finds in ~/.festivalrc.
        self._environment = {"PATH": os.environ.get("PATH", ""), "HOME": folder, "LC_ALL": "C"}
        self._environment["LD_LIBRARY_PATH"] = ":".join(libraries)

    def synthesize(self, sentences: Sequence[str], voice: FestivalVoice, seed: int = 0) -> list[Samples | Failure]:
        """See `Engine`; with another `seed` the Czech voices choose other contours and pauses."""
        if f"(voice_{voice.voice})" not in self._voices():
            raise EngineError(f"festival: no voice {voice.voice!r} in source {voice.source}; it has {self._voices()}")
        results: dict[int, Samples | Failure] = {}
        literals: dict[int, bytes] = {}
        for index, sentence in enumerate(sentences):
            literal = scheme_string(sentence, voice.encoding)
            if isinstance(literal, Failure):
                results[index] = literal
            else:
                literals[index] = literal
        while literals:
            crash, spoken = self._run(literals, voice, seed)
            results |= spoken
            # A crash or a hang is the fault of the first sentence without audio: go on after it.
            silent = min((index for index in literals if index not in spoken), default=None)
            if silent is None or crash is None:
                results |= {index: Failure("festival made no audio") for index in literals if index not in spoken}
                break
            results[silent] = Failure(f"festival {crash}")
            literals = {index: literal for index, literal in literals.items() if index > silent}
        return [results[index] for index in range(len(sentences))]

    def _voices(self) -> str:
        names = sorted(path.name for path in self._home.glob("voices/*/*"))
        return " ".join(f"(voice_{name})" for name in names)

    def _run(
        self, literals: dict[int, bytes], voice: FestivalVoice, seed: int
    ) -> tuple[str | None, dict[int, Samples | Failure]]:
        """Speak what one process manages: how it ended, if not well, and what there is of its audio."""
        with tempfile.TemporaryDirectory(prefix="festival-") as name:
            folder = Path(name)
            script = folder / "batch.scm"
            script.write_bytes(_script(literals, voice, seed))
            command: list[str | Path] = [
                self._program,
                "--datadir",
                self._home,
                "--libdir",
                self._home,
                "--batch",
                script,
            ]
            try:
                # 10 s a sentence, where 0.05 s is usual, and a minute for a slow disk.
                process = subprocess.run(
                    command, cwd=folder, env=self._environment, capture_output=True, timeout=60 + 10 * len(literals)
                )
                crash = f"ended with status {process.returncode}" if process.returncode else None
                said = process.stderr.decode("utf-8", "replace").strip()
            except subprocess.TimeoutExpired:
                crash, said = "did not end in time", ""
            if not (folder / "ready").exists():
                raise EngineError(f"festival: voice {voice.voice} does not start ({crash}): {said[-500:]}")
            spoken: dict[int, Samples | Failure] = {}
            for index in literals:
                if (path := folder / f"{index}.done").exists():
                    spoken[index] = self._read(path.with_suffix(".wav"))
            return crash, spoken

    def _read(self, path: Path) -> Samples | Failure:
        try:
            samples, rate = decode(path.read_bytes())
        except (AudioError, OSError):  # an attempt that ended in a Scheme error
            return Failure("festival made no audio")
        samples = resample(samples, rate, self.sample_rate)
        return samples / max(1.0, peak(samples))  # the voices reach full scale, and filters overshoot it


def scheme_string(sentence: str, encoding: str) -> bytes | Failure:
    """A sentence as a string literal of Festival's Scheme.

    >>> scheme_string('Řekl: "ano\\\\ne"', "iso-8859-2")
    b'"\\xd8ekl: \\\\"ano\\\\\\\\ne\\\\""'
    """
    text = " ".join(unicodedata.normalize("NFC", sentence).translate(_TYPOGRAPHY).split())
    if not any(character.isalnum() for character in text):
        return Failure("nothing to say")
    if control := next((character for character in text if unicodedata.category(character) == "Cc"), None):
        return Failure(f"control character U+{ord(control):04X}")
    try:
        data = text.encode(encoding)
    except UnicodeEncodeError as error:
        return Failure(f"character {text[error.start]!r} is not in {encoding}")
    if len(data) > _READER_LIMIT:
        return Failure(f"longer than {_READER_LIMIT} bytes")
    return b'"' + data.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def _script(literals: dict[int, bytes], voice: FestivalVoice, seed: int) -> bytes:
    """Scheme that speaks the literals to `<index>.wav`; `<index>.done` says that an attempt has ended."""
    lines = [f"(voice_{voice.voice})", f"(Parameter.set 'Duration_Stretch {voice.stretch:f})"]
    if voice.pitch != 1:
        lines.append(
            "(set! int_general_params (mapcar (lambda (p) (if (eq? (car p) 'f0_mean)"
            f" (list 'f0_mean (* {voice.pitch:f} (cadr p))) p)) int_general_params))"
        )
    lines.append('(define (touch path) (fclose (fopen path "w")))')
    lines.append(
        "(define (speak name utt) (unwind-protect (utt.save.wave (utt.synth utt)"
        ' (string-append name ".wav") \'riff) nil) (touch (string-append name ".done")))'
    )
    # The Czech voices draw contours and pauses at random, and before the first draw measure the generator's range.
    lines.append("(if (symbol-bound? 'czech-rand) (czech-rand))")
    lines.append('(touch "ready")')
    calls = [
        b'(srand %d) (speak "%d" (Utterance Text %s))' % (zlib.crc32(literal, seed) >> 1, index, literal)
        for index, literal in literals.items()
    ]
    return b"\n".join([*(line.encode() for line in lines), *calls, b""])


def _relocate(source: Path, target: Path) -> None:
    """Copy Festival's library with its built-in paths changed to `target`; all that is not Scheme is only linked."""

    def place(file: str, copy: str) -> str:
        if file.endswith(".scm"):
            Path(copy).write_bytes(Path(file).read_bytes().replace(_HOME.encode(), str(target).encode()))
        else:
            Path(copy).symlink_to(Path(file).resolve())
        return copy

    shutil.copytree(source, target, copy_function=place)
