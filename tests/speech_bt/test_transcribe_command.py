"""`selfsown transcribe`: where long sound is cut, what comes out and is refused, and what cutting costs in WER."""

import json
import re
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import yaml
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.speech_bt.tiny_whisper import tiny_model, tiny_processor

from selfsown import tracking
from selfsown.audio import SAMPLE_RATE, Samples, decode
from selfsown.cli import app
from selfsown.errors import UserError
from selfsown.products import read_product
from selfsown.speech_bt.commands.transcribe import LongTranscriber, read
from selfsown.speech_bt.commands.transcribe.segments import FRAME, KEPT, SHORT_PAUSE, cut
from selfsown.speech_bt.whisper import windowed as whisper
from selfsown.speech_bt.whisper.scoring import score
from selfsown.text.scoring import normalizer

ROOT = Path(__file__).parents[2]
WINDOWS = [2, 4]


def noise(seconds: float, level: float, seed: int = 0) -> Samples:
    """White noise, `level` dBFS."""
    samples = np.random.default_rng(seed).normal(size=round(seconds * SAMPLE_RATE)) * 10 ** (level / 20)
    return samples.astype(np.float32)


def sound_of(bursts: list[tuple[float, float, float]], hiss: float) -> tuple[Samples, list[tuple[int, int]]]:
    """Bursts of `(silence before, seconds, level)` over a steady hiss, and where they are."""
    parts, places, at = [], [], 0
    for index, (before, lasts, level) in enumerate(bursts):
        parts += [noise(before, -200), noise(lasts, level, index)]
        places.append((at + parts[-2].size, at + parts[-2].size + parts[-1].size))
        at = places[-1][1]
    samples = np.concatenate([*parts, noise(0.7, -200)])
    return samples + noise(samples.size / SAMPLE_RATE, hiss, 99)[: samples.size], places


