"""Real speech as the audio codes that XTTS learns to say (paper, TTS fine-tuning: the audio tokenizer stays as it is).

Input: the model's folder with its audio tokenizer, a discrete VAE over log-mel frames, and the speech corpus. Output:
a row for each seed and dev utterance, with a code for each 1,024 samples at 22.05 kHz. They never change while the
language model trains, so they are made once.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import torch
from pydantic import Field
from torch import Tensor
from TTS.tts.layers.xtts.dvae import dvae_wav_to_mel

from selfsown.audio import decode, resample
from selfsown.device import compute_device
from selfsown.identity import Identity
from selfsown.params import Range
from selfsown.products import CardInfo, read_card, read_product
from selfsown.shards import ShardResult, map_shards, with_reason
from selfsown.speech_bt.xtts.audio_tokenizer import RATE, dvae_file, load_dvae
from selfsown.speech_bt.xtts.folder import read_weights
from selfsown.speech_bt.xtts.spelling import check_rules
from selfsown.stage import In, Metrics, Out, StageParams, stage

CODES = pa.schema([
    ("id", pa.string()), ("split", pa.string()), ("language", pa.string()), ("speaker", pa.string()),
    ("text", pa.string()), ("codes", pa.list_(pa.int16())),
])  # fmt: skip

SPLITS = ("seed", "dev")


class CodesParams(StageParams):
    """`seconds`: of the utterances that are taken; coqui's trainer takes 0.5 to 11.6."""

    languages: tuple[str, ...]
    seconds: Range
    shard_size: int = Field(ge=1)


@stage()
def codes(params: CodesParams, *, tts: In, speech: In, codes: Out, identity: Identity) -> Metrics:
    """Encode every seed and dev utterance of a fitting length.

    Raises:
        UserError: the model's folder has no audio tokenizer, or XTTS has no rules here for a language.
    """
    check_rules(params.languages)  # adapt_tts needs them, hours later
    dvae_file(tts)
    table = read_product(speech, ["id", "audio", "text", "language", "speaker", "duration", "split"])
    chosen = pc.field("split").isin(SPLITS) & pc.field("language").isin(list(params.languages))
    rows = table.filter(chosen).sort_by("id")
    source = read_card(speech)
    card = map_shards(
        partial(Encoder, tts, params.seconds),
        [rows.slice(start, params.shard_size).to_pylist() for start in range(0, len(rows), params.shard_size)],
        codes,
        schema=CODES,
        card=CardInfo(name="speech_bt codes", seed=source.seed, **source.credits),
        identity=identity,
    )
    return {"utterances": card.rows, "left_out": sum(card.dropped.values())}


class Encoder:
    """Encodes shards; clip by clip, because padding would reach into a clip's last codes."""

    def __init__(self, tts: Path, seconds: Range) -> None:
        self.device = compute_device()
        self.dvae = load_dvae(tts).to(self.device)
        self.mel_stats = read_weights(tts, "mel_stats")["mel_stats"].to(self.device)
        self.seconds = seconds

    def __call__(self, rows: list[dict[str, Any]]) -> ShardResult:
        """Codes of the clips of a fitting length; the others are refused with a reason."""
        kept, refused, reasons = [], [], []
        for row in rows:
            if self.seconds.low <= row["duration"] <= self.seconds.high:
                kept.append({**row, "codes": self.encode(row["audio"]["bytes"], row["id"]).tolist()})
            else:
                refused.append(row)
                bound = "shorter" if row["duration"] < self.seconds.low else "longer"
                reasons.append(f"{bound} than XTTS learns from: {row['duration']:.2f} s")
        left = pa.Table.from_pylist(refused, schema=pa.schema([*CODES][:-1]))
        return ShardResult(pa.Table.from_pylist(kept, schema=CODES), with_reason(left, reasons))

    def encode(self, audio: bytes, name: str) -> Tensor:
        """Codes `[n]` of an encoded clip."""
        samples, rate = decode(audio, name)
        sound = torch.from_numpy(resample(samples, rate, RATE))[None]
        mel = dvae_wav_to_mel(sound, mel_norms=self.mel_stats, device=self.device)
        found: Tensor = self.dvae.get_codebook_indices(mel)[0]
        return found.cpu()
