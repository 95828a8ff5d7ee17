"""A judge ASR transcribes synthetic and real speech of the same languages (the paper's intelligibility measurement).

Input: the judge's Whisper folder, the real speech and the synthetic speech. Output: `SCORED` rows; the gate turns
them into normalised intelligibility per voice. Real speech comes from splits that no result rests on.
"""

from __future__ import annotations

from functools import partial
from typing import Literal

from pydantic import Field

from selfsown.identity import Identity
from selfsown.products import CardInfo, read_card, read_product
from selfsown.shards import map_shards
from selfsown.speech_bt.whisper.decoding import SCORED, Transcriber, Windows, by_length, chosen_clips
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.text.scoring import Normalizer, error_rate


class IntelligibilityParams(StageParams):
    """`real_splits`: where real speech is taken from, `real_limit` clips of each.

    `windows`: a clip gets the shortest of these encoder windows (seconds) that holds it.
    """

    languages: tuple[str, ...]
    real_splits: tuple[Literal["seed", "text", "dev"], ...] = Field(min_length=1)
    real_limit: int = Field(ge=1)
    windows: Windows
    batch_size: int = Field(ge=1)
    shard_size: int = Field(ge=1)
    normalizer: Normalizer


@stage()
def intelligibility(
    params: IntelligibilityParams, *, model: In, speech: In, synthetic: In, intelligibility: Out, identity: Identity
) -> Metrics:
    """Score every synthetic utterance, and real ones to compare with."""
    real = chosen_clips(speech, params.real_splits, params.languages, params.real_limit)
    made = chosen_clips(synthetic, ["synthetic"], params.languages, None)
    source = read_card(synthetic)
    map_shards(
        partial(Transcriber, model, params.batch_size, params.normalizer),
        [(params.windows, part) for part in by_length([*real, *made], params.shard_size)],
        intelligibility,
        schema=SCORED,
        card=CardInfo(
            name="speech_bt intelligibility",
            licence=source.licence,
            source=source.name,
            seed=source.seed,
            contaminated=source.contaminated,
        ),
        identity=identity,
    )
    rows = read_product(intelligibility, ["split", "language", "errors", "words"]).to_pandas()
    sums = rows.groupby(rows["split"] == "synthetic")[["errors", "words"]].sum()
    name = error_rate(rows["language"])
    return {f"{name}_{'synthetic' if key else 'real'}": float(row.errors / row.words) for key, row in sums.iterrows()}
