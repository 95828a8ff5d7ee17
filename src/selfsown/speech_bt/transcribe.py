"""The test sets through one model, decoded in the same way for every arm and for the untouched model.

Input: a Whisper folder and the speech corpus. Output: one row per utterance and window (`SCORED`), plus
clips of steady noise without speech, whose every word is made up. Trained models are decoded once for each choice of
windows in `windows`, the untouched one in `untouched_windows`: 30 s, which it was made for, is the baseline, and with
the trained ones' choice it can be compared in the same windows.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

import numpy as np
import pyarrow.compute as pc
from pydantic import Field

from selfsown.audio import SAMPLE_RATE, encode_flac
from selfsown.identity import Identity
from selfsown.products import CardInfo, read_card, read_product
from selfsown.shards import map_shards
from selfsown.shards.seeds import shard_seed
from selfsown.speech_bt.whisper.decoding import SCORED, Clip, Transcriber, Windows, by_length, chosen_clips
from selfsown.speech_bt.whisper.scoring import NO_SPEECH, UNTOUCHED
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.text.scoring import Normalizer, error_rate


class TranscribeParams(StageParams):
    """`splits` are decoded once with each choice of windows, at most `limit` utterances of each split and language,
    drawn by `data_seed` from all its groups. `dev` is for a sweep, whose threshold is read from it.

    A choice of windows is the lengths, in seconds, of which each clip takes the shortest that holds it.
    """

    data_seed: int = Field(ge=0)
    languages: tuple[str, ...]
    splits: tuple[Literal["test", "ood", "dev"], ...] = Field(min_length=1)
    windows: tuple[Windows, ...]
    untouched_windows: tuple[Windows, ...]
    limit: int = Field(ge=1)
    no_speech_clips: int = Field(ge=0)
    batch_size: int = Field(ge=1)
    shard_size: int = Field(ge=1)
    normalizer: Normalizer


@stage(tracked=True)
def transcribe(
    params: TranscribeParams, *, arm: str, model: In, speech: In, transcripts: Out, identity: Identity
) -> Metrics:
    """Decode and score; returns the arm's in-domain and out-of-domain rates at each window."""
    every_language = None  # out of domain there are others
    clips = chosen_clips(speech, params.splits, every_language, params.limit, params.data_seed)
    choices = params.untouched_windows if arm == UNTOUCHED else params.windows
    shards = [
        (windows, part) for windows in choices for part in by_length([*clips, *_noise(params)], params.shard_size)
    ]
    source = read_card(speech)
    map_shards(
        partial(Transcriber, model, params.batch_size, params.normalizer),
        shards,
        transcripts,
        schema=SCORED,
        card=CardInfo(
            name=f"transcripts {arm}",
            licence=source.licence,
            source=source.name,
            seed=params.data_seed,
            contaminated=source.contaminated,
        ),
        identity=identity,
    )
    table = read_product(transcripts)
    metrics: dict[str, float] = {}
    for split in params.splits:
        for window in map(max, choices):
            rows = table.filter((pc.field("split") == split) & (pc.field("window") == window)).to_pandas()
            if rows["words"].sum():
                name = f"{split}_{error_rate(rows['language'])}_{window:g}s"
                metrics[name] = float(rows["errors"].sum() / rows["words"].sum())
    return metrics


def _noise(params: TranscribeParams) -> list[Clip]:
    """White noise of 1-5 s at -60 to -30 dBFS with an empty reference."""
    clips = []
    for index in range(params.no_speech_clips):
        rng = np.random.default_rng(shard_seed(params.data_seed, index))
        samples = rng.normal(size=int(rng.uniform(1, 5) * SAMPLE_RATE)) * 10 ** (rng.uniform(-60, -30) / 20)
        audio = encode_flac(samples.astype(np.float32), SAMPLE_RATE)
        clips.append(Clip(f"{NO_SPEECH}.{index:03d}", NO_SPEECH, params.languages[0], "noise", "", audio))
    return clips
