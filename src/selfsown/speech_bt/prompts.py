"""The pool of voices to imitate: clear seed clips of speakers who do not sound alike (paper, audio prompts).

Input: a judge's Whisper folder, the model that will imitate, and the speech corpus. `measured`: of each seed clip of a
fitting length the judge's WER, the level, and the speaker embedding of the model's own encoder. `prompts`: the pool, an
utterance product whose clips the `coqui` engine takes; best understood first, a clip joins unless its speaker is as
near as `max_cosine` to one in the pool (the paper: 0.8). The others are in `rejected.parquet` with the reason.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import torch
from pydantic import Field

from selfsown.audio import SAMPLE_RATE, UTTERANCE, decode, resample, rms_dbfs
from selfsown.device import compute_device
from selfsown.errors import UserError
from selfsown.identity import Identity
from selfsown.params import Range
from selfsown.products import CardInfo, losses, read_card, read_product
from selfsown.shards import ShardResult, map_shards, with_reason, write_product
from selfsown.speech_bt.whisper.decoding import Clip, Transcriber, Windows, by_length, chosen_clips
from selfsown.speech_bt.xtts.folder import load_speaker_encoder
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.text.scoring import Normalizer

MEASURED = pa.schema([
    ("id", pa.string()), ("language", pa.string()), ("wer", pa.float64()), ("dbfs", pa.float64()),
    ("embedding", pa.list_(pa.float32())),
])  # fmt: skip

POOL = pa.schema([*UTTERANCE, ("wer", pa.float64()), ("dbfs", pa.float64())])


class PromptsParams(StageParams):
    """Section `speech_bt.prompts`.

    Attributes:
        seconds: of a clip. XTTS hears at most 16 s of it.
        dbfs: its level.
        max_wer: of the judge.
        max_cosine: between the speakers of two clips.
        limit: clips of a language at most.
        windows: of the judge, in seconds; a clip gets the shortest that holds it.
    """

    languages: tuple[str, ...]
    seconds: Range
    dbfs: Range
    max_wer: float = Field(ge=0)
    max_cosine: float = Field(gt=-1, le=1)
    limit: int = Field(ge=1)
    windows: Windows
    batch_size: int = Field(ge=1)
    shard_size: int = Field(ge=1)
    normalizer: Normalizer


@stage()
def prompts(
    params: PromptsParams, *, judge: In, tts: In, speech: In, measured: Out, prompts: Out, identity: Identity
) -> Metrics:
    """Measure every seed clip of a fitting length, and choose.

    Raises:
        UserError: a language is left without a prompt.
    """
    source = read_card(speech)
    card = CardInfo(name="speech_bt measured prompts", seed=source.seed, **source.credits)
    lengths = read_product(speech, ["id", "duration"]).to_pylist()
    long = {row["id"] for row in lengths if params.seconds.low <= row["duration"] <= params.seconds.high}
    seed = chosen_clips(speech, ["seed"], params.languages, None)
    map_shards(
        partial(Listener, judge, tts, params.batch_size, params.normalizer),
        [(params.windows, part) for part in by_length([c for c in seed if c.id in long], params.shard_size)],
        measured,
        schema=MEASURED,
        card=card,
        identity=identity,
    )
    rows = {row["id"]: row for row in read_product(measured).to_pylist()}
    reasons = {clip.id: "length: shorter or longer than asked for" for clip in seed if clip.id not in long}
    for language in params.languages:
        reasons |= left_out([row for row in rows.values() if row["language"] == language], params)
    kept = sorted(rows.keys() - reasons.keys())
    table = read_product(speech).filter(pc.field("id").isin(pa.array(kept, pa.string()))).sort_by("id")
    for name in ("wer", "dbfs"):
        table = table.append_column(name, pa.array([rows[key][name] for key in kept], pa.float64()))
    others = read_product(speech, ["id", "language", "speaker", "duration"])
    others = others.filter(pc.field("id").isin(pa.array(reasons, pa.string())))
    made = write_product(
        prompts,
        [table.select(POOL.names).cast(POOL)],
        schema=POOL,
        card=card.model_copy(update={"name": "speech_bt prompts"}),
        rejected=with_reason(others, [reasons[key] for key in others["id"].to_pylist()]),
    )
    counts = {language: table.filter(pc.field("language") == language).num_rows for language in params.languages}
    for language, count in counts.items():
        if not count:
            raise UserError(f"params.yaml: speech_bt.prompts: no {language} prompt is left: {losses(made.dropped)}")
    return {"prompts": made.rows, **{f"prompts_{language}": count for language, count in counts.items()}}


def left_out(rows: Sequence[Mapping[str, Any]], params: PromptsParams) -> dict[str, str]:
    """The clips of a language that are no prompts, each with the reason; the best understood are kept."""
    reasons: dict[str, str] = {}
    pool: list[str] = []
    speakers = np.zeros((params.limit, len(rows[0]["embedding"]) if rows else 0))
    for row in sorted(rows, key=lambda row: (row["wer"], row["id"])):
        cosines = speakers[: len(pool)] @ np.asarray(row["embedding"])
        if not params.dbfs.low <= row["dbfs"] <= params.dbfs.high:
            reasons[row["id"]] = f"level: {row['dbfs']:.1f} dBFS"
        elif row["wer"] > params.max_wer:
            reasons[row["id"]] = f"not understood: WER {row['wer']:.2f}"
        elif pool and cosines.max() >= params.max_cosine:
            reasons[row["id"]] = f"speaker: as in {pool[cosines.argmax()]}, cosine {cosines.max():.3f}"
        elif len(pool) == params.limit:
            reasons[row["id"]] = "limit: the pool is full"
        else:
            speakers[len(pool)] = row["embedding"]
            pool.append(row["id"])
    return reasons


class Listener:
    """Loads judge and speaker encoder once per process; measures shards."""

    def __init__(self, judge: Path, tts: Path, batch_size: int, normalizer_name: str) -> None:
        self.transcribe = Transcriber(judge, batch_size, normalizer_name)
        self.encoder = load_speaker_encoder(tts).to(compute_device())

    def __call__(self, shard: tuple[Sequence[float], list[Clip]]) -> ShardResult:
        """A row of `MEASURED` for each clip."""
        scored = self.transcribe(shard).kept.to_pylist()
        rows = []
        for clip, score in zip(shard[1], scored, strict=True):
            samples, rate = decode(clip.audio, clip.id)
            rows.append({
                "id": clip.id, "language": clip.language, "wer": score["errors"] / max(1, score["words"]),
                "dbfs": rms_dbfs(samples), "embedding": self.speaker(resample(samples, rate, SAMPLE_RATE)).tolist(),
            })  # fmt: skip
        return ShardResult(pa.Table.from_pylist(rows, schema=MEASURED))

    @torch.inference_mode()
    def speaker(self, samples: np.ndarray) -> torch.Tensor:
        """The direction `[512]` in which a speaker lies, of length 1."""
        sound = torch.from_numpy(samples)[None].to(compute_device())
        found: torch.Tensor = self.encoder.forward(sound, l2_norm=True)[0]
        return found.cpu()
