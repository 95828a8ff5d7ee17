"""Some test triplets beside each other, by which of two arms ranks their claims rightly."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from selfsown import evaluation
from selfsown.bootstrap import FloatArray
from selfsown.diffaug.evaluate.embedding import Embedded

COLUMNS = ("premise", "entailment", "contradiction")


def margins(embedded: Embedded, triplets: pd.DataFrame) -> FloatArray:
    """How much more similar the supported claim is than the refuted one, [triplets]."""
    premise, supported, refuted = (triplets[name] for name in COLUMNS)
    return embedded.cosines(premise, supported) - embedded.cosines(premise, refuted)


def side_by_side(
    triplets: pd.DataFrame, found: Mapping[str, FloatArray], ours: str, theirs: str, count: int
) -> list[dict[str, object]]:
    """`count` triplets of each kind, with the margin of every arm.

    Args:
        triplets: in an order drawn by seed.
        found: margins by arm.
        ours, theirs: the two arms that the kinds are of.
    """
    shown = triplets.assign(**{arm: [f"{value:+.3g}" for value in values] for arm, values in found.items()})
    mine, other = found[ours] > 0, found[theirs] > 0
    kinds = {"gained": mine & ~other, "lost": other & ~mine, "right": mine & other, "wrong": ~mine & ~other}
    parts = {kind: shown[mark].head(count) for kind, mark in kinds.items()}
    return evaluation.samples(parts, [*COLUMNS, *found])
