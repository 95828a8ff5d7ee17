"""The toy's evaluation: error rates on test words, beside the most frequent language of the training words.

words, models -> rows of figures, the items behind them, plots; a classifier registered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
from pydantic import Field

from selfsown import evaluation
from selfsown.evaluation import ComparisonParams, Counts, Evaluation, Row
from selfsown.products import read_product
from selfsown.stage import In, Metrics, Out, stage
from selfsown.toy.languages.classifier import Classifier

MAJORITY = "majority"
CARD = """# Classifier of two made-up languages

Sees {seen} letters of a word. It knows no third language: every word is of one of the two."""


class EvaluateParams(ComparisonParams):
    """Section `toy.evaluate`; `samples`: how many words of each kind are kept."""

    samples: int = Field(ge=1)


@stage(tracked=True)
def evaluate(params: EvaluateParams, *, words: In, models: In, rows: Out, items: Out, plots: Out) -> Metrics:
    """Compare every arm with the majority on the same words; register the arm that the parameters name."""
    corpus = read_product(words).to_pandas()
    test, arm = corpus[corpus["split"] == "test"], params.registered
    guesses: dict[str, Any] = {MAJORITY: corpus[corpus["split"] == "train"]["language"].mode()[0]}
    guesses |= {arm: Classifier.load(models / arm).languages(test["word"]) for arm in params.arms}
    frames = {arm: test.assign(guess=guess, wrong=test["language"] != guess) for arm, guess in guesses.items()}
    EVALUATION.write_items(frames, items)
    measured = EVALUATION.measure(frames, {})
    kinds = {kind: frames[arm][frames[arm]["wrong"] == wrong] for kind, wrong in (("wrong", True), ("right", False))}
    some = {kind: frame.head(params.samples) for kind, frame in kinds.items()}
    evaluation.write_plots(
        plots,
        errors=evaluation.bars(measured, "error_rate"),
        dev=evaluation.dev_curves({name: models / name for name in params.arms}),
        samples=evaluation.samples(some, ["word", "language", "guess"]),
    )
    evaluation.register(
        "selfsown-toy",
        models / arm,
        counts=Counts.of(frames[arm], "wrong"),
        baseline=Counts.of(frames[MAJORITY], "wrong"),
        metric="error_rate",
        evaluation=words,
        rows=[row for row in measured if row.arm == arm],
        about=CARD.format(seen=arm),
        header={"tags": ["toy"]},
        example=["kante"],
        output=["north"],
        task="word-language",
        loader="selfsown.toy.commands.guess:serve",
    )
    headline = {f"error_rate_{name}": ("error_rate", name, "") for name in (MAJORITY, arm)}
    return evaluation.write_rows(measured, {**headline, "error_reduction": ("error_reduction", arm, "")}, rows)


def measure(frames: Mapping[str, pd.DataFrame], section: Mapping[str, Any]) -> list[Row]:
    """The error rate of every arm, and how far below the majority's; `wrong` may be a mean over seeds."""
    counts = {arm: Counts.of(frame, "wrong") for arm, frame in frames.items()}
    rates = [counted.rate("error_rate", arm, "") for arm, counted in counts.items()]
    trained = [arm for arm in counts if arm != MAJORITY]
    return rates + [counts[arm].reduction("error_reduction", arm, "", counts[MAJORITY]) for arm in trained]


EVALUATION = Evaluation(keys=("id", "word", "language"), counts=("wrong",), measure=measure)
