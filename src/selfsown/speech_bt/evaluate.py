"""Error rates with paired confidence intervals (section 1e of the paper's protocol: WER, here CER too).

The baseline is the untouched model at the 30 s window it was made for. Where it was decoded at the trained models'
shorter windows too it is compared there as `untouched_short`, so that what shorter windows do is not taken for what
training did. Rates are corpus-level, intervals are 95 % bootstraps over utterances, comparisons are
paired by utterance. Input: one transcripts product per arm. Output: flat metrics, plot data, samples.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from selfsown import study, tracking
from selfsown.audio import SAMPLE_RATE
from selfsown.bootstrap import rate, rate_difference, relative_reduction
from selfsown.errors import UserError
from selfsown.shards import iter_product, read_product, write_json
from selfsown.speech_bt.scoring import BASELINE_WINDOW, NO_SPEECH, UNTOUCHED
from selfsown.stage import ComparisonParams, In, Metrics, Out, stage

REGISTERED = "selfsown-whisper"
SHORT = "untouched_short"
"""The untouched model decoded at the windows of the trained ones."""
PREFIX = {"test": "", "ood": "ood_"}
"""Metric prefix of each test split: in-domain has none."""


class EvaluateParams(ComparisonParams):
    """`arms` and `registered` name trained models; `samples`: how many utterances of each kind are kept."""

    languages: tuple[str, ...]
    samples: int


@stage(tracked=True)
def evaluate(params: EvaluateParams, *, transcripts: In, speech: In, models: In, plots: Out) -> Metrics:
    """Compare every arm with the untouched model on the same utterances."""
    frames = {arm: read_product(transcripts / arm).to_pandas() for arm in (UNTOUCHED, *params.arms)}
    rows = judged(frames)
    metrics, bars = measure(frames)
    samples = _samples(rows, params)
    for name, made in {"wer": bars, "dev": _dev_curves(models, params.arms), "samples": samples}.items():
        write_json(plots / f"{name}.json", made)
    tracking.log_artifact(plots, "plots")
    _log_audio(samples, speech)
    _register(params, rows, metrics, models, speech)
    return metrics


def judged(frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """What each model is judged by: the untouched one at 30 s and at the trained ones' windows, those at their own."""
    trained = {
        arm: frame[frame["window"] == frame["window"].min()] for arm, frame in frames.items() if arm != UNTOUCHED
    }
    untouched = frames[UNTOUCHED]
    rows = {UNTOUCHED: untouched[untouched["window"] == BASELINE_WINDOW]}
    windows = {float(window) for frame in trained.values() for window in frame["window"]} - {BASELINE_WINDOW}
    short = untouched[untouched["window"].isin(windows)]
    if len(windows) == 1 and not short.empty:
        rows[SHORT] = short
    return rows | trained


def measure(frames: Mapping[str, pd.DataFrame]) -> tuple[dict[str, float], list[dict[str, object]]]:
    """All metrics of a set of arms and the bars of their plot; the counts in the frames may be means over seeds.

    A split with several languages has figures of each beside those of all.
    """
    rows = judged(frames)
    metrics: dict[str, float] = {}
    bars = []
    for split, prefix in PREFIX.items():
        languages = sorted(set(_select(rows[UNTOUCHED], split, None)["language"]))
        for language in (None, *(languages if len(languages) > 1 else ())):
            chosen = {arm: _select(frame, split, language) for arm, frame in rows.items()}
            if chosen[UNTOUCHED].empty:
                continue
            _same_items(chosen, split)
            suffix = f"_{language}" if language else ""
            metrics |= _compare(chosen, prefix, suffix)
            bars += [_bar(split, arm, language, metrics, prefix, suffix) for arm in chosen]
    for arm, frame in rows.items():
        metrics |= _faults(frame, arm)
        if arm in frames and arm != UNTOUCHED:
            metrics |= _other_windows(frames[arm], arm, float(frame["window"].min()))
    return metrics, bars


KEYS = ("id", "split", "language", "window")
COUNTS = ("words", "errors", "substitutions", "deletions", "insertions", "chars", "char_errors", "cut", "repeated")


