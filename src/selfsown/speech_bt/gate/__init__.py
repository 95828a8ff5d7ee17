"""Speech-BT, quality control: keep the synthetic speech that a judge understands, and stop if any product is unsound.

The paper compares a judge's WER on synthetic speech with its WER on real speech as "normalised intelligibility",
Norm_I; where no spaces part words it is the CER on both sides. Here both say the same texts, and a voice is kept or
dropped by these alone. The paper's text could not be obtained when this was written: both the formula and the threshold
here come from second-hand accounts and are not checked against the paper, so both are parameters.

speech, sentences, synthetic, intelligibility -> accepted: rows (id, voice, language, wer or cer, norm_i), and
`rejected.parquet` with a reason per dropped utterance. Nothing is accepted unless every expectation over all five
products holds.
"""

from __future__ import annotations

import math
import shutil
from collections.abc import Collection
from typing import Literal

import pandas as pd
import pyarrow as pa
from pydantic import Field

from selfsown import quality
from selfsown.files import write_atomic
from selfsown.params import Params
from selfsown.products import REJECTED, CardInfo, read_card, read_product
from selfsown.shards import parquet_bytes, write_product
from selfsown.speech_bt.gate import frames, suites
from selfsown.speech_bt.sampling import MATCHED, SYNTHETIC
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.text.scoring import error_rate

Formula = Literal["exp_relative", "ratio"]


def accepted_rows(languages: Collection[str]) -> pa.Schema:
    """Rows of what is accepted: with `wer`, with `cer`, or with both, each filled in its languages."""
    named = [("id", pa.string()), ("voice", pa.string()), ("language", pa.string())]
    return pa.schema([*named, *((name, pa.float64()) for name in suites.rates(languages)), ("norm_i", pa.float64())])


class ExpectationParams(Params):
    """Thresholds of the suites, one section per product."""

    speech: suites.SpeechLimits
    sentences: suites.TextLimits
    synthetic: suites.SpeechLimits
    intelligibility: suites.ScoreLimits
    accepted: suites.AcceptedLimits


class GateParams(StageParams):
    """What an utterance and its voice must reach; `silence` and `clipping` are fractions of its samples."""

    languages: tuple[str, ...]
    norm_i: Formula
    min_norm_i: float = Field(ge=0)
    max_wer: float = Field(gt=0)
    max_cer: float = Field(gt=0, description="in languages without spaces between words")
    max_silence: float = Field(ge=0, le=1)
    max_clipping: float = Field(ge=0, le=1)
    max_length_z: float = Field(gt=0)
    expect: ExpectationParams


@stage(tracked=True)
def gate(
    params: GateParams, *, speech: In, sentences: In, synthetic: In, intelligibility: In, accepted: Out, report: Out
) -> Metrics:
    """Drop unintelligible voices and utterances; fail if a product is unsound or too little is left.

    Raises:
        GateError: an expectation failed; `accepted` then holds `rejected.parquet` but no card.
    """
    scores = rates(read_product(intelligibility).to_pandas(), params.languages)
    judged = judge(scores[scores["split"] == SYNTHETIC], compared(scores, params.norm_i), params)
    rejected = pa.Table.from_pandas(judged[judged["reason"] != ""], preserve_index=False)
    kept = judged[judged["reason"] == ""]
    shutil.rmtree(accepted, ignore_errors=True)  # what passed an earlier gate has not passed this one
    accepted.mkdir(parents=True)
    write_atomic(accepted / REJECTED, parquet_bytes(rejected))  # the reasons are wanted most when the check fails

    real, made = frames.speech_frame(speech), frames.speech_frame(synthetic)
    lines = quality.to_frame(read_product(sentences))
    parted = read_card(speech).disjoint
    by_speaker = [name for name, by in parted.items() if by == "speaker"]
    real["shared_text"] = frames.shared_text(real, parted)
    real["shared_speaker"] = frames.shared_speaker(real, by_speaker)
    made["held_out_text"] = frames.held_out_text(made, real).where(made["split"] != MATCHED, None)
    lines["held_out_text"] = frames.held_out_text(lines, real)
    for frame in (real, made, lines):
        frame["unspoken"] = frames.unspoken_text(frame)
    others = tuple(sorted(set(real.loc[real["split"] == "ood", "language"]) - set(params.languages)))
    limits = params.expect
    try:
        quality.check(
            {
                "speech": real,
                "sentences": lines,
                "synthetic": made,
                "intelligibility": scores,
                "accepted": kept.assign(minutes=kept["duration_s"] / 60),
            },
            {
                "speech": suites.utterances(limits.speech, params.languages, others, by_speaker=bool(by_speaker)),
                "sentences": suites.sentences(limits.sentences, params.languages),
                "synthetic": suites.synthetic(limits.synthetic, params.languages),
                "intelligibility": suites.scores(limits.intelligibility, params.languages),
                "accepted": suites.accepted(limits.accepted, params.languages),
            },
            report,
        )
    except quality.GateError as error:
        raise quality.GateError(f"{error}\n{_dropped(judged)}\nRows with reasons: {accepted / REJECTED}") from None
    source = read_card(synthetic)
    write_product(
        accepted,
        [pa.Table.from_pandas(kept, preserve_index=False)],
        schema=accepted_rows(params.languages),
        card=CardInfo(
            name="speech_bt accepted",
            licence=source.licence,
            source=source.name,
            seed=source.seed,
            contaminated=source.contaminated,
        ),
        rejected=rejected,
    )
    return metrics(scores, judged)


