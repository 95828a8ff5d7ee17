"""What is measured of an arm on which items: one value for each, as `statistics` says; their mean is the figure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import pandas as pd

from selfsown.diffaug.evaluate.embedding import Embedded
from selfsown.diffaug.evaluate.statistics import alignment_values, auc_values, correlation_values, uniformity_values
from selfsown.text.documents.encoding import text_id

AUC, ALIGNMENT, UNIFORMITY = "nli_auc", "alignment", "uniformity"
TASK, STAGE_1 = "mteb", "prefix_accuracy"
ALONE = (TASK, STAGE_1)
"""Figures that another program or the training measured: one value, no items to resample."""

COLUMNS = ["measure", "part", "id", "unit", "value"]

Item = tuple[Any, ...]
"""Values of `COLUMNS`; `unit`: what is resampled."""


def offline_items(embedded: Embedded, triplets: pd.DataFrame, ratings: pd.DataFrame) -> pd.DataFrame:
    """The items of an arm that need nothing but its embeddings.

    Args:
        triplets: those to measure on; resampled by group.
        ratings: all sets. Where a set's pairs are all joined by shared texts, as Lee's are, its texts are resampled,
            and the interval covers the choice of documents; else groups of pairs are.
    """
    made = [*_triplet_items(embedded, triplets)]
    for name, pairs in ratings.groupby("set", sort=False):
        cosines = embedded.cosines(pairs["left"], pairs["right"])
        by_text = pairs["group"].nunique() == 1
        sides = [pairs[side].map(text_id) for side in ("left", "right")] if by_text else [pairs["group"]]
        units = list(zip(*sides, strict=True))
        values = correlation_values(pairs["score"].to_numpy(float), cosines, units)
        made += [(measure_of(str(name)), "", unit, unit, value) for unit, value in values.items()]
    return pd.DataFrame(made, columns=COLUMNS)


def measure_of(name: str) -> str:
    """The measure of a set of ratings, such as `stsb_dev`."""
    return name.replace("-", "_")


def _triplet_items(embedded: Embedded, triplets: pd.DataFrame) -> Iterator[Item]:
    supported = embedded.cosines(triplets["premise"], triplets["entailment"])
    refuted = embedded.cosines(triplets["premise"], triplets["contradiction"])
    for measure, values in ((AUC, auc_values(supported, refuted)), (ALIGNMENT, alignment_values(supported))):
        for name, group, value in zip(triplets["id"], triplets["group"], values, strict=True):
            yield measure, "", name, group, float(value)
    different = triplets.drop_duplicates("premise")
    values = uniformity_values(embedded.of(different["premise"]))
    for name, group, value in zip(different["id"], different["group"], values, strict=True):
        yield UNIFORMITY, "", name, group, float(value)


def alone(measure: str, figures: Iterable[tuple[str, float]]) -> pd.DataFrame:
    """Figures without items, by part."""
    return pd.DataFrame([(measure, part, part, part, value) for part, value in figures], columns=COLUMNS)


def texts_of(triplets: pd.DataFrame, ratings: pd.DataFrame) -> Iterator[str]:
    """All that an arm embeds for these."""
    for column in ("premise", "entailment", "contradiction"):
        yield from triplets[column]
    for column in ("left", "right"):
        yield from ratings[column]
