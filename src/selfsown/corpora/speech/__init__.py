"""Real transcribed speech: corpora joined, decoded, resampled to 16 kHz mono, judged and split. -> UTTERANCE rows.

In-domain corpora are split by group (a game's level) into seed | text | dev | test, with no text on two sides;
out-of-domain ones are `ood`, kept only where caption and recording plausibly agree. What is refused is in
`rejected.parquet` with its reason.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pyarrow as pa
import soundfile
from pydantic import Field

from selfsown.audio import SAMPLE_RATE, UTTERANCE, AudioError, decode, encode_flac, resample, rms_dbfs
from selfsown.corpora.readers.speech import fillets, folder, tuxpaint
from selfsown.corpora.readers.speech.clips import Clip, ClipBytes, Reader
from selfsown.corpora.speech.splits import SURPLUS, assign, refuse_implausible_rates, refuse_leaks, refuse_repeated_ids
from selfsown.errors import UserError
from selfsown.identity import Identity
from selfsown.params import Params, Range
from selfsown.products import CardInfo, read_product
from selfsown.shards import ShardResult, map_shards, with_reason
from selfsown.sources import describe
from selfsown.stage import Metrics, Out, StageParams, stage
from selfsown.text.written.alphabets import script_misfit
from selfsown.text.written.normal import normalize_text
from selfsown.text.written.numbers import digits
from selfsown.text.written.sentences import markup

READERS: dict[str, Reader] = {"fillets": fillets.clips, "tuxpaint": tuxpaint.clips}
"""Corpora by name; any other name is a source of kind folder."""

CLIPS_PER_SHARD = 200


class Minutes(Params):
    """Target per split and language; `null` takes all that is left, whole groups may exceed it."""

    test: float | None = Field(ge=0)
    dev: float | None = Field(ge=0)
    seed: float | None = Field(ge=0)
    text: float | None = Field(ge=0)
    ood: float | None = Field(ge=0)


class SpeechParams(StageParams):
    """Section `corpora.speech`."""

    data_seed: int = Field(ge=0)
    languages: tuple[str, ...] = Field(min_length=1)
    in_domain: tuple[str, ...] = Field(min_length=1, description="fillets, or a source of kind folder")
    out_of_domain: tuple[str, ...] = Field(description="tuxpaint, or a source of kind folder")
    out_of_domain_languages: tuple[str, ...] = Field(description="beside `languages`: shows what a model forgets")
    minutes: Minutes
    seconds: Range
    dbfs: Range = Field(description="root mean square of a clip, dB below full scale")
    near_duplicate: float = Field(gt=0, le=1, description="Jaccard overlap of character 3-grams")
    rate_deviations: float = Field(gt=0, description="robust standard deviations of log characters/s, out of domain")


@stage()
def speech(params: SpeechParams, *, corpus: Out, identity: Identity) -> Metrics:
    """Make the speech product."""
    read = _in_domain(params) + _out_of_domain(params)
    surplus = tuple(clip for clip in read if clip.reason.startswith(SURPLUS))
    placed = [clip for clip in read if not clip.reason.startswith(SURPLUS)]
    clips = refuse_leaks(refuse_repeated_ids(placed), params.near_duplicate)
    clips.sort(key=lambda clip: (clip.language, clip.source, clip.id))
    shards = [tuple(clips[start : start + CLIPS_PER_SHARD]) for start in range(0, max(1, len(clips)), CLIPS_PER_SHARD)]
    shards[-1] += surplus  # beside what is kept, so that how much is left over moves no clip into another shard
    origins = [describe(name) for name in sorted(_origins(read))]
    map_shards(
        partial(Judge, params.seconds, params.dbfs),
        shards,
        corpus,
        schema=UTTERANCE,
        card=CardInfo(
            name="corpora/speech",
            licence="; ".join(sorted({origin.licence for origin in origins})),
            source="; ".join(f"{origin.name} {origin.version} ({origin.citation})" for origin in origins),
            seed=params.data_seed,
            note="16 kHz mono FLAC. Splits seed, text (for its texts), dev, test, ood; groups are never torn.",
        ),
        identity=identity,
    )
    return _metrics(corpus)


def _origins(clips: Sequence[Clip]) -> set[str]:
    """The sources of the clips; Fish Fillets keeps its texts in one of their own."""
    names = {clip.source for clip in clips}
    return names | ({fillets.TEXTS} if any(name.startswith(fillets.TEXTS) for name in names) else set())


def _in_domain(params: SpeechParams) -> list[Clip]:
    result = []
    minutes = params.minutes.model_dump(exclude={"ood"})
    for language in params.languages:
        found = 0
        for name in params.in_domain:
            clips, seconds = _read(name, language, params)
            found += len(clips)
            kept = assign([clip for clip in clips if not clip.reason], seconds, minutes, params.data_seed)
            result += kept + [clip for clip in clips if clip.reason]
        if not found:
            raise UserError(
                f"languages: {language!r}: none of corpora.speech.in_domain {params.in_domain} has speech in it"
            )
    return result


def _out_of_domain(params: SpeechParams) -> list[Clip]:
    result = []
    for name in params.out_of_domain:
        for language in dict.fromkeys((*params.languages, *params.out_of_domain_languages)):
            clips, seconds = _read(name, language, params)
            clips = refuse_implausible_rates(clips, seconds, params.rate_deviations)
            kept = [replace(clip, split="") for clip in clips if not clip.reason]
            result += assign(kept, seconds, {"ood": params.minutes.ood}, params.data_seed)
            result += [replace(clip, split="ood") for clip in clips if clip.reason]
    return result


def _read(name: str, language: str, params: SpeechParams) -> tuple[list[Clip], dict[str, float]]:
    """A corpus's clips, judged, and their durations."""
    reader = READERS.get(name) or partial(folder.clips, name, params.languages)
    return judged(reader([language]), params.seconds)


