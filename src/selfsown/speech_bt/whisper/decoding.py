"""Clips through a Whisper model, scored: what the judge of synthetic speech and the test of every arm share.

One row per clip and window: who spoke, what was said and heard, the errors between them, and measures of the sound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from selfsown.audio import SAMPLE_RATE, clipping_fraction, decode, silence_fraction
from selfsown.products import read_product
from selfsown.shards import ShardResult
from selfsown.speech_bt.sampling import drawn
from selfsown.speech_bt.whisper import windowed as whisper
from selfsown.speech_bt.whisper.scoring import SCORE_FIELDS, score
from selfsown.text.scoring import normalizer

SCORED = pa.schema([
    ("id", pa.string()), ("split", pa.string()), ("language", pa.string()), ("voice", pa.string()),
    ("window", pa.float32()), ("duration_s", pa.float32()), ("silence", pa.float32()), ("clipping", pa.float32()),
    ("cut", pa.bool_()), *SCORE_FIELDS,
])  # fmt: skip
"""`window`: the longest that clips were given; it and `duration_s` are in seconds. `silence` and `clipping` are
fractions of the samples; `cut`: the decoder was stopped in a loop or at its cap."""


@dataclass(frozen=True)
class Clip:
    """One utterance on its way through a model; `audio` is an encoded file."""

    id: str
    split: str
    language: str
    voice: str
    text: str
    audio: bytes


def chosen_clips(
    product: Path, splits: Sequence[str], languages: Sequence[str] | None, limit: int | None = None, seed: int = 0
) -> list[Clip]:
    """Utterances of some splits, by id: of each and each language (None: every one) all, or `limit` drawn by seed."""
    table = read_product(product, ["id", "split", "language", "speaker", "text", "group", "audio"])
    clips: list[Clip] = []
    for split in splits:
        for language in sorted(set(table["language"].to_pylist())) if languages is None else languages:
            rows = table.filter((pc.field("split") == split) & (pc.field("language") == language)).sort_by("id")
            groups = dict(zip(rows["id"].to_pylist(), rows["group"].to_pylist(), strict=True))
            kept = drawn(groups, rows.num_rows if limit is None else limit, seed)
            for row in rows.filter(pc.field("id").isin(pa.array(kept, pa.string()))).to_pylist():  # perhaps none
                clips.append(Clip(row["id"], split, language, row["speaker"], row["text"], row["audio"]["bytes"]))
    return clips


def by_length(clips: Sequence[Clip], size: int) -> list[list[Clip]]:
    """Shards of clips of like length and one language; FLAC bytes grow with duration closely enough to sort by."""
    ordered = sorted(clips, key=lambda clip: (clip.language, -len(clip.audio), clip.id))
    shards: list[list[Clip]] = []
    for clip in ordered:
        if not shards or len(shards[-1]) == size or shards[-1][0].language != clip.language:
            shards.append([])
        shards[-1].append(clip)
    return shards


Windows = Annotated[tuple[Annotated[float, Field(gt=0, le=30)], ...], Field(min_length=1)]
"""Encoder windows in seconds, of which a clip gets the shortest that holds it."""


class Transcriber:
    """Loads a model once per process; decodes and scores shards."""

    def __init__(self, model: Path, batch_size: int, normalizer_name: str) -> None:
        self.model, self.processor = whisper.load(model)
        self.batch_size = batch_size
        self.normalize = normalizer(normalizer_name)

    def __call__(self, shard: tuple[Sequence[float], list[Clip]]) -> ShardResult:
        """Rows of one choice of windows and one language."""
        windows, clips = shard
        sounds = [decode(clip.audio)[0] for clip in clips]
        heard = whisper.transcribe(
            self.model, self.processor, sounds, language=clips[0].language, windows=windows, batch_size=self.batch_size
        )
        rows = [
            {
                "id": clip.id,
                "split": clip.split,
                "language": clip.language,
                "voice": clip.voice,
                "window": max(windows),
                "duration_s": len(sound) / SAMPLE_RATE,
                "silence": silence_fraction(sound, SAMPLE_RATE),
                "clipping": clipping_fraction(sound),
                "cut": transcript.cut,
                **score(clip.text, transcript.text, self.normalize, clip.language),
            }
            for clip, sound, transcript in zip(clips, sounds, heard, strict=True)
        ]
        return ShardResult(pa.Table.from_pylist(rows, schema=SCORED))
