"""Whether a recording can be used: what its text and its sound must be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import soundfile

from selfsown.audio import SAMPLE_RATE, UTTERANCE, AudioError, decode, encode_flac, resample, rms_dbfs
from selfsown.corpora.readers.speech.clips import Clip, ClipBytes
from selfsown.corpora.speech.rules import SourceRules
from selfsown.params import Range
from selfsown.shards import ShardResult, with_reason
from selfsown.text.written.alphabets import script_misfit
from selfsown.text.written.normal import normalize_text
from selfsown.text.written.spoken import unspoken


def judged(clips: Iterable[Clip], rules: SourceRules) -> tuple[list[Clip], dict[str, float]]:
    """The clips with texts normalised and judged, and their durations by id, in seconds (0 if unreadable)."""
    clips = [_judge_text(clip, rules.characters) for clip in clips]
    seconds = dict(_durations(clips))
    # said already here, so that the minutes of a split count only what can be kept
    return [_judge_seconds(clip, seconds[clip.id], rules.seconds) for clip in clips], seconds


def _judge_text(clip: Clip, allowed: Range) -> Clip:
    text = normalize_text(clip.text)
    reason = clip.reason or script_misfit(text, clip.language) or unspoken(text) or ""
    if not reason and not allowed.low <= len(text) <= allowed.high:
        reason = f"characters: {len(text)}, allowed {allowed.low:g} to {allowed.high:g}: {text[:40]!r}"
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
    """Decodes a shard of clips and keeps those that are speech of an allowed length and level.

    `own`: the lengths of sources that have some of their own.
    """

    seconds: Range
    dbfs: Range
    own: Mapping[str, Range] = field(default_factory=dict)

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
                "group": clip.group,
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
        allowed = self.own.get(clip.source, self.seconds)
        if not allowed.low <= duration <= allowed.high:
            return None, duration, f"duration: {duration:.2f} s, allowed {allowed.low} to {allowed.high}"
        if not self.dbfs.low <= level <= self.dbfs.high:
            return None, duration, f"level: {level:.1f} dBFS, allowed {self.dbfs.low} to {self.dbfs.high}"
        return encode_flac(samples, SAMPLE_RATE, clip.id), duration, ""