def per_item(transcripts: Path, parameters: Mapping[str, Any]) -> dict[str, pa.Table]:
    """What is kept of one seed of a study: `KEYS` and `COUNTS` of the untouched model and each arm of `parameters`."""
    arms = (UNTOUCHED, *parameters["speech_bt"]["matrix"]["arms"])
    return {arm: read_product(transcripts / arm, [*KEYS, *COUNTS]) for arm in arms}


def fold(files: Sequence[Path], parameters: Mapping[str, Any]) -> dict[str, object]:
    """Seeds kept by `per_item` as one result, as `selfsown.study.fold` says; `parameters` are not needed here."""
    return study.fold(files, KEYS, COUNTS, lambda frames: measure(frames)[0])


def _select(frame: pd.DataFrame, split: str, language: str | None) -> pd.DataFrame:
    """The rows of one test split, by id; utterances whose reference has no words cannot be rated."""
    chosen = frame[(frame["split"] == split) & (frame["words"] > 0)]
    if language is not None:
        chosen = chosen[chosen["language"] == language]
    return chosen.set_index("id").sort_index()


def _same_items(rows: dict[str, pd.DataFrame], split: str) -> None:
    """A paired comparison needs the same utterances everywhere.

    Raises:
        UserError: an arm transcribed other utterances than the untouched model.
    """
    for arm, frame in rows.items():
        if not frame.index.equals(rows[UNTOUCHED].index):
            raise UserError(f"transcripts/{arm}: {split}: other utterances than {UNTOUCHED}; run `dvc repro` again")


def _column(frame: pd.DataFrame, name: str = "errors") -> np.ndarray:
    return frame[name].to_numpy(dtype=float)


def _compare(rows: dict[str, pd.DataFrame], prefix: str, suffix: str) -> dict[str, float]:
    """Rates of every arm, each trained arm against the untouched model, and mixed against real seed alone."""
    metrics: dict[str, float] = {}
    for arm, frame in rows.items():
        words = _column(frame, "words")
        metrics |= rate(_column(frame), words).flat(f"{prefix}wer_{arm}{suffix}")
        metrics |= rate(_column(frame, "char_errors"), _column(frame, "chars")).flat(f"{prefix}cer_{arm}{suffix}")
        for kind in ("substitutions", "deletions", "insertions"):
            metrics[f"{prefix}{kind}_{arm}{suffix}"] = float(frame[kind].sum() / words.sum())
        if arm != UNTOUCHED:
            reduction = relative_reduction(_column(frame), _column(rows[UNTOUCHED]))
            name = "wer_relative_reduction" if arm == "mixed" else f"wer_relative_reduction_{arm}"
            metrics |= reduction.flat(f"{prefix}{name}{suffix}")
    if "mixed" in rows and SHORT in rows:
        reduction = relative_reduction(_column(rows["mixed"]), _column(rows[SHORT]))
        metrics |= reduction.flat(f"{prefix}wer_relative_reduction_same_windows{suffix}")
    if "mixed" in rows and "real" in rows:
        difference = rate_difference(_column(rows["mixed"]), _column(rows["real"]), _column(rows["real"], "words"))
        metrics |= difference.flat(f"{prefix}wer_mixed_minus_real{suffix}")
    return metrics


def _other_windows(frame: pd.DataFrame, arm: str, main: float) -> dict[str, float]:
    """In-domain WER at the windows that are not the arm's own: `wer_<arm>_30s`."""
    metrics: dict[str, float] = {}
    for window in sorted(set(frame["window"]) - {main}):
        rows = _select(frame[frame["window"] == window], "test", None)
        if not rows.empty:
            metrics |= rate(_column(rows), _column(rows, "words")).flat(f"wer_{arm}_{window:g}s")
    return metrics


def _faults(rows: pd.DataFrame, arm: str) -> dict[str, float]:
    """How often the model makes speech up: words where there is none, and n-grams said over and over."""
    silent = rows[rows["split"] == NO_SPEECH]
    spoken = rows[rows["split"] != NO_SPEECH]
    metrics = {f"repeated_{arm}": float(spoken["repeated"].mean()), f"cut_{arm}": float(spoken["cut"].mean())}
    if not silent.empty:
        metrics[f"hallucination_{arm}"] = float((silent["insertions"] > 0).mean())
    return metrics


