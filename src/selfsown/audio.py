"""Audio of the speech products: bytes to samples and back, levels, and seeded augmentation.

Samples are mono float32 `[n]` in [-1, 1]. Products hold 16 kHz FLAC of 16 bits, so that what is read from one and
written again has the same bytes.
"""

from __future__ import annotations

import io
import math
import re
from typing import Any

import numpy as np
import pyarrow as pa
import soundfile
import soxr
from numpy.typing import NDArray
from pydantic import Field

from selfsown.errors import UserError
from selfsown.params import Params, Range

Samples = NDArray[np.float32]

SAMPLE_RATE = 16_000
"""Of every audio product, in Hz: what Whisper hears."""

UTTERANCE = pa.schema([
    ("id", pa.string()), ("audio", pa.struct([("bytes", pa.binary()), ("path", pa.string())])), ("text", pa.string()),
    ("language", pa.string()), ("speaker", pa.string()), ("duration", pa.float64()), ("source", pa.string()),
    ("group", pa.string()), ("split", pa.string()),
])  # fmt: skip
"""A row of every speech product; `duration` in seconds, `audio` as Hugging Face `datasets` lays it out. `group`: what
belongs together and is never torn apart: a level, a book, the renditions of a sentence."""

_UNNAMED = "-unknown"

SILENCE_DBFS = -120.0
"""What digital silence is counted as; a logarithm of zero would not fit into JSON."""

_FRAME_SECONDS = 0.02
_FULL_SCALE = 32768  # of 16 bits: then integers survive decode and encode unchanged


def unnamed_speaker(source: str) -> str:
    """The `speaker` of a source's clips that name none: whoever they are, one or many."""
    return f"{source}{_UNNAMED}"


def is_unnamed(speaker: str) -> bool:
    """Whether clips of this `speaker` may be of several people.

    >>> is_unnamed(unnamed_speaker("my-speech")), is_unnamed("anna")
    (True, False)
    """
    return speaker.endswith(_UNNAMED)


class AudioError(UserError):
    """A clip cannot be read or written; the message names it."""


def decode(data: bytes, name: str = "clip") -> tuple[Samples, int]:
    """Samples `[n]`, channels averaged, and the sample rate in Hz, of WAV, FLAC, Ogg or MP3 bytes.

    Raises:
        AudioError: not audio, no samples, or samples that are not finite.
    """
    try:
        channels, rate = soundfile.read(io.BytesIO(data), dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, TypeError) as error:
        # The library's own words only: the whole message names an address, which differs from run to run.
        words = getattr(error, "error_string", error)
        raise AudioError(f"{name}: {len(data)} bytes are not readable as audio: {_format(data) or words}") from None
    samples = channels.mean(axis=1, dtype=np.float32) if channels.shape[1] > 1 else channels[:, 0]
    _check(samples, name)
    return samples, rate


_FORMATS = {
    b"....ftyp": "MPEG-4 (m4a, mp4)", b"#!AMR": "AMR", b"\x30\x26\xb2\x75": "Windows Media (wma)",
    b"\x1a\x45\xdf\xa3": "WebM or Matroska", b"\xff[\xf0\xf1\xf8\xf9]": "AAC",
}  # fmt: skip
"""How files of other formats begin, as patterns."""


def _format(data: bytes) -> str:
    """What a file is that is not read, and what to do; empty where that is not known."""
    if data.startswith(b"version https://git-lfs"):
        return "it is a Git LFS pointer: `git lfs pull`, where it came from, brings the file"
    found = next((name for start, name in _FORMATS.items() if re.match(start, data, re.DOTALL)), "")
    return f"it is {found}: convert it to FLAC or WAV, as `ffmpeg -i in.m4a out.flac` does" if found else ""


