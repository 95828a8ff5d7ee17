"""Error rates with paired confidence intervals (section 1e of the paper's protocol: WER, CER for Chinese).

A rate is of words, `wer`; of characters, `cer`, in languages without spaces between words; of languages of both kinds
the mixed rate, `mer`. All but the first have `cer` beside.

The baseline is the untouched model at the 30 s window it was made for. Where it was decoded at the trained models'
shorter windows too it is compared there as `untouched_short`, so that what shorter windows do is not taken for what
training did. Input: one transcripts product per arm, and one of all weights between the untouched and a trained model,
whose arms are `alpha_<share>`. For arms of a sweep also what the judge made of the speech that they were trained on.
Output: rows of figures, the items behind them, plots, samples, the registered model.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import pandas as pd
from pydantic import model_validator

from selfsown import evaluation
from selfsown.evaluation import Counts, Evaluation, Row
from selfsown.products import read_product
from selfsown.speech_bt import sweeps
from selfsown.speech_bt.card import card
from selfsown.speech_bt.sampling import SYNTHETIC
from selfsown.speech_bt.sweeps import ENDS, Sweep, SweptParams, judged_items
from selfsown.speech_bt.whisper.scoring import ALPHA, BASELINE_WINDOW, INTERPOLATED, NO_SPEECH, UNTOUCHED, arm_of_alpha
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.text.scoring import error_rate

REGISTERED = "selfsown-whisper"
SHORT = "untouched_short"
"""The untouched model decoded at the windows of the trained ones."""
PREFIX = {"test": "", "ood": "ood_"}
"""Prefix of the measures of each test split: in-domain has none."""
TIERS = {
    "low-resource": ("cs", "hu", "vi"),
    "mid-resource": ("it", "nl"),
    "high-resource": ("de", "en", "es", "fr", "zh"),
}
"""The paper's grouping of its languages by how much transcribed speech there is (its chart of Common Voice 16)."""


class EvaluateParams(StageParams):
    """`transcribed`: the untouched model, the trained arms, and the weights between; `registered`: not the first.

    `arms` and `swept` are trained; `sweeps`: the arms that are the points of each curve. `samples`: how many utterances
    of each kind are kept.
    """

    languages: tuple[str, ...]
    arms: tuple[str, ...]
    swept: dict[str, SweptParams]
    transcribed: tuple[str, ...]
    registered: str
    sweeps: dict[Sweep, tuple[str, ...]]
    samples: int

    @property
    def trained(self) -> tuple[str, ...]:
        """All arms that are trained."""
        return *self.arms, *self.swept

    @property
    def at_measuring(self) -> dict[str, Any]:
        """What of the pipeline's section is read where figures are measured."""
        swept = {arm: point.model_dump() for arm, point in self.swept.items()}
        return {"matrix": {"swept": swept}, "evaluate": {"sweeps": self.sweeps}}

    @model_validator(mode="after")
    def _every_arm_is_transcribed(self) -> Self:
        if not {UNTOUCHED, *self.arms} <= set(self.transcribed) <= {UNTOUCHED, *self.trained, INTERPOLATED}:
            arms = ", ".join(self.arms)
            swept = ", ".join([INTERPOLATED, *self.swept])
            raise ValueError(f"transcribed: must be {UNTOUCHED}, every arm ({arms}), and any of {swept}")
        if self.registered == UNTOUCHED or self.registered not in self.transcribed:
            raise ValueError(f"registered: {self.registered!r} must be one of those transcribed, but {UNTOUCHED}")
        return self

    @model_validator(mode="after")
    def _every_point_is_an_arm(self) -> Self:
        for name, arms in self.sweeps.items():
            if odd := [arm for arm in arms if arm not in {*self.swept, *ENDS[name]} or arm not in self.transcribed]:
                known = ", ".join([*self.swept, *ENDS[name]])
                raise ValueError(f"sweeps.{name}: {odd[0]!r} must be an arm that is transcribed, of {known}")
        if self.sweeps.get("norm_i") and "real" not in self.arms:
            raise ValueError("sweeps.norm_i: needs the arm 'real', which its points are compared with")
        return self


