"""Audio survives its encoding, damage is named, and augmentation does what its parameters say and nothing else."""

import io

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from selfsown import audio
from selfsown.audio import SAMPLE_RATE, AudioError, AugmentParams, augment, decode, encode_flac, resample, rms_dbfs


def tone(seconds: float = 1.0, hertz: float = 440.0, rate: int = SAMPLE_RATE, level: float = 0.3) -> audio.Samples:
    return (level * np.sin(2 * np.pi * hertz * np.arange(round(seconds * rate)) / rate)).astype(np.float32)


def spectrum(samples: audio.Samples, hertz: float) -> float:
    """Magnitude at a frequency, per sample."""
    bins = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) / len(samples)
    return float(bins[round(hertz * len(samples) / SAMPLE_RATE)])


@given(st.lists(st.integers(-32768, 32767), min_size=1, max_size=400), st.sampled_from([8000, 16000, 22050, 44100]))
def test_sixteen_bits_survive_the_round_trip_exactly(values: list[int], rate: int) -> None:
    samples = np.array(values, np.float32) / 32768
    data = encode_flac(samples, rate)
    back, back_rate = decode(data)
    assert back_rate == rate
    np.testing.assert_array_equal(back, samples)
    assert encode_flac(back, rate) == data


def test_stereo_becomes_the_mean_of_its_channels() -> None:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.stack([tone(), -tone() / 2], axis=1), SAMPLE_RATE, format="WAV", subtype="FLOAT")
    samples, _ = decode(buffer.getvalue())
    np.testing.assert_allclose(samples, tone() / 4, atol=1e-6)
    assert samples.dtype == np.float32 and samples.ndim == 1


def test_what_is_louder_than_full_scale_is_clipped_not_wrapped() -> None:
    samples, _ = decode(encode_flac(np.array([1.5, -1.5, 0.0], np.float32), SAMPLE_RATE))
    np.testing.assert_allclose(samples, [1, -1, 0], atol=1e-4)


def wav(samples: audio.Samples) -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, SAMPLE_RATE, format="WAV", subtype="FLOAT")
    return buffer.getvalue()


@pytest.mark.parametrize(
    "data",
    [b"", b"not audio", wav(tone())[:20], wav(np.zeros(0, np.float32)), wav(np.array([0, np.nan], np.float32))],
    ids=["empty", "no audio", "cut off", "no samples", "not a number"],  # the bytes hold the second they were made in
)
def test_damaged_audio_is_an_error_that_names_the_clip(data: bytes) -> None:
    with pytest.raises(AudioError, match="utt-7"):
        decode(data, "utt-7")


@pytest.mark.parametrize("samples", [np.zeros(0), np.zeros((2, 5)), np.array([0.1, np.inf])])
def test_what_no_player_could_play_is_not_written(samples: audio.Samples) -> None:
    with pytest.raises(AudioError, match="utt-8"):
        encode_flac(samples, SAMPLE_RATE, "utt-8")


@pytest.mark.parametrize("rate", [8000, 22050, 24000, 44100, 48000])
def test_resampling_keeps_the_tone_and_the_length_in_seconds(rate: int) -> None:
    out = resample(tone(rate=rate), rate, SAMPLE_RATE)
    assert len(out) == SAMPLE_RATE
    middle = slice(1000, -1000)
    np.testing.assert_allclose(out[middle], tone()[middle], atol=2e-3)


def test_levels_of_known_signals() -> None:
    assert audio.rms_dbfs(tone(level=1.0)) == pytest.approx(-3.01, abs=0.01)
    assert audio.rms_dbfs(np.zeros(10)) == audio.SILENCE_DBFS
    assert np.isnan(audio.rms_dbfs(np.zeros(0))) and np.isnan(audio.rms_dbfs(np.array([np.inf])))
    assert audio.peak(tone(level=0.5)) == pytest.approx(0.5, abs=1e-3)
    assert audio.clipping_fraction(np.array([1.0, -1.0, 0.5, 0.0])) == 0.5


def test_silence_is_found_where_it_is() -> None:
    quiet = np.zeros(SAMPLE_RATE, np.float32)
    clip = np.concatenate([quiet, tone(), quiet, tone(), quiet, quiet])
    assert audio.silence_fraction(clip, SAMPLE_RATE) == pytest.approx(4 / 6, abs=0.02)
    assert audio.silence_fraction(quiet, SAMPLE_RATE) == 1.0
    hiss = np.random.default_rng(0).normal(0, 1e-4, SAMPLE_RATE)  # -80 dBFS: a silent clip, whatever its loudest frame
    assert audio.silence_fraction(hiss, SAMPLE_RATE) == 1.0


