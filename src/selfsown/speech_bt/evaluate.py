"""Error rates with paired confidence intervals (section 1e of the paper's protocol: WER, CER for Chinese).

A rate is of words, `wer`; of characters, `cer`, in languages without spaces between words; of languages of both kinds
the mixed rate, `mer`. All but the first have `cer` beside.

The baseline is the untouched model at the 30 s window it was made for. Where it was decoded at the trained models'
shorter windows too it is compared there as `untouched_short`, so that what shorter windows do is not taken for what
training did. Input: one transcripts product per arm, and one of all weights between the untouched and a trained model,
whose arms are `alpha_<share>`. Output: rows of figures, the items behind them, plots, samples, the registered model.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from pydantic import model_validator

from selfsown import evaluation
from selfsown.evaluation import Counts, Evaluation, Row
from selfsown.products import read_product
from selfsown.speech_bt.card import card
from selfsown.speech_bt.whisper.scoring import ALPHA, BASELINE_WINDOW, INTERPOLATED, NO_SPEECH, UNTOUCHED, arm_of_alpha
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.text.scoring import error_rate

REGISTERED = "selfsown-whisper"
SHORT = "untouched_short"
"""The untouched model decoded at the windows of the trained ones."""
PREFIX = {"test": "", "ood": "ood_"}
"""Prefix of the measures of each test split: in-domain has none."""


class EvaluateParams(StageParams):
    """`transcribed`: the untouched model, the trained `arms`, and the weights between; `registered`: not the first.

    `samples`: how many utterances of each kind are kept.
    """

    languages: tuple[str, ...]
    arms: tuple[str, ...]
    transcribed: tuple[str, ...]
    registered: str
    samples: int

    @model_validator(mode="after")
    def _every_arm_is_transcribed(self) -> Self:
        if not {UNTOUCHED, *self.arms} <= set(self.transcribed) <= {UNTOUCHED, *self.arms, INTERPOLATED}:
            arms = ", ".join(self.arms)
            raise ValueError(f"transcribed: must be {UNTOUCHED}, every arm ({arms}), and {INTERPOLATED} or not")
        if self.registered == UNTOUCHED or self.registered not in self.transcribed:
            raise ValueError(f"registered: {self.registered!r} must be one of those transcribed, but {UNTOUCHED}")
        return self


@stage(tracked=True)
def evaluate(
    params: EvaluateParams,
    *,
    transcripts: In,
    interpolations: In,
    speech: In,
    models: In,
    rows: Out,
    items: Out,
    plots: Out,
) -> Metrics:
    """Compare every arm with the untouched model on the same utterances; register the arm that the parameters name."""
    frames = {arm: read_product(transcripts / arm).to_pandas() for arm in params.transcribed}
    between = read_product(interpolations).to_pandas()
    frames |= {arm_of_alpha(alpha): decoded for alpha, decoded in between.groupby("alpha")}
    EVALUATION.write_items(frames, items)
    measured = EVALUATION.measure(frames, {})
    arm, seen = params.registered, judged(frames)
    trained, untouched = (_spoken(seen[name], "test", "") for name in (arm, UNTOUCHED))
    rate: str = error_rate(trained["language"])
    heard = trained.assign(untouched=untouched["hypothesis"].to_numpy())
    heard[rate] = heard["errors"] / heard["words"]
    shown = ["id", rate, "reference", "hypothesis", "untouched"]
    samples = evaluation.worst_and_median(heard, [rate, "errors"], params.samples, shown)
    curves = evaluation.dev_curves({name: models / name for name in params.arms})
    found = {
        prefix + error_rate(rows["language"])
        for split, prefix in PREFIX.items()
        for rows in [_spoken(seen[arm], split)]
    }
    evaluation.write_plots(plots, wer=evaluation.bars(measured, *found), dev=curves, samples=samples)
    evaluation.log_audio(samples, speech)
    marked = evaluation.register(
        REGISTERED,
        models / arm,
        counts=Counts.of(trained, "errors", "words"),
        baseline=Counts.of(untouched, "errors", "words"),
        metric=rate,
        evaluation=speech,
        rows=[row for row in measured if row.arm == arm],
        about=card(arm, params.languages, measured, _alpha(models / arm)),
        header={
            "language": list(params.languages),
            "pipeline_tag": "automatic-speech-recognition",
            "tags": ["whisper", "speech-back-translation"],
        },
        example=np.zeros(16_000, np.float32),  # a second of silence
        output=["text"],
        task="automatic-speech-recognition",
        config={"chunk_length_s": 30, "ignore_warning": True},
    )
    evaluation.write_plots(plots, contaminated=marked)
    headline = {f"{measure}_{name}": (measure, name, "") for name in (UNTOUCHED, arm) for measure in (rate, "cer")}
    headline |= {f"{rate}_{name}": (rate, name, "") for name in params.arms[:1]}
    headline[f"{rate}_relative_reduction"] = (f"{rate}_relative_reduction", arm, "")
    return evaluation.write_rows(measured, headline, rows)


def _alpha(folder: Path) -> float | None:
    """The share of the trained weights in a model between two; None of another."""
    alpha: float | None = json.loads((folder / "config.json").read_bytes()).get("interpolation_alpha")
    return alpha


def judged(frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """What each is judged by: trained models at their own windows, the untouched at 30 s and, beside, at theirs."""
    trained = {arm: rows[rows["window"] == rows["window"].min()] for arm, rows in frames.items() if arm != UNTOUCHED}
    untouched = frames[UNTOUCHED]
    windows = {float(window) for rows in trained.values() for window in rows["window"]} - {BASELINE_WINDOW}
    short = untouched[untouched["window"].isin(windows)]
    beside = {SHORT: short} if len(windows) == 1 and not short.empty else {}
    return {UNTOUCHED: untouched[untouched["window"] == BASELINE_WINDOW], **beside, **trained}


def measure(frames: Mapping[str, pd.DataFrame], section: Mapping[str, Any]) -> list[Row]:
    """All figures of a set of arms, of each language too where a split has several; counts may be means over seeds."""
    seen = judged(frames)
    measured: list[Row] = []
    for split, prefix in PREFIX.items():
        languages = sorted(set(_spoken(seen[UNTOUCHED], split)["language"]))
        for part in ("", *languages) if len(languages) > 1 else [""] * len(languages):
            spoken = {arm: _spoken(rows, split, part) for arm, rows in seen.items()}
            measured += _compare({arm: rows for arm, rows in spoken.items() if not rows.empty}, prefix, part)
    for arm, rows in seen.items():
        if not (dev := _spoken(rows, "dev")).empty:  # what chose alpha
            measured.append(Counts.of(dev, "errors", "words").rate(f"dev_{error_rate(dev['language'])}", arm, ""))
        silent, tested = rows[rows["split"] == NO_SPEECH], rows[rows["split"].isin(list(PREFIX))]
        if not tested.empty:
            measured += [Row(fault, arm, "", float(tested[fault].mean())) for fault in ("repeated", "cut")]
        if not silent.empty:  # words where nobody speaks
            measured.append(Row("hallucination", arm, "", float((silent["insertions"] > 0).mean())))
        own = set(rows["window"])
        for window in sorted(set(frames[arm]["window"]) - own if arm in frames and arm != UNTOUCHED else ()):
            other = _spoken(frames[arm][frames[arm]["window"] == window], "test")
            name = f"{error_rate(other['language'])}_other_windows"
            measured.append(Counts.of(other, "errors", "words").rate(name, arm, f"{window:g} s"))
    return measured


EVALUATION = Evaluation(
    keys=("id", "split", "language", "window"),
    counts=("words", "errors", "substitutions", "deletions", "insertions", "chars", "char_errors", "cut", "repeated"),
    measure=measure,
)


def _spoken(frame: pd.DataFrame, split: str, language: str = "") -> pd.DataFrame:
    """The rows of one test split, by id; utterances whose reference has no words cannot be rated."""
    chosen = frame[(frame["split"] == split) & (frame["words"] > 0)]
    return (chosen[chosen["language"] == language] if language else chosen).sort_values("id")


def _compare(rows: Mapping[str, pd.DataFrame], prefix: str, part: str) -> Iterator[Row]:
    """Rates of every arm; each trained one against the untouched model, the mixed ones against real seed alone."""
    words = {arm: Counts.of(frame, "errors", "words") for arm, frame in rows.items()}
    rate = prefix + error_rate(rows[UNTOUCHED]["language"])
    for arm, frame in rows.items():
        yield words[arm].rate(rate, arm, part)
        if not rate.endswith("cer"):
            yield Counts.of(frame, "char_errors", "chars").rate(f"{prefix}cer", arm, part)
        for kind in ("substitutions", "deletions", "insertions"):
            yield Row(f"{prefix}{kind}", arm, part, float(frame[kind].sum() / frame["words"].sum()))
        if arm != UNTOUCHED and not arm.startswith(ALPHA):  # those may be of fewer utterances
            yield words[arm].reduction(f"{rate}_relative_reduction", arm, part, words[UNTOUCHED])
    if "mixed" in rows and SHORT in rows:
        yield words["mixed"].reduction(f"{rate}_relative_reduction_same_windows", "mixed", part, words[SHORT])
    for arm in ("mixed", "other_text"):
        if arm in rows and "real" in rows:
            yield evaluation.difference(f"{rate}_minus_real", arm, part, [(words[arm], words["real"])])
    if "mixed" in rows and INTERPOLATED in rows:
        pair = (words[INTERPOLATED], words["mixed"])
        yield evaluation.difference(f"{rate}_minus_trained", INTERPOLATED, part, [pair])
