"""Error rates with paired confidence intervals (section 1e of the paper's protocol: WER, CER for Chinese).

A rate is of words, `wer`; of characters, `cer`, in languages without spaces between words; of languages of both kinds
the mixed rate, `mer`. All but the first have `cer` beside.

The baseline is the untouched model at the 30 s window it was made for. Where it was decoded at the trained models'
shorter windows too it is compared there as `untouched_short`, so that what shorter windows do is not taken for what
training did. Input: one transcripts product per arm. Output: rows of figures, the items behind them, plots, samples.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from pydantic import model_validator

from selfsown import evaluation
from selfsown.evaluation import ComparisonParams, Counts, Evaluation, Row
from selfsown.products import read_product
from selfsown.speech_bt.whisper.scoring import BASELINE_WINDOW, NO_SPEECH, UNTOUCHED
from selfsown.stage import In, Metrics, Out, stage
from selfsown.text.scoring import error_rate

REGISTERED = "selfsown-whisper"
SHORT = "untouched_short"
"""The untouched model decoded at the windows of the trained ones."""
PREFIX = {"test": "", "ood": "ood_"}
"""Prefix of the measures of each test split: in-domain has none."""


CARD = """# Whisper trained on {arm} speech ({languages})

Fine-tuned on a little real and more synthetic speech (Speech Back-Translation, arXiv 2505.16972). It stays a
stock `WhisperForConditionalGeneration`; windows shorter than 30 s are cheaper and were used in training. Trained for
the speech of its corpus; other domains are in the evaluation's figures and may have become worse."""


class EvaluateParams(ComparisonParams):
    """`arms` and `registered` name trained models; `samples`: how many utterances of each kind are kept."""

    languages: tuple[str, ...]
    transcribed: tuple[str, ...]
    samples: int

    @model_validator(mode="after")
    def _every_arm_is_transcribed(self) -> Self:
        if set(self.transcribed) != {UNTOUCHED, *self.arms}:
            raise ValueError(f"transcribed: must be {UNTOUCHED} and every arm: {', '.join(self.arms)}")
        return self


@stage(tracked=True)
def evaluate(
    params: EvaluateParams, *, transcripts: In, speech: In, models: In, rows: Out, items: Out, plots: Out
) -> Metrics:
    """Compare every arm with the untouched model on the same utterances; register the arm that the parameters name."""
    frames = {arm: read_product(transcripts / arm).to_pandas() for arm in (UNTOUCHED, *params.arms)}
    EVALUATION.write_items(frames, items)
    measured = EVALUATION.measure(frames, {})
    arm, seen = params.registered, judged(frames)
    trained, untouched = (_spoken(seen[name], "test", "") for name in (arm, UNTOUCHED))
    rate = error_rate(trained["language"])
    heard = trained.assign(
        **{rate: trained["errors"] / trained["words"], "untouched": untouched["hypothesis"].to_numpy()}
    )
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
        about=CARD.format(arm=arm, languages=", ".join(params.languages)),
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
    headline[f"{rate}_relative_reduction"] = (f"{rate}_relative_reduction", arm, "")
    return evaluation.write_rows(measured, headline, rows)


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
            measured += _compare({arm: _spoken(rows, split, part) for arm, rows in seen.items()}, prefix, part)
    for arm, rows in seen.items():
        silent, spoken = rows[rows["split"] == NO_SPEECH], rows[rows["split"] != NO_SPEECH]
        measured += [Row(fault, arm, "", float(spoken[fault].mean())) for fault in ("repeated", "cut")]
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
    """Rates of every arm, each trained arm against the untouched model, and mixed against real seed alone."""
    words = {arm: Counts.of(frame, "errors", "words") for arm, frame in rows.items()}
    rate = prefix + error_rate(rows[UNTOUCHED]["language"])
    for arm, frame in rows.items():
        yield words[arm].rate(rate, arm, part)
        if not rate.endswith("cer"):
            yield Counts.of(frame, "char_errors", "chars").rate(f"{prefix}cer", arm, part)
        for kind in ("substitutions", "deletions", "insertions"):
            yield Row(f"{prefix}{kind}", arm, part, float(frame[kind].sum() / frame["words"].sum()))
        if arm != UNTOUCHED:
            yield words[arm].reduction(f"{rate}_relative_reduction", arm, part, words[UNTOUCHED])
    if "mixed" in rows and SHORT in rows:
        yield words["mixed"].reduction(f"{rate}_relative_reduction_same_windows", "mixed", part, words[SHORT])
    if "mixed" in rows and "real" in rows:
        yield evaluation.difference(f"{rate}_minus_real", "mixed", part, [(words["mixed"], words["real"])])