# What is within three quarters of RANGE (15 dB) of the loudest is sound in any file, also in one with hardly a silence.
@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.floats(0, 2), st.floats(0.1, 9), st.floats(-23, -10)), min_size=1, max_size=8),
    st.sampled_from([-200, -60, -50]),
    st.sampled_from([1.5, 3.5, 10.5]),
)
def test_segments_hold_all_sound_and_none_is_too_long(
    bursts: list[tuple[float, float, float]], hiss: float, longest: float
) -> None:
    samples, places = sound_of(bursts, hiss)
    segments = cut(samples, longest)
    heard = np.zeros(samples.size, bool)
    for (start, end), (following, _) in zip(segments, [*segments[1:], (samples.size, 0)], strict=True):
        assert 0 <= start < end <= min(following, samples.size)
        assert end - start <= longest * SAMPLE_RATE
        heard[start:end] = True
    assert all(heard[start:end].all() for start, end in places)
    # Bursts that silence parts are cut apart there or not at all, unless their neighbours run into one that is longer.
    joined = [places[0]]
    for start, end in places[1:]:
        if start - joined[-1][1] < (SHORT_PAUSE + 2) * FRAME:
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    fitting = [(a, b) for a, b in joined if b - a <= (longest * SAMPLE_RATE // FRAME - 2 * KEPT - 2) * FRAME]
    assert not [edge for segment in segments for edge in segment if any(a < edge < b for a, b in fitting)]


@pytest.mark.parametrize("samples", [noise(0, 0), noise(0.01, -200), noise(20, -200), noise(20, -75)])
def test_silence_has_no_segments(samples: Samples) -> None:
    assert cut(samples, 3.5) == []


def test_speech_without_a_pause_is_cut_at_its_quietest_places() -> None:
    samples = noise(30, -15)
    dips = [(t, t + 0.1) for t in (7.2, 15.9, 22.4)]  # too short for pauses, and not silent
    for start, end in dips:
        samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] *= 0.3
    edges = [end / SAMPLE_RATE for _, end in cut(samples, 10.5)]
    assert len(edges) == 4 and edges[-1] == 30
    assert all(low <= edge <= high for edge, (low, high) in zip(edges, dips, strict=False))


def test_a_long_pause_is_cut_in_before_a_short_one() -> None:
    bursts = [(0, 2, -15), (0.2, 2, -15), (0.4, 2, -15), (0.2, 2, -15)]
    samples, places = sound_of(bursts, -200)
    first, second = cut(samples, 6)
    assert places[1][1] <= first[1] <= second[0] <= places[2][0], "4.2 s and 4.2 s, not 6 s and the rest"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that was trained in windows of 2 and 4 s."""
    folder = tmp_path_factory.mktemp("model")
    model = tiny_model()
    model.config.trained_windows = WINDOWS
    model.export(folder)
    tiny_processor().save_pretrained(folder)
    return folder


@pytest.fixture
def talk(tmp_path: Path) -> Path:
    samples, _ = sound_of([(0.5, 1.5, -15), (1.0, 4.8, -20), (0.8, 0.7, -15)], -60)
    soundfile.write(tmp_path / "talk.flac", samples, SAMPLE_RATE)
    return tmp_path / "talk.flac"


def transcribe(*arguments: object) -> Result:
    return CliRunner().invoke(app, ["transcribe", *map(str, arguments)], catch_exceptions=False)


def test_each_segment_is_what_the_model_hears_there_in_a_trained_window(folder: Path, talk: Path) -> None:
    said = json.loads(transcribe(talk, "--folder", folder, "--json").stdout)
    segments = said["segments"]
    assert said["file"] == str(talk) and said["language"] == "cs"
    assert said["text"] == " ".join(segment["text"] for segment in segments if segment["text"]) != ""
    times = [(segment["start"], segment["end"]) for segment in segments]
    assert times[0] == pytest.approx((0.3, 2.2), abs=0.03) and times[-1] == pytest.approx((8.4, 9.5), abs=0.03)
    assert len(times) == 4 and max(end - start for start, end in times) <= max(WINDOWS) - whisper.MARGIN
    samples = decode(talk.read_bytes())[0]
    parts = [samples[round(start * SAMPLE_RATE) : round(end * SAMPLE_RATE)] for start, end in times]
    model, processor = whisper.load(folder)
    heard = whisper.transcribe(model, processor, parts, language="cs", windows=WINDOWS)
    assert [(segment["text"], segment["cut"]) for segment in segments] == heard


def test_a_model_that_names_no_windows_is_given_30_s(folder: Path, talk: Path, tmp_path: Path) -> None:
    tiny_model().export(tmp_path / "stock")
    tiny_processor().save_pretrained(tmp_path / "stock")
    assert LongTranscriber(folder).windows == WINDOWS
    stock = LongTranscriber(tmp_path / "stock")
    assert stock.windows == (30.0,)
    assert [round(segment.end - segment.start, 1) for segment in stock(read(talk))] == [1.9, 5.2, 1.1]


def test_files_of_any_kind_one_line_each(folder: Path, talk: Path, tmp_path: Path) -> None:
    samples = read(talk)
    loud = np.repeat(samples, 3)
    soundfile.write(tmp_path / "stereo.wav", np.stack([loud, loud], axis=1), 3 * SAMPLE_RATE, subtype="FLOAT")
    soundfile.write(tmp_path / "talk.mp3", samples, SAMPLE_RATE)
    soundfile.write(tmp_path / "nothing.wav", samples[:0], SAMPLE_RATE)
    files = [talk, tmp_path / "stereo.wav", tmp_path / "talk.mp3", tmp_path / "nothing.wav"]
    told = [json.loads(line) for line in transcribe(*files, "--folder", folder, "--json").stdout.splitlines()]
    assert [said["file"] for said in told] == [str(file) for file in files]
    for said in told[:3]:
        assert [segment["start"] for segment in said["segments"]] == pytest.approx([0.3, 2.8, 5.2, 8.4], abs=0.9)
    assert told[3]["text"] == "" and told[3]["segments"] == []
    lines = transcribe(*files, "--folder", folder).stdout
    assert lines == "".join(f"{said['file']}: {said['text']}\n" for said in told)
    assert transcribe(talk, "--folder", folder, "--language", "Dutch").stdout.strip() != told[0]["text"]
    tagged = json.loads(transcribe(talk, "--folder", folder, "--language", "NL_be", "--json").stdout)
    assert tagged["language"] == "nl"


def test_times_and_subtitles_say_when_what_is_said(folder: Path, talk: Path) -> None:
    segments = json.loads(transcribe(talk, "--folder", folder, "--json").stdout)["segments"]
    assert all(segment["text"] for segment in segments)
    for segment in segments:
        segment["text"] = " ".join(segment["text"].split())  # on one line, whatever the model writes
    lines = transcribe(talk, "--folder", folder, "--times").stdout.strip().split("\n")
    for line, segment in zip(lines, segments, strict=True):
        start, end, text = re.fullmatch(r"\[00:00:(\d\d\.\d\d) - 00:00:(\d\d\.\d\d)\] (.+)", line).groups()
        assert (float(start), float(end), text) == (segment["start"], segment["end"], segment["text"])
    blocks = transcribe(talk, "--folder", folder, "--srt").stdout.strip().split("\n\n")
    for number, (block, segment) in enumerate(zip(blocks, segments, strict=True), 1):
        place, when, text = block.split("\n")
        assert (place, text) == (f"{number}", segment["text"])
        times = [float(clock.removeprefix("00:00:").replace(",", ".")) for clock in when.split(" --> ")]
        assert times == [segment["start"], segment["end"]]


def test_files_are_written_for_each_and_never_over_others(folder: Path, talk: Path, tmp_path: Path) -> None:
    again = tmp_path / "again.wav"
    soundfile.write(again, read(talk), SAMPLE_RATE)
    out = tmp_path / "new" / "said"
    for form, ending in (("--json", "json"), ("--srt", "srt"), ("--times", "txt")):
        assert transcribe(talk, again, "--folder", folder, form, "--out", out).stdout == ""
        for file in (talk, again):
            printed = transcribe(file, "--folder", folder, form).stdout
            assert (out / f"{file.stem}.{ending}").read_text() == printed
    assert len(list(out.iterdir())) == 6
    with pytest.raises(UserError, match=r"again\.srt: is there already"):
        transcribe(again, "--folder", folder, "--srt", "--out", out)
    twin = shutil.copy(talk, tmp_path / "talk.wav")
    with pytest.raises(UserError, match=r"talk\.srt would be that of .*talk\.flac, .*talk\.wav"):
        transcribe(talk, twin, "--folder", folder, "--srt", "--out", tmp_path / "other")
    with pytest.raises(UserError, match="--srt of several files"):
        transcribe(talk, again, "--folder", folder, "--srt")


def test_long_sound_is_read_as_a_clip_is(tmp_path: Path) -> None:
    samples = np.stack([noise(130, -20, seed) for seed in (1, 2)], axis=1)
    soundfile.write(tmp_path / "long.flac", samples, SAMPLE_RATE)
    assert np.array_equal(read(tmp_path / "long.flac"), decode((tmp_path / "long.flac").read_bytes())[0])


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("talk.m4a", b"\0\0\0\x20ftypM4A " + bytes(500), r"talk\.m4a: not readable as audio: .*convert it to FLAC or"),
        ("talk.raw", bytes(500), r"talk\.raw: not readable as audio: .*convert"),
        ("empty.wav", b"", r"empty\.wav: not readable as audio: .*convert"),
    ],
)
def test_what_is_no_audio_is_refused_before_any_work(
    name: str, data: bytes, message: str, talk: Path, tmp_path: Path
) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(UserError, match=message):
        transcribe(talk, tmp_path / name)  # no model is looked for


def test_samples_that_are_no_numbers_are_refused(folder: Path, tmp_path: Path) -> None:
    soundfile.write(tmp_path / "nan.wav", np.array([0.1, np.nan]), SAMPLE_RATE, subtype="FLOAT")
    with pytest.raises(UserError, match=r"nan\.wav: 1 samples are not finite"):
        transcribe(tmp_path / "nan.wav", "--folder", folder)


def test_a_folder_or_language_that_will_not_do_is_named(folder: Path, talk: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="--language klingon: unknown to the model"):
        transcribe(talk, "--folder", folder, "--language", "klingon")
    with pytest.raises(UserError, match=r"config\.json and \*\.safetensors missing"):
        transcribe(talk, "--folder", tmp_path)
    changes: dict[str, tuple[str, dict[str, Any], str]] = {
        "other": ("config.json", {"model_type": "bert"}, "a model of type bert, not whisper"),
        "mute": ("generation_config.json", {"language": None}, "names no language: give --language"),
        "half": ("processor_config.json", {}, "not a whole Whisper"),
    }
    for name, (file, change, message) in changes.items():
        changed = shutil.copytree(folder, tmp_path / name) / file
        held = json.loads(changed.read_text())
        changed.write_text(json.dumps(held | change)) if change else changed.unlink()
        with pytest.raises(UserError, match=message):
            transcribe(talk, "--folder", tmp_path / name)


@pytest.mark.slow
def test_a_registered_model_by_its_alias(
    folder: Path, talk: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path / 'mlflow.db'}")
    with pytest.raises(UserError, match="nothing was tracked there yet"):
        transcribe(talk)
    example = noise(1, -20)
    with tracking.run("speech_bt.evaluate", experiment="speech_bt", params={}, inputs={}, fingerprint="f"):
        tracking.log_model(
            "selfsown-whisper", folder, task="automatic-speech-recognition", input_example=example, inputs=[],
            signature=tracking.signature(example, ["ahoj"]), card="# A Whisper",
        )  # fmt: skip
    with pytest.raises(UserError, match="no version is @champion"):
        transcribe(talk)
    assert transcribe(talk, "--alias", "candidate").stdout == transcribe(talk, "--folder", folder).stdout


@pytest.mark.recipe
def test_a_trained_model_says_which_windows_it_knows() -> None:
    speech_bt = yaml.safe_load((ROOT / "params.yaml").read_text())["speech_bt"]
    trained = [length["seconds"] for length in speech_bt["train"]["pack"]["lengths"]]
    arm = speech_bt["matrix"]["arms"][0]
    assert LongTranscriber(ROOT / "models/speech_bt" / arm).windows == trained


@pytest.mark.slow
@pytest.mark.parametrize("step", [1, -1])
def test_three_minutes_in_one_file_cost_no_more_errors_than_their_clips(step: int) -> None:
    """Of a smoke run, whose trained model knows nothing: untouched Whisper in the windows that training would use."""
    rows = czech_clips()[::step]
    ends = np.cumsum([row["duration"] for row in rows])
    transcriber = LongTranscriber(ROOT / "models/speech_bt/untouched", "cs", windows=(6, 11))
    assert ends[-1] > 100
    joining_costs_at_most_two_points(transcriber, [rows[: int(np.searchsorted(ends, 180)) + 1]], pause=0.6)


@pytest.mark.slow
@pytest.mark.parametrize("pause", [0.6, 1.0])
def test_nor_do_files_that_are_cut_at_each_clip(pause: float) -> None:
    """Of a trained model. A second is cut in, 0.6 s are not.

    Four files: by chance alone (the clip moves in its window) one of three minutes differs by 2 points from its clips.
    """
    rows = [row for row in czech_clips() if row["split"] == "test"]
    rows = [rows[index] for index in np.random.default_rng(7).permutation(len(rows))]
    number = np.cumsum([row["duration"] for row in rows]) // 180
    if number[-1] < 4:
        pytest.skip("a smoke run has too few clips, and its models know nothing: make repro")
    files = [[row for row, its in zip(rows, number, strict=True) if its == file] for file in range(4)]
    joining_costs_at_most_two_points(LongTranscriber(ROOT / "models/speech_bt/mixed", "cs"), files, pause)


def czech_clips() -> list[dict[str, Any]]:
    """Recorded, with their words, in the order of their ids."""
    if not (ROOT / "models/speech_bt/untouched").is_dir():
        pytest.skip("no finished run here: make repro PROFILE=smoke")
    rows = read_product(ROOT / "data/corpora/speech").sort_by("id").to_pylist()
    return [row for row in rows if row["split"] in ("seed", "dev", "test") and row["language"] == "cs"]


def joining_costs_at_most_two_points(transcriber: LongTranscriber, files: list[list[Any]], pause: float) -> None:
    """Of WER, of all files together: each holds clips in a row with `pause` seconds of silence after each."""
    normalize = normalizer("whisper_basic")
    apart, joined = [], []
    for rows in files:
        clips = [decode(row["audio"]["bytes"])[0] for row in rows]
        alone = whisper.transcribe(
            transcriber.model, transcriber.processor, clips, language="cs", windows=transcriber.windows
        )
        apart += [score(row["text"], heard.text, normalize, "cs") for row, heard in zip(rows, alone, strict=True)]
        together = transcriber(np.concatenate([part for clip in clips for part in (clip, noise(pause, -200))]))
        said = " ".join(segment.text for segment in together)
        joined.append(score(" ".join(row["text"] for row in rows), said, normalize, "cs"))
    (words, errors), (words_joined, errors_joined) = (
        (sum(row["words"] for row in scores), sum(row["errors"] for row in scores)) for scores in (apart, joined)
    )
    assert words_joined == words
    told = f"{errors_joined} errors in one file each, {errors} in clips, of {words} words"
    assert errors_joined / words <= errors / words + 0.02, told
    assert errors / words < 1, "nothing was understood, and there is nothing to compare"