def norm_i(real: float, synthetic: float, formula: Formula = "exp_relative") -> float:
    """Intelligibility of synthetic speech relative to real speech: 1 when equal, towards 0 as it degrades.

    Of error rates: `exp_relative` is exp((WER_real - WER_synthetic) / WER_real), at most e; with a faultless judge
    (WER_real = 0) its limit, 1 or 0. `ratio` is the words understood against those understood in real speech.

    >>> norm_i(0.2, 0.2), round(norm_i(0.2, 0.4), 4), norm_i(0.2, 0.6, "ratio")
    (1.0, 0.3679, 0.5)
    """
    if formula == "ratio":
        if real >= 1:
            return float(synthetic <= real)
        return max(0.0, 1 - synthetic) / (1 - real)
    if real == 0:
        return float(synthetic == 0)
    return math.exp((real - synthetic) / real)


def corpus_rate(scores: pd.DataFrame, by: list[str]) -> pd.Series[float]:
    """Edits over reference words (or characters), summed per group: a mean of rows the short ones would dominate."""
    sums = scores.groupby(by)[["errors", "words"]].sum()
    return sums["errors"] / sums["words"]


def rates(scores: pd.DataFrame, languages: Collection[str]) -> pd.DataFrame:
    """Scored transcripts by id, with `real` and `chars_per_second`, and error rates of the row and of its language.

    These are `wer` and `wer_real`, or `cer` and `cer_real` where no spaces part words, and in `rate`, `rate_real` too.
    `texts`: how many its voice says that real speech says too.
    """
    scores = scores.sort_values("id", ignore_index=True)
    scores["real"] = ~scores["split"].isin([SYNTHETIC, MATCHED])
    scores["rate"] = scores["errors"] / scores["words"]
    # A language without real speech gets NaN, which every later comparison refuses.
    scores["rate_real"] = scores["language"].map(corpus_rate(scores[scores["real"]], ["language"]))
    scores["measure"] = [error_rate([language]) for language in scores["language"]]
    for name in suites.rates([*languages, *scores["language"]]):
        for kind in ("", "_real"):
            scores[name + kind] = scores[f"rate{kind}"].where(scores["measure"] == name)
    scores["chars_per_second"] = scores["chars"] / scores["duration_s"]
    voice = ["language", "voice"]
    scores["texts"] = scores[voice].merge(pairs(scores).groupby(voice).size().rename("texts"), "left", on=voice)[
        "texts"
    ]
    scores["texts"] = scores["texts"].fillna(0)
    return scores


def pairs(scores: pd.DataFrame) -> pd.DataFrame:
    """Each `matched` utterance with `errors_real`: those in the real utterance that says the same."""
    text = ["language", "reference"]
    real = scores.loc[scores["real"], [*text, "errors"]]
    made = scores[scores["split"] == MATCHED]
    return made.merge(real, on=text, suffixes=("", "_real"), validate="many_to_one")


def compared(scores: pd.DataFrame, formula: Formula) -> pd.DataFrame:
    """By language and voice: `rate_real`, `rate_voice` over the texts that real speech and the voice say; `norm_i`."""
    sums = pairs(scores).groupby(["language", "voice"])[["errors", "errors_real", "words"]].sum()
    rated = pd.DataFrame(
        {"rate_real": sums["errors_real"] / sums["words"], "rate_voice": sums["errors"] / sums["words"]}
    )
    values = zip(rated["rate_real"], rated["rate_voice"], strict=True)
    return rated.assign(norm_i=[norm_i(real, voice, formula) for real, voice in values])


