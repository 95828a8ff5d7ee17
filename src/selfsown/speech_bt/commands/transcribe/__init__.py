"""Write down what is said in audio files of any length.

    selfsown transcribe talk.flac --times
    selfsown transcribe lectures/*.mp3 --srt --out subtitles

A trained model knows no timestamps and only short windows, whose lengths its config holds as `trained_windows`. So a
file is cut at silence into segments that fit them; a model without that entry is given windows of 30 s.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import numpy as np
import soundfile
from tqdm import tqdm
from transformers import logging
from transformers.models.whisper.tokenization_whisper import TO_LANGUAGE_CODE

from selfsown.audio import SAMPLE_RATE, AudioError, Samples, resample
from selfsown.checkpoint import model_folder, model_options
from selfsown.errors import UserError, first_line
from selfsown.files import write_atomic
from selfsown.speech_bt.commands.transcribe.forms import FORMS, Said, Segment, timed
from selfsown.speech_bt.commands.transcribe.segments import cut
from selfsown.speech_bt.whisper import windowed as whisper
from selfsown.text.written.alphabets import language_of

BATCH_SIZE = 16


@click.command()
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path))
@model_options("selfsown-whisper")
@click.option("--language", help="code or English name of the language spoken  [default: the model's]")
@click.option("--text", "form", flag_value="text", default=True, help="a line per file, after its name when several")
@click.option("--times", "form", flag_value="times", help="a line per segment, with its times, as it is written down")
@click.option("--srt", "form", flag_value="srt", help="subtitles")
@click.option("--json", "form", flag_value="json", help="a JSON object per file, with the times of each segment")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    help="write a file for each of FILES into this folder, .txt, .srt or .json, instead of printing",
)
def command(
    files: tuple[Path, ...],
    model: str,
    alias: str,
    folder: Path | None,
    language: str | None,
    form: str,
    out: Path | None,
) -> None:
    """Write down what is said in FILES: WAV, FLAC, Ogg, MP3, of any length and sample rate."""
    if form == "srt" and out is None and len(files) > 1:
        raise UserError("--srt of several files: subtitles are a file for each; name a folder for them with --out")
    ending, written = FORMS[form]
    targets = _targets(files, out, ending) if out is not None else {}
    at_once = form == "times" and out is None
    total = sum(map(seconds, files))  # reads the head of each, before the work on the first
    logging.disable_progress_bar()  # of loading, a second long
    with model_folder(model, alias, folder, marked_by="config.json") as found:
        transcriber = LongTranscriber(found, language)
    with tqdm(total=round(total), unit="s", desc="transcribe", disable=None) as progress:  # shown on a terminal only
        done = 0.0
        for file in files:
            samples = read(file)
            if at_once and len(files) > 1:
                tqdm.write(f"{file}:")
            segments = []
            for segment in transcriber(samples):
                segments.append(segment)
                progress.update(round(done + segment.end) - progress.n)
                if at_once and segment.text:
                    tqdm.write(timed(segment))
            done += len(samples) / SAMPLE_RATE
            progress.update(round(done) - progress.n)
            text = written(Said(str(file), transcriber.language, segments))
            if out is not None:
                out.mkdir(parents=True, exist_ok=True)
                write_atomic(targets[file], f"{text}\n".encode())
            elif not at_once:
                tqdm.write(f"{file}: {text}" if form == "text" and len(files) > 1 else text)


def _targets(files: Sequence[Path], out: Path, ending: str) -> dict[Path, Path]:
    """The file that each is written down in.

    Raises:
        UserError: it is there already, or would be that of two.
    """
    targets = {file: out / f"{file.stem}{ending}" for file in files}
    for target, count in Counter(targets.values()).items():
        if count > 1:
            names = ", ".join(str(file) for file in files if targets[file] == target)
            raise UserError(
                f"--out {out}: {target.name} would be that of {names}; write them into folders of their own"
            )
        if target.exists():
            raise UserError(f"{target}: is there already; move it away, or name another folder")
    return targets


class LongTranscriber:
    """A Whisper for sound of any length, in windows of the lengths that it was trained with, or of those given."""

    def __init__(self, folder: Path, language: str | None = None, windows: Sequence[float] = ()) -> None:
        if (kind := json.loads((folder / "config.json").read_bytes()).get("model_type")) != "whisper":
            raise UserError(f"{folder}: a model of type {kind}, not whisper")
        try:
            self.model, self.processor = whisper.load(folder)
        except (OSError, ValueError) as error:
            raise UserError(f"{folder}: not a whole Whisper: {first_line(error)}") from None
        self.windows = windows or getattr(self.model.config, "trained_windows", (whisper.FULL_WINDOW,))
        self.language = self._known(language or getattr(self.model.generation_config, "language", None))

    def _known(self, language: str | None) -> str:
        """The code of a language.

        Raises:
            UserError: none is named, or the model has no such language.
        """
        if not getattr(self.model.generation_config, "is_multilingual", True):
            return "en"
        if language is None:
            raise UserError("the model names no language: give --language")
        name = language_of(language)
        code = TO_LANGUAGE_CODE.get(name, name)
        if f"<|{code}|>" not in self.processor.tokenizer.get_vocab():
            raise UserError(f"--language {language}: unknown to the model; give a code or an English name: cs or czech")
        return code

    def __call__(self, samples: Samples) -> Iterator[Segment]:
        """The segments of 16 kHz sound, as they are written down."""
        cuts = cut(samples, max(self.windows) - whisper.MARGIN)
        for batch in (cuts[first : first + BATCH_SIZE] for first in range(0, len(cuts), BATCH_SIZE)):
            heard = whisper.transcribe(
                self.model,
                self.processor,
                [samples[start:end] for start, end in batch],
                language=self.language,
                windows=self.windows,
                batch_size=BATCH_SIZE,
            )
            for (start, end), transcript in zip(batch, heard, strict=True):
                yield Segment(round(start / SAMPLE_RATE, 2), round(end / SAMPLE_RATE, 2), *transcript)


def seconds(file: Path) -> float:
    """How long a file lasts.

    Raises:
        AudioError: it is not audio that can be read.
    """
    with _opened(file) as sound:
        return sound.frames / sound.samplerate


def read(file: Path) -> Samples:
    """16 kHz samples, channels averaged; block by block, since hours of stereo as floats fill a memory.

    Raises:
        AudioError: it is not audio that can be read, or holds samples that are not finite.
    """
    with _opened(file) as sound:
        blocks = [block.mean(axis=1) for block in sound.blocks(60 * sound.samplerate, dtype="float32", always_2d=True)]
        rate = sound.samplerate
    samples = np.concatenate([np.zeros(0, np.float32), *blocks])
    if not np.isfinite(samples).all():
        raise AudioError(f"{file}: {np.count_nonzero(~np.isfinite(samples))} samples are not finite")
    return resample(samples, rate, SAMPLE_RATE) if samples.size else samples


@contextmanager
def _opened(file: Path) -> Iterator[soundfile.SoundFile]:
    try:
        with soundfile.SoundFile(file) as sound:
            yield sound
    except (soundfile.LibsndfileError, TypeError) as error:  # TypeError: by its name a file without a header
        words = getattr(error, "error_string", error)
        hint = "convert it to FLAC or WAV, for instance with `ffmpeg -i FILE FILE.flac`"
        raise AudioError(f"{file}: not readable as audio: {words}; {hint}") from None
