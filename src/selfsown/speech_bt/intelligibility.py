"""A judge ASR transcribes synthetic speech and real speech of the same texts (the paper's intelligibility measurement).

Input: the judge's Whisper folder, the real speech and the synthetic speech. Output: `SCORED` rows of all synthetic
speech and of the real utterances whose texts every voice says; the gate turns them into normalised intelligibility per
voice.
"""

from __future__ import annotations

from functools import partial

from pydantic import Field

from selfsown.identity import Identity
from selfsown.products import CardInfo, read_card, read_product
from selfsown.shards import map_shards
from selfsown.speech_bt.sampling import MATCHED, SYNTHETIC
from selfsown.speech_bt.whisper.decoding import SCORED, Transcriber, Windows, by_length, chosen_clips
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.text.scoring import Normalizer, error_rate


class IntelligibilityParams(StageParams):
    """`windows`: a clip gets the shortest of these encoder windows (seconds) that holds it."""

    languages: tuple[str, ...]
    windows: Windows
    batch_size: int = Field(ge=1)
    shard_size: int = Field(ge=1)
    normalizer: Normalizer


@stage()
def intelligibility(
    params: IntelligibilityParams,
    *,
    model: In,
    speech: In,
    synthetic: In,
    split: str | None = None,
    intelligibility: Out,
    identity: Identity,
) -> Metrics:
    """Score every synthetic utterance, or those of one `split`, and the real ones to compare with."""
    made = chosen_clips(synthetic, [SYNTHETIC, MATCHED] if split is None else [split], params.languages)
    rows = read_product(synthetic, ["group", "split"]).to_pylist()
    said = {row["group"] for row in rows if row["split"] == MATCHED}
    real = [clip for clip in chosen_clips(speech, ["seed", "text", "dev"], params.languages) if clip.id in said]
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
    scores = read_product(intelligibility, ["split", "language", "errors", "words"]).to_pandas()
    kinds = scores["split"].where(scores["split"].isin([SYNTHETIC, MATCHED]), "real")
    sums = scores.groupby(kinds)[["errors", "words"]].sum()
    name = error_rate(scores["language"])
    return {f"{name}_{kind}": float(row.errors / row.words) for kind, row in sums.iterrows()}