def judged(clips: Iterable[Clip], allowed: Range) -> tuple[list[Clip], dict[str, float]]:
    """The clips with texts normalised and judged, and their durations by id, in seconds (0 if unreadable)."""
    clips = [_judge_text(clip) for clip in clips]
    seconds = dict(_durations(clips))
    # said already here, so that the minutes of a split count only what can be kept
    return [_judge_seconds(clip, seconds[clip.id], allowed) for clip in clips], seconds


def _judge_text(clip: Clip) -> Clip:
    text = normalize_text(clip.text)
    reason = clip.reason or script_misfit(text, clip.language) or markup(text) or digits(text) or ""
    return replace(clip, text=text, reason=reason)


def _judge_seconds(clip: Clip, seconds: float, allowed: Range) -> Clip:
    if clip.reason or not seconds or allowed.low <= seconds <= allowed.high:
        return clip
    return replace(clip, reason=f"duration: {seconds:.2f} s, allowed {allowed.low} to {allowed.high}")


def _durations(clips: Sequence[Clip]) -> Iterator[tuple[str, float]]:
    """From the header alone where the clip is a file of its own."""
    read = ClipBytes()
    for clip in clips:
        try:
            if clip.reason:
                yield clip.id, 0.0
            elif clip.row is None:
                yield clip.id, soundfile.info(clip.file).duration
            else:
                samples, rate = decode(read(clip), clip.id)
                yield clip.id, samples.size / rate
        except (soundfile.LibsndfileError, AudioError, OSError, ValueError):
            yield clip.id, 0.0  # the judge reads it again and says what is wrong


@dataclass
class Judge:
    """Decodes a shard of clips and keeps those that are speech of an allowed length and level."""

    seconds: Range
    dbfs: Range

    def __call__(self, clips: Sequence[Clip]) -> ShardResult:
        """Kept UTTERANCE rows, and refused ones (without audio) with their reason."""
        read = ClipBytes()
        kept, refused, reasons = [], [], []
        for clip in clips:
            audio, duration, reason = None, 0.0, clip.reason
            if not reason:
                audio, duration, reason = self._listen(clip, read)
            row = {
                "id": clip.id,
                "audio": {"bytes": audio, "path": f"{clip.id}.flac"},
                "text": clip.text,
                "language": clip.language,
                "speaker": clip.speaker,
                "duration": duration,
                "source": clip.source,
                "split": clip.split,
            }
            if reason:
                refused.append(row)
                reasons.append(reason)
            else:
                kept.append(row)
        rejected = with_reason(pa.Table.from_pylist(refused, UTTERANCE), reasons) if refused else None
        return ShardResult(pa.Table.from_pylist(kept, UTTERANCE), rejected)

    def _listen(self, clip: Clip, read: ClipBytes) -> tuple[bytes | None, float, str]:
        """FLAC bytes at 16 kHz, seconds, and the reason to refuse the clip or nothing."""
        try:
            samples, rate = decode(read(clip), clip.id)
        except OSError as error:
            return None, 0.0, f"unreadable audio: {error.strerror}"  # without the path, which differs per machine
        except (AudioError, ValueError) as error:
            return None, 0.0, f"unreadable audio: {error}"
        samples = resample(samples, rate, SAMPLE_RATE)
        duration = samples.size / SAMPLE_RATE
        level = rms_dbfs(samples)
        if not self.seconds.low <= duration <= self.seconds.high:
            return None, duration, f"duration: {duration:.2f} s, allowed {self.seconds.low} to {self.seconds.high}"
        if not self.dbfs.low <= level <= self.dbfs.high:
            return None, duration, f"level: {level:.1f} dBFS, allowed {self.dbfs.low} to {self.dbfs.high}"
        return encode_flac(samples, SAMPLE_RATE, clip.id), duration, ""


def _metrics(corpus: Path) -> Metrics:
    """Clips and minutes per language and split."""
    table = read_product(corpus, columns=["language", "split", "duration"])
    clips: Counter[str] = Counter()
    minutes: defaultdict[str, float] = defaultdict(float)
    for row in table.to_pylist():
        key = f"{row['language']}_{row['split']}"
        clips[key] += 1
        minutes[key] += row["duration"] / 60
    return {f"clips_{key}": clips[key] for key in clips} | {f"minutes_{key}": round(minutes[key], 2) for key in clips}