@stage(tracked=True)
def evaluate(
    params: EvaluateParams,
    *,
    transcripts: In,
    interpolations: In,
    intelligibility: In,
    speech: In,
    models: In,
    rows: Out,
    items: Out,
    plots: Out,
) -> Metrics:
    """Compare every arm with the untouched model on the same utterances; register the arm that the parameters name."""
    frames = {arm: read_product(transcripts / arm).to_pandas() for arm in params.transcribed}
    between = read_product(interpolations).to_pandas()
    frames |= {arm_of_alpha(alpha): one for alpha, one in between.groupby("alpha")}
    for arm in params.sweeps.get("norm_i", ()):
        own = params.swept[arm].synthetic
        judged = read_product(intelligibility if own == SYNTHETIC else transcripts / own).to_pandas()
        frames[arm] = pd.concat([frames[arm], judged_items(judged, frames[arm]["window"].min())])
    EVALUATION.write_items(frames, items)
    measured = EVALUATION.measure(frames, params.at_measuring)
    arm, seen = params.registered, decoded(frames)
    trained, untouched = (_spoken(seen[name], "test", "") for name in (arm, UNTOUCHED))
    rate: str = error_rate(trained["language"])
    heard = trained.assign(untouched=untouched["hypothesis"].to_numpy())
    heard[rate] = heard["errors"] / heard["words"]
    shown = ["id", rate, "reference", "hypothesis", "untouched"]
    samples = evaluation.worst_and_median(heard, [rate, "errors"], params.samples, shown)
    curves = evaluation.dev_curves({name: models / name for name in params.trained})
    dev = f"dev_{error_rate(params.languages)}"
    curves = [{**point, "dev_rate": point[dev]} for point in curves]  # of one name, whatever the rate: for `dvc plots`
    found = {
        prefix + error_rate(rows["language"])
        for split, prefix in PREFIX.items()
        for rows in [_spoken(seen[arm], split)]
    }
    had = {row[:2]: row.value for row in measured if row.measure in ENDS}
    bars = [
        {**bar, **{name: had.get((name, str(bar["arm"]))) for name in ENDS}}
        for bar in evaluation.bars(measured, *found)
    ]
    evaluation.write_plots(plots, wer=bars, dev=curves, samples=samples)
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


def decoded(frames: Mapping[str, pd.DataFrame]) -> dict[str, pd.DataFrame]:
    """What each is judged by: trained models at their own windows, the untouched at 30 s and, beside, at theirs."""
    trained = {arm: rows[rows["window"] == rows["window"].min()] for arm, rows in frames.items() if arm != UNTOUCHED}
    untouched = frames[UNTOUCHED]
    windows = {float(window) for rows in trained.values() for window in rows["window"]} - {BASELINE_WINDOW}
    short = untouched[untouched["window"].isin(windows)]
    beside = {SHORT: short} if len(windows) == 1 and not short.empty else {}
    return {UNTOUCHED: untouched[untouched["window"] == BASELINE_WINDOW], **beside, **trained}


def measure(frames: Mapping[str, pd.DataFrame], section: Mapping[str, Any]) -> list[Row]:
    """All figures of a set of arms, of each language too where a split has several; counts may be means over seeds."""
    seen = decoded(frames)
    more = ("mixed", "other_text", *section.get("matrix", {}).get("swept", {}))
    measured = list(sweeps.rows(seen, section))
    for split, prefix in PREFIX.items():
        for part in parts(_spoken(seen[UNTOUCHED], split)["language"]):
            spoken = {arm: _spoken(rows, split, part) for arm, rows in seen.items()}
            kept = {arm: rows for arm, rows in spoken.items() if not rows.empty}
            measured += _compare(kept, prefix, part, dict.fromkeys(more))
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


def parts(languages: Iterable[str]) -> list[str]:
    """All of the test, then each of several languages, then tiers that hold several, but not all, of them.

    >>> parts(["cs", "cs"]), parts(["cs", "nl"]), parts(["hu", "cs", "nl"])
    ([''], ['', 'cs', 'nl'], ['', 'cs', 'hu', 'nl', 'low-resource'])
    """
    known = sorted(set(languages))
    tiers = [tier for tier, of in TIERS.items() if 1 < len(set(of) & set(known)) < len(known)]
    return ["", *known, *tiers] if len(known) > 1 else [""] * len(known)


def _spoken(frame: pd.DataFrame, split: str, part: str = "") -> pd.DataFrame:
    """The rows of one test split, by id; utterances whose reference has no words cannot be rated."""
    chosen = frame[(frame["split"] == split) & (frame["words"] > 0)]
    return (chosen[chosen["language"].isin(TIERS.get(part, (part,)))] if part else chosen).sort_values("id")


def _compare(rows: Mapping[str, pd.DataFrame], prefix: str, part: str, more: Iterable[str]) -> Iterator[Row]:
    """Rates of every arm; each trained one against the untouched model, those with `more` against real seed alone."""
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
    for arm in more:
        if arm in rows and "real" in rows:
            yield evaluation.difference(f"{rate}_minus_real", arm, part, [(words[arm], words["real"])])
    if "mixed" in rows and INTERPOLATED in rows:
        pair = (words[INTERPOLATED], words["mixed"])
        yield evaluation.difference(f"{rate}_minus_trained", INTERPOLATED, part, [pair])
