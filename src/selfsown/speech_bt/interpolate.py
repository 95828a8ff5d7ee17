"""Weights between the untouched and a trained Whisper: what it forgot comes back, without training (not in the paper).

Training in one language costs the others. (1 - alpha) x untouched + alpha x trained weights keep much of both (WiSE-FT,
arXiv 2109.01903). Input: both models and the real speech. Output: `ROWS` of every alpha, and a stock
Whisper folder with the weights of the one that the rule picks: the smallest whose WER on the dev split is at most
`tolerance` above the lowest. Other splits are decoded for the table of both sides, and choose nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, Literal, Self

import pyarrow as pa
import pyarrow.compute as pc
import torch
from pydantic import AfterValidator, Field, model_validator
from torch import Tensor
from transformers import WhisperProcessor

from selfsown.files import whole_folder
from selfsown.identity import Identity
from selfsown.products import CardInfo, read_card, read_product
from selfsown.shards import ShardResult, map_shards
from selfsown.speech_bt.whisper import windowed as whisper
from selfsown.speech_bt.whisper.decoding import SCORED, Clip, Transcriber, by_length, chosen_clips
from selfsown.speech_bt.whisper.scoring import arm_of_alpha
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.text.scoring import Normalizer, error_rate

ROWS = SCORED.append(pa.field("alpha", pa.float64()))
"""A row of what was decoded; `alpha`: the share of the trained weights."""


def _tenths(alpha: float) -> float:
    if round(10 * alpha, 9) % 1:
        raise ValueError("must be tenths: each has a name on the results page")
    return alpha


Alpha = Annotated[float, Field(ge=0, le=1), AfterValidator(_tenths)]


class InterpolateParams(StageParams):
    """`arm`: the trained model; of `splits` at most `limit` utterances a language are decoded with every alpha.

    `tolerance`: how much less training may add to the error rate on dev.
    """

    data_seed: int = Field(ge=0)
    arm: str
    alphas: tuple[Alpha, ...] = Field(min_length=1)
    tolerance: float = Field(ge=0)
    splits: tuple[Literal["dev", "test", "ood"], ...]
    limit: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    shard_size: int = Field(ge=1)
    normalizer: Normalizer

    @model_validator(mode="after")
    def _dev_chooses(self) -> Self:
        if "dev" not in self.splits:
            raise ValueError("splits: dev must be among them: it chooses alpha")
        return self


@stage(tracked=True)
def interpolate(
    params: InterpolateParams, *, untouched: In, trained: In, speech: In, rows: Out, model: Out, identity: Identity
) -> Metrics:
    """Decode with every alpha, pick one, save its weights; returns it and the error rate of each on dev."""
    clips = chosen_clips(speech, params.splits, None, params.limit, params.data_seed)
    source = read_card(speech)
    map_shards(
        partial(Interpolator, untouched, trained, params.batch_size, params.normalizer),
        [(alpha, part) for alpha in params.alphas for part in by_length(clips, params.shard_size)],
        rows,
        schema=ROWS,
        card=CardInfo(
            name=f"speech_bt between untouched and {params.arm}",
            licence=source.licence,
            source=source.name,
            seed=params.data_seed,
            contaminated=source.contaminated,
        ),
        identity=identity,
    )
    dev = read_product(rows, ["split", "language", "alpha", "errors", "words"]).filter(pc.field("split") == "dev")
    sums = dev.to_pandas().groupby("alpha")[["errors", "words"]].sum()
    wer = {float(alpha): float(rate) for alpha, rate in (sums["errors"] / sums["words"]).items()}
    alpha = picked(wer, params.tolerance)
    _save(untouched, trained, alpha, model)
    name = error_rate(dev["language"].to_pylist())
    return {"alpha": alpha, **{f"dev_{name}_{arm_of_alpha(each)}": value for each, value in sorted(wer.items())}}


def picked(wer: Mapping[float, float], tolerance: float) -> float:
    """The smallest alpha whose WER is at most `tolerance` above the lowest.

    >>> picked({0.4: 0.58, 0.6: 0.51, 0.8: 0.505, 1.0: 0.5}, 0.01)
    0.6
    """
    lowest = min(wer.values())
    return min(alpha for alpha, value in wer.items() if value <= lowest + tolerance)


class Between:
    """Two models of one architecture, in fp32, and the weights between them."""

    def __init__(self, untouched: Path, trained: Path) -> None:
        self.untouched, self.trained = (
            whisper.WindowedWhisper.from_pretrained(folder, dtype=torch.float32) for folder in (untouched, trained)
        )

    def __call__(self, alpha: float) -> dict[str, Tensor]:
        """(1 - alpha) x untouched + alpha x trained; exactly one of them at 0 and 1."""
        trained = self.trained.state_dict()
        return {key: torch.lerp(weight, trained[key], alpha) for key, weight in self.untouched.state_dict().items()}


class Interpolator:
    """Holds both models once per process; decodes and scores shards of one alpha and language."""

    def __init__(self, untouched: Path, trained: Path, batch_size: int, normalizer_name: str) -> None:
        self.transcriber = Transcriber(trained, batch_size, normalizer_name)
        self.between = Between(untouched, trained)
        self.alpha: float | None = None

    def __call__(self, shard: tuple[float, list[Clip]]) -> ShardResult:
        """Rows of the shard, decoded in the windows that the trained model knows."""
        alpha, clips = shard
        network = self.transcriber.model
        if alpha != self.alpha:
            network.load_state_dict(self.between(alpha))
            self.alpha = alpha
        scored = self.transcriber((network.config.trained_windows, clips)).kept
        return ShardResult(scored.append_column("alpha", pa.array([alpha] * scored.num_rows, pa.float64())))


def _save(untouched: Path, trained: Path, alpha: float, model: Path) -> None:
    between = Between(untouched, trained)
    network = between.trained
    network.load_state_dict(between(alpha))
    network.config.interpolation_alpha = alpha
    with whole_folder(model) as made:
        network.export(made)
        WhisperProcessor.from_pretrained(trained).save_pretrained(made)
