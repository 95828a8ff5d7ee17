"""Every arm beside the untouched encoder and SimCSE, on held-out claims and on human ratings (DiffAug, section 4).

models, triplets, ratings -> rows of figures, the items behind them, plots; one model registered.

Every arm is loaded as anybody would load it and embeds each text once. Which pooling of the untouched encoder the
registered model must beat is decided on dev triplets.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pydantic import Field

from selfsown import evaluation
from selfsown.bootstrap import FloatArray
from selfsown.diffaug.evaluate.embedding import BATCH, Embedded, load_arm
from selfsown.diffaug.evaluate.figures import EVALUATION as EVALUATION
from selfsown.diffaug.evaluate.figures import auc_errors, split_arm
from selfsown.diffaug.evaluate.items import (
    ALIGNMENT,
    AUC,
    STAGE_1,
    TASK,
    UNIFORMITY,
    alone,
    measure_of,
    offline_items,
    texts_of,
)
from selfsown.diffaug.evaluate.side_by_side import margins, side_by_side
from selfsown.diffaug.evaluate.statistics import auc_values
from selfsown.diffaug.evaluate.tasks import task_scores
from selfsown.errors import UserError
from selfsown.evaluation import Row
from selfsown.products import read_card, read_product
from selfsown.shards.seeds import rank
from selfsown.stage import In, Metrics, Out, StageParams, stage

REGISTERED = "selfsown-diffaug"
PREFIX = "prefix"
"""The arm under which stage 1 is reported; its part is the name of the prefix."""

CARD = """# Sentence embeddings, tuned with prefixes ({arm})

`selfsown embed` uses it; `selfsown.diffaug.sentence_module` loads it as a `SentenceTransformer`. A contrastive encoder
after DiffAug (arXiv 2210.16536): its positives differ by prefixes that were tuned on entailment first. It was tuned on
English sentences.