def judge(rows: pd.DataFrame, voices: pd.DataFrame, params: GateParams) -> pd.DataFrame:
    """Synthetic rows with `norm_i` of their voice and the first `reason` to drop them, "" to keep.

    A reason is `<kind>: <value> against <threshold>`; the card counts kinds.
    """
    voice = ["language", "voice"]
    rows = rows.merge(voices[["norm_i"]], left_on=voice, right_index=True, how="left")
    rows["length_z"] = rows.groupby(voice)["chars_per_second"].transform(robust_z)
    limits = {"wer": params.max_wer, "cer": params.max_cer}
    understood = [
        ("not understood", name, (rows["measure"] != name) | (rows["rate"] <= limits[name]), limits[name])
        for name in suites.rates(rows["language"])
    ]
    rules = [
        ("voice not intelligible", "norm_i", rows["norm_i"] >= params.min_norm_i, params.min_norm_i),
        *understood,
        ("mostly silence", "silence", rows["silence"] <= params.max_silence, params.max_silence),
        ("clipped", "clipping", rows["clipping"] <= params.max_clipping, params.max_clipping),
        ("odd length", "length_z", rows["length_z"].abs() <= params.max_length_z, params.max_length_z),
    ]
    rows["reason"] = ""
    for kind, column, passes, limit in rules:
        bad = ~passes & (rows["reason"] == "")
        rows.loc[bad, "reason"] = [f"{kind}: {column} {value:.3g} against {limit:g}" for value in rows.loc[bad, column]]
    return rows


def robust_z(values: pd.Series[float]) -> pd.Series[float]:
    """Distance from the median in robust standard deviations: 1.4826 times the median absolute deviation.

    The scale is at least a twentieth of the median, or a voice of even pace would lose every other utterance.

    >>> robust_z(pd.Series([9.0, 10.0, 11.0, 40.0])).round(1).tolist()
    [-1.0, -0.3, 0.3, 19.9]
    """
    median = values.median()
    scale = max(1.4826 * (values - median).abs().median(), 0.05 * abs(median), 1e-9)
    return (values - median) / scale


def metrics(scores: pd.DataFrame, judged: pd.DataFrame) -> dict[str, float]:
    """Counts, Norm_I of each voice, and the judge's corpus error rate.

    On real speech and `matched` it is of the same texts, on `synthetic` and `accepted` of what is trained on.
    """
    kept = judged[judged["reason"] == ""]
    rate = error_rate(scores["language"])
    groups = ["language", "voice"]
    voices = judged.drop_duplicates(groups).sort_values(groups)
    names = voices["language"] + "_" + voices["voice"].str.replace(r"[^\w./-]+", "_", regex=True)
    per_voice = dict(zip("norm_i_" + names, voices["norm_i"].astype(float), strict=True))
    return {
        "voices": len(voices),
        "voices_kept": len(kept.drop_duplicates(groups)),
        "utterances": len(judged),
        "utterances_kept": len(kept),
        "utterances_dropped": len(judged) - len(kept),
        "minutes_kept": float(kept["duration_s"].sum() / 60),
        f"{rate}_real": _total(scores[scores["real"]]),
        f"{rate}_matched": _total(scores[scores["split"] == MATCHED]),
        f"{rate}_synthetic": _total(judged),
        f"{rate}_accepted": _total(kept),
        **per_voice,
    }


def _total(rows: pd.DataFrame) -> float:
    return float(rows["errors"].sum() / rows["words"].sum())


def _dropped(judged: pd.DataFrame) -> str:
    """How many utterances each kind of reason took, and the voices with their Norm_I, for the error message."""
    kinds = judged.loc[judged["reason"] != "", "reason"].str.split(":").str[0].value_counts()
    voices = judged.drop_duplicates(["language", "voice"]).sort_values(["language", "voice"])
    counts = ", ".join(f"{kind} {count}" for kind, count in kinds.items()) or "none"
    listed = ", ".join(f"{row.language}/{row.voice} {row.norm_i:.3g}" for row in voices.itertuples())
    return f"Utterances dropped, of {len(judged)}: {counts}. Norm_I by voice: {listed or 'no synthetic rows'}."