ALL = AugmentParams.model_validate(
    {
        "speed": {"probability": 0.5, "low": 0.9, "high": 1.1},
        "reverb_s": {"probability": 0.5, "low": 0.1, "high": 0.4},
        "band_hz": {"probability": 0.5, "low": 3000, "high": 4000},
        "noise_snr_db": {"probability": 0.5, "low": 5, "high": 30},
        "gain_db": {"probability": 0.5, "low": -10, "high": 20},
    }
)


@given(st.integers(0, 2**32), st.integers(1, 5000))
def test_augmentation_is_a_function_of_its_seed_and_never_clips(seed: int, length: int) -> None:
    clip = tone()[:length]
    out = augment(clip, SAMPLE_RATE, ALL, np.random.default_rng(seed))
    assert out.dtype == np.float32 and np.isfinite(out).all() and audio.peak(out) <= 1
    assert abs(len(out) - length) <= 0.12 * length + 1
    np.testing.assert_array_equal(out, augment(clip, SAMPLE_RATE, ALL, np.random.default_rng(seed)))


def only(effect: str, strength: float, clip: audio.Samples) -> audio.Samples:
    params = AugmentParams.model_validate({effect: {"probability": 1, "low": strength, "high": strength}})
    return augment(clip, SAMPLE_RATE, params, np.random.default_rng(1))


def test_no_effect_changes_nothing() -> None:
    np.testing.assert_array_equal(augment(tone(), SAMPLE_RATE, AugmentParams(), np.random.default_rng(0)), tone())


def test_speed_shortens_the_clip_and_raises_its_pitch() -> None:
    out = only("speed", 1.25, tone(2.0))
    assert len(out) == round(2 * SAMPLE_RATE / 1.25)
    assert spectrum(out, 550) > 20 * spectrum(out, 440)


def test_noise_comes_at_the_ratio_that_was_asked_for() -> None:
    noise = only("noise_snr_db", 12, tone()) - tone()
    assert audio.rms_dbfs(tone()) - audio.rms_dbfs(noise) == pytest.approx(12, abs=0.1)


def test_gain_is_in_decibels() -> None:
    assert audio.rms_dbfs(only("gain_db", -6, tone())) == pytest.approx(audio.rms_dbfs(tone()) - 6, abs=0.01)


def test_a_telephone_passes_speech_and_stops_the_rest() -> None:
    clip = tone(hertz=100) + tone(hertz=1000) + tone(hertz=7500)
    out = only("band_hz", 3400, clip / 3)
    assert spectrum(out, 1000) == pytest.approx(spectrum(clip / 3, 1000), rel=0.01)
    assert spectrum(out, 100) < 0.01 * spectrum(clip, 100) and spectrum(out, 7500) < 0.01 * spectrum(clip, 7500)


def test_reverberation_rings_on_after_the_sound_has_stopped() -> None:
    clip = np.concatenate([tone(0.5), np.zeros(SAMPLE_RATE // 2, np.float32)])
    out = only("reverb_s", 0.4, clip)
    after = out[SAMPLE_RATE // 2 + 200 :]
    assert len(out) == len(clip) and audio.rms_dbfs(out) == pytest.approx(audio.rms_dbfs(clip), abs=0.1)
    assert audio.peak(after[:1000]) > 0.01 > audio.peak(after[-1000:])


@pytest.mark.parametrize(
    "params",
    [
        {"pitch": 1},
        {"speed": {"probability": 2, "low": 1, "high": 1}},
        {"gain_db": {"probability": 1, "low": 3, "high": 1}},
    ],
)
def test_parameters_that_make_no_sense_are_refused(params: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        AugmentParams.model_validate(params)


def test_not_finite_samples_have_no_level():
    assert np.isnan(rms_dbfs(np.array([0.1, np.nan])))
    assert np.isnan(rms_dbfs(np.array([0.1, np.inf])))
    assert np.isnan(rms_dbfs(np.array([])))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"\0\0\0\x20ftypM4A \0\0\0\0", r"it is MPEG-4 \(m4a, mp4\): convert it to FLAC or WAV, as `ffmpeg"),
        (b"#!AMR\n", "it is AMR: convert"),
        (b"version https://git-lfs.github.com/spec/v1\n", "Git LFS pointer: `git lfs pull`"),
    ],
)
def test_what_is_not_read_says_what_to_convert_it_to(data, said):
    with pytest.raises(AudioError, match=said):
        decode(data, "clip")