def encode_flac(samples: NDArray[Any], sample_rate: int, name: str = "clip") -> bytes:
    """FLAC of 16 bits; what exceeds [-1, 1] is clipped.

    Raises:
        AudioError: no samples, more than one dimension, or samples that are not finite.
    """
    _check(samples, name)
    integers = np.rint(samples * float(_FULL_SCALE)).clip(-_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
    buffer = io.BytesIO()
    soundfile.write(buffer, integers, sample_rate, format="FLAC", subtype="PCM_16")
    return buffer.getvalue()


def _check(samples: NDArray[Any], name: str) -> None:
    if samples.ndim != 1 or not samples.size:
        raise AudioError(f"{name}: expected mono samples, got an array of shape {list(samples.shape)}")
    if not np.isfinite(samples).all():
        raise AudioError(f"{name}: {np.count_nonzero(~np.isfinite(samples))} samples are not finite")


def resample(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """The same sound at another rate, `round(n * to_rate / from_rate)` samples."""
    if from_rate == to_rate:
        return samples
    # A ratio in lowest terms of small numbers lets soxr use its fast polyphase filters.
    divisor = math.gcd(from_rate, to_rate)
    resampled: Samples = soxr.resample(samples, from_rate // divisor, to_rate // divisor).astype(np.float32, copy=False)
    return resampled


def rms_dbfs(samples: NDArray[Any]) -> float:
    """Root mean square as dB below full scale; NaN for no samples or for samples that are not finite.

    >>> round(rms_dbfs(np.full(100, 0.1)), 3)
    -20.0
    """
    if not samples.size:
        return float("nan")
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return max(SILENCE_DBFS, 10 * math.log10(max(power, 1e-30))) if math.isfinite(power) else float("nan")


def peak(samples: NDArray[Any]) -> float:
    """Largest absolute sample; 0 for none."""
    return float(np.abs(samples).max(initial=0.0))


def clipping_fraction(samples: NDArray[Any]) -> float:
    """Fraction of samples at or beyond full scale of 16 bits."""
    return float(np.mean(np.abs(samples) >= (_FULL_SCALE - 1) / _FULL_SCALE)) if samples.size else 0.0


def silence_fraction(samples: NDArray[Any], sample_rate: int) -> float:
    """Fraction of 20 ms frames that are silent, anywhere in the clip; 1 for no samples."""
    silent = _silent_frames(samples, sample_rate)
    return float(silent.mean()) if silent.size else 1.0


def _silent_frames(samples: NDArray[Any], sample_rate: int) -> NDArray[np.bool_]:
    """Per frame: 40 dB below the loudest frame, or below -60 dBFS, where 16 bits hold little but hiss."""
    powers = _frame_powers(samples, sample_rate)
    return powers < max(1e-4 * powers.max(initial=0.0), 1e-6)


def _frame_powers(samples: NDArray[Any], sample_rate: int) -> NDArray[np.float64]:
    """Mean square of each 20 ms frame; the last one may be shorter."""
    starts = np.arange(0, samples.size, max(1, round(_FRAME_SECONDS * sample_rate)))
    if not starts.size:
        return np.zeros(0)
    sums = np.add.reduceat(np.square(samples, dtype=np.float64), starts)
    return sums / np.diff(np.append(starts, samples.size))


class Effect(Range):
    """With `probability`, an effect of a strength drawn uniformly from [`low`, `high`]."""

    probability: float = Field(ge=0, le=1)

    def draw(self, rng: np.random.Generator) -> float | None:
        """A strength, or None for no effect; always two draws, so that one effect's chance leaves the next's alone."""
        chance, strength = rng.random(), rng.uniform(self.low, self.high)
        return strength if chance < self.probability else None


class SpeedEffect(Effect):
    """A factor of tempo and pitch."""

    low: float = Field(ge=0.5)
    high: float = Field(le=2)


class BandEffect(Effect):
    """Upper limit of the band in Hz; it must reach above the lower limit."""

    low: float = Field(ge=1000)


class ReverbEffect(Effect):
    """Seconds until the echo has died away by 60 dB."""

    low: float = Field(gt=0)
    high: float = Field(le=2)


class AugmentParams(Params):
    """What may happen to a clip, in this order; an effect left out never does."""

    speed: SpeedEffect | None = Field(None, description="factor: 1.1 is faster and higher by a tenth")
    reverb_s: ReverbEffect | None = Field(None, description="reverberation time, a small room 0.2 to 0.5")
    band_hz: BandEffect | None = Field(None, description="keeps 300 Hz to this, as a telephone does (3400)")
    noise_snr_db: Effect | None = Field(None, description="white to pink noise, so far below the speech")
    gain_db: Effect | None = None


def augment(samples: Samples, sample_rate: int, params: AugmentParams, rng: np.random.Generator) -> Samples:
    """The clip with effects drawn from `rng`; scaled down where it would clip."""
    if params.speed and (factor := params.speed.draw(rng)):
        # Steps of a hundredth: ratios of small numbers are cheap, and finer ones cannot be heard.
        samples = resample(samples, round(100 * factor), 100)
    if params.reverb_s and (seconds := params.reverb_s.draw(rng)):
        samples = _reverb(samples, sample_rate, seconds, rng)
    if params.band_hz and (upper := params.band_hz.draw(rng)):
        samples = _band_limit(samples, sample_rate, upper)
    if params.noise_snr_db and (snr := params.noise_snr_db.draw(rng)) is not None:
        samples = _add_noise(samples, snr, rng)
    if params.gain_db and (gain := params.gain_db.draw(rng)):
        samples = samples * 10 ** (gain / 20)
    return (samples / max(1.0, peak(samples))).astype(np.float32)


def _reverb(samples: Samples, sample_rate: int, seconds: float, rng: np.random.Generator) -> Samples:
    """Convolve with a sharp direct sound and a decaying noise tail 5 dB below it; length and level stay."""
    time = np.arange(round(seconds * sample_rate)) / sample_rate
    echo = rng.standard_normal(time.size) * 10 ** (-3 * time / seconds)
    echo[time < 0.003] = 0.0  # the first wall is a metre away
    if energy := float(np.sum(echo**2)):
        echo *= math.sqrt(10**-0.5 / energy)
    echo[:1] = 1.0
    size = samples.size + echo.size
    wet = np.fft.irfft(np.fft.rfft(samples, size) * np.fft.rfft(echo, size), size)[: samples.size]
    return (wet * math.sqrt(_power(samples) / max(_power(wet), 1e-30))).astype(np.float32)


def _band_limit(samples: Samples, sample_rate: int, upper: float) -> Samples:
    """Keep 300 Hz to `upper`, with slopes of an octave."""
    frequencies = np.fft.rfftfreq(samples.size, 1 / sample_rate)
    octaves_out = np.maximum(np.log2(300 / np.maximum(frequencies, 1)), np.log2(np.maximum(frequencies, 1) / upper))
    response = np.cos(np.pi / 2 * octaves_out.clip(0, 1))
    return np.fft.irfft(np.fft.rfft(samples) * response, samples.size).astype(np.float32)


def _add_noise(samples: Samples, snr_db: float, rng: np.random.Generator) -> Samples:
    """Add noise between white and pink."""
    noise = coloured_noise(samples.size, rng.random(), rng)
    return samples + noise * np.float32(math.sqrt(_power(samples)) * 10 ** (-snr_db / 20))


def coloured_noise(size: int, slope: float, rng: np.random.Generator) -> Samples:
    """`size` samples of noise at 0 dBFS RMS, its power falling as frequency^-slope: 0 white, 1 pink, 2 brown."""
    spectrum = np.fft.rfft(rng.standard_normal(size))
    noise = np.fft.irfft(spectrum * np.arange(1, spectrum.size + 1) ** (-slope / 2), size)
    return (noise / math.sqrt(max(_power(noise), 1e-30))).astype(np.float32)


def _power(samples: NDArray[Any]) -> float:
    return float(np.mean(np.square(samples, dtype=np.float64)))