def _bar(
    split: str, arm: str, language: str | None, metrics: dict[str, float], prefix: str, suffix: str
) -> dict[str, object]:
    key = f"{prefix}wer_{arm}{suffix}"
    interval = {"wer": metrics[key], "lo": metrics[f"{key}_lo"], "hi": metrics[f"{key}_hi"]}
    return {"split": split, "arm": arm, "language": language or "all", **interval}


def _samples(judged_rows: Mapping[str, pd.DataFrame], params: EvaluateParams) -> list[dict[str, object]]:
    """The worst and the median in-domain utterances of the registered arm, beside what the untouched model heard."""
    arm = params.registered
    rows = _select(judged_rows[arm], "test", None)
    rows["wer"] = rows["errors"] / rows["words"]
    ordered = rows.sort_values(["wer", "errors"], kind="stable", ascending=False)
    middle = max(0, (len(ordered) - params.samples) // 2)
    untouched = _select(judged_rows[UNTOUCHED], "test", None)["hypothesis"]
    parts = {"worst": ordered.head(params.samples), "median": ordered[middle : middle + params.samples]}
    return [
        {
            "kind": kind, "arm": arm, "id": str(name), "wer": float(row.wer),
            "reference": row.reference, "hypothesis": row.hypothesis, "untouched": untouched[str(name)],
        }
        for kind, part in parts.items()
        for name, row in part.iterrows()
    ]  # fmt: skip


def _dev_curves(models: Path, arms: Iterable[str]) -> list[dict[str, object]]:
    """Dev WER by step of every arm, as its training left it."""
    return [
        {"arm": arm, "step": point["step"], "wer": point["dev_wer"]}
        for arm in arms
        for point in json.loads((models / arm / "training.json").read_text())
    ]


def _log_audio(samples: list[dict[str, object]], speech: Path) -> None:
    """The samples' sound as files of the run, to be listened to beside their transcripts."""
    wanted = {sample["id"]: sample["kind"] for sample in samples}
    for table in iter_product(speech, ["id", "audio"]):
        for row in table.filter(pc.is_in(table["id"], pa.array(list(wanted)))).to_pylist():
            tracking.log_bytes(row["audio"]["bytes"], f"samples/{wanted[row['id']]}/{row['id'].replace('/', '_')}.flac")


def _register(
    params: EvaluateParams,
    judged_rows: Mapping[str, pd.DataFrame],
    metrics: dict[str, float],
    models: Path,
    speech: Path,
) -> None:
    """Register the arm that the parameters name, with the per-utterance errors that `promote` compares."""
    arm = params.registered
    rows = _select(judged_rows[arm], "test", None)
    untouched = _select(judged_rows[UNTOUCHED], "test", None)
    example = np.zeros(SAMPLE_RATE, np.float32)
    tracking.log_model(
        REGISTERED,
        models / arm,
        task="automatic-speech-recognition",
        input_example=example,
        signature=tracking.signature(example, ["text"]),
        card=_card(params, metrics, arm),
        metrics={key: value for key, value in metrics.items() if arm in key or "reduction" in key},
        config={"chunk_length_s": 30, "ignore_warning": True},
    )
    tracking.log_gate(
        REGISTERED,
        models / arm,
        metric="wer",
        evaluation=speech,
        ids=list(rows.index),
        errors=_column(rows).tolist(),
        baseline=_column(untouched).tolist(),
        units=_column(rows, "words").tolist(),
        candidate=True,
    )


def _card(params: EvaluateParams, metrics: dict[str, float], arm: str) -> str:
    """The model card, Markdown."""
    languages = ", ".join(params.languages)

    def row(key: str) -> str:
        return f"{metrics[key]:.3f} | {metrics[f'{key}_lo']:.3f} to {metrics[f'{key}_hi']:.3f}"

    return f"""---
language: [{languages}]
pipeline_tag: automatic-speech-recognition
tags: [whisper, speech-back-translation]
---
# Whisper trained on {arm} speech ({languages})

Fine-tuned on a little real and more synthetic speech (Speech Back-Translation, arXiv 2505.16972). It stays a stock
`WhisperForConditionalGeneration`; windows shorter than 30 s are cheaper and were used in training.

| in-domain test, real speech | value | 95 % interval |
|---|---|---|
| WER | {row(f"wer_{arm}")} |
| WER of the untouched model, 30 s windows | {row("wer_untouched")} |

Trained for the speech of its corpus; other domains are in the evaluation's metrics and may have become worse.
"""