What it learnt from: {data}"""


class EvaluateParams(StageParams):
    """Section `diffaug.evaluate`."""

    data_seed: int = Field(ge=0)
    registered: str = Field(description="the arm to register")
    prefix: str = Field(description="the stage 1 that it went through")
    min_prefix_accuracy: float = Field(ge=0.5, le=1, description="dev accuracy of stage 1 that promotion asks for")
    pairs: int = Field(ge=4, description="test pairs of a premise and a claim, two a triplet, drawn by seed")
    dev_pairs: int = Field(ge=4, description="dev pairs on which the best untouched pooling is chosen")
    batch_size: int = Field(BATCH, ge=1)
    tasks: tuple[str, ...] = Field(description="mteb's, by name")
    samples: int = Field(ge=1)


@stage(tracked=True)
def evaluate(
    params: EvaluateParams, *, models: In, prefixes: In, triplets: In, ratings: In, rows: Out, items: Out, plots: Out
) -> Metrics:
    """Compare the arms; register one.

    Raises:
        UserError: an arm does not load; or the one to register, its stage 1 or the untouched encoder is not there.
    """
    folders = arm_folders(models, params.registered)
    labelled, rated = read_product(triplets).to_pandas(), read_product(ratings).to_pandas()
    test = drawn(labelled, "test", params.pairs // 2, params.data_seed)
    dev = drawn(labelled, "dev", params.dev_pairs // 2, params.data_seed)
    frames: dict[str, pd.DataFrame] = {}
    on_dev: dict[str, float] = {}
    found: dict[str, FloatArray] = {}
    for arm, folder in folders.items():
        untouched = arm.startswith("untouched")
        texts = [*texts_of(test, rated), *(texts_of(dev, rated) if untouched else ())]
        embedded = Embedded(load_arm(folder), texts, params.batch_size)
        made = [offline_items(embedded, test, rated)]
        if params.tasks:
            made.append(alone(TASK, task_scores(folder, params.tasks, params.batch_size)))
        frames[arm] = pd.concat(made)
        found[arm], width = margins(embedded, test), embedded.width
        if untouched:
            on_dev[arm] = _auc(embedded, dev)
    best = max(on_dev, key=lambda arm: (on_dev[arm], arm))
    stages = {folder.name: folder for folder in model_folders(prefixes)}
    learnt = {name: dev_accuracy(folder) for name, folder in stages.items()}
    if params.prefix not in learnt:
        raise UserError(f"params.yaml: diffaug.evaluate.prefix: {params.prefix!r} is not in {prefixes}: {list(learnt)}")
    frames[PREFIX] = alone(STAGE_1, learnt.items())
    EVALUATION.write_items(frames, items)
    measured = EVALUATION.measure(frames, {})
    measured += [Row("dev_auc", arm, "", value, n=2 * len(dev)) for arm, value in on_dev.items()]
    correlations = [measure_of(str(name)) for name in rated["set"].unique()]
    evaluation.write_plots(
        plots,
        nli_auc=evaluation.bars(measured, AUC),
        **{name: evaluation.bars(measured, name) for name in correlations},
        geometry=evaluation.bars(measured, ALIGNMENT, UNIFORMITY),
        dev=evaluation.dev_curves({arm: f for arm, f in folders.items() if (f / "training.json").is_file()}),
        prefix_dev=evaluation.dev_curves(stages),
        low_label=low_label(measured, (AUC, *correlations)),
        samples=side_by_side(test, found, params.registered, _other(found, params.registered), params.samples),
    )
    marked = _register(
        params, folders[params.registered], frames, measured, best, learnt[params.prefix], width, triplets
    )
    evaluation.write_plots(plots, contaminated=marked)
    arms = {"untouched": best, "simcse": "simcse", "diffaug": "diffaug"}
    headline = {f"{name}_{said}": (name, arm, "") for name in (AUC, "lee") for said, arm in arms.items()}
    return evaluation.write_rows(measured, headline, rows)


def model_folders(models: Path) -> list[Path]:
    """The folders of finished models, in the order of their names."""
    return sorted(path for path in models.iterdir() if path.is_dir() and not path.name.startswith("."))


def arm_folders(models: Path, registered: str) -> dict[str, Path]:
    """Every arm: the untouched ones, then SimCSE, then the others; low-label ones after those with all labels.

    Raises:
        UserError: there is no untouched one, or not the one to register.
    """

    def order(arm: str) -> tuple[bool, bool, str, int]:
        name, share = split_arm(arm)
        return not name.startswith("untouched"), name != "simcse", name, -share

    found = {path.name: path for path in sorted(model_folders(models), key=lambda path: order(path.name))}
    if registered not in found:
        raise UserError(f"params.yaml: diffaug.evaluate.registered: no arm {registered!r} in {models}: {list(found)}")
    if not any(arm.startswith("untouched") for arm in found):
        raise UserError(f"{models}: no untouched encoder is there to compare with: expected a folder untouched_mean")
    return found


def drawn(triplets: pd.DataFrame, split: str, count: int, seed: int) -> pd.DataFrame:
    """So many triplets of a split, drawn by seed, in the order they were drawn in."""
    mine = triplets[triplets["split"] == split]
    order = mine["id"].map(lambda name: rank(seed, f"evaluate:{name}")).sort_values(kind="stable").index
    return mine.loc[order].head(count).reset_index(drop=True)


def dev_accuracy(prefix: Path) -> float:
    """The accuracy of stage 1 on dev claims that its best step was not chosen by.

    Raises:
        UserError: its folder does not say.
    """
    try:
        return float(json.loads((prefix / "accuracy.json").read_text())["accuracy"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UserError(f"{prefix}: no accuracy in accuracy.json ({error}); train it again") from None


def low_label(measured: Sequence[Row], measures: Sequence[str]) -> list[dict[str, object]]:
    """The figures of the arms that were trained with a part of the labels, and of those with all: a point an arm."""
    arms = dict.fromkeys(row.arm for row in measured if row.measure == AUC)
    low = {split_arm(arm)[0] for arm in arms if split_arm(arm)[0] != arm}
    values = {(row.measure, row.arm): row.value for row in measured if not row.part}
    return [
        {"arm": name, "labels": share, **{m: values[m, arm] for m in measures}}
        for arm in arms
        for name, share in [split_arm(arm)]
        if name in low
    ]


def _auc(embedded: Embedded, triplets: pd.DataFrame) -> float:
    premise, supported, refuted = (triplets[name] for name in ("premise", "entailment", "contradiction"))
    return float(np.mean(auc_values(embedded.cosines(premise, supported), embedded.cosines(premise, refuted))))


def _other(arms: Mapping[str, Any], registered: str) -> str:
    """The arm beside which samples are shown."""
    return "simcse" if "simcse" in arms and registered != "simcse" else next(iter(arms))


def _register(
    params: EvaluateParams,
    folder: Path,
    frames: Mapping[str, pd.DataFrame],
    measured: Sequence[Row],
    best: str,
    accuracy: float,
    width: int,
    triplets: Path,
) -> list[dict[str, object]]:
    """Register the arm, with what it lacks to an AUC of 1 beside what the untouched encoder's best pooling lacks."""
    refused = ""
    if accuracy < params.min_prefix_accuracy:
        refused = (
            f"its stage 1 ({params.prefix}) learnt nothing: dev accuracy {accuracy:.3f}, chance is 0.5, "
            f"at least {params.min_prefix_accuracy:g} is asked for"
        )
    return evaluation.register(
        REGISTERED,
        folder,
        counts=auc_errors(frames[params.registered]),
        baseline=auc_errors(frames[best]),
        metric="1 - nli_auc",
        evaluation=triplets,
        rows=[row for row in measured if row.arm == params.registered],
        about=CARD.format(arm=params.registered, data=read_card(triplets).note),
        header={"language": ["en"], "library_name": "sentence-transformers", "tags": ["sentence-similarity"]},
        refused=refused,
        example=["A man is playing a guitar."],
        output=[[0.0] * width],
        task="sentence-similarity",
        loader="selfsown.diffaug.evaluate.embedding:serve",
        packages=("sentence-transformers",),
    )
