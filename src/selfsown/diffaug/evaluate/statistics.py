"""What is measured of embeddings, as one value for each item: their mean is the figure itself.

AUC, rank correlation and uniformity are no means over items, so the value of an item is the figure plus what the item
moves it by: its influence. The mean over items is then exactly the figure, the mean over seeds is the mean of the
seeds' figures, and resampling items gives its interval to first order. Of the AUC these are the components of DeLong
et al. (1988), of the correlation the jackknife's (Efron 1982), leaving out one unit with all its pairs.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import stats

from selfsown.bootstrap import FloatArray


def auc_values(supported: FloatArray, refuted: FloatArray) -> FloatArray:
    """Of n premises, float [n]: the chance that a supported pair is more similar than a refuted one of any premise.

    Args:
        supported: similarity of each premise and the claim that it entails, [n].
        refuted: of the same premise and the claim that it contradicts, [n].
    """
    beats = _share_below(supported, refuted)
    beaten = 1 - _share_below(refuted, supported)
    return beats + beaten - beats.mean()


def _share_below(values: FloatArray, others: FloatArray) -> FloatArray:
    """Of each value, the share of the others that are below it; equal ones count half."""
    order = np.sort(others)
    return (np.searchsorted(order, values, "left") + np.searchsorted(order, values, "right")) / (2 * len(order))


def correlation_values(
    scores: FloatArray, similarities: FloatArray, units: Sequence[Sequence[str]]
) -> dict[str, float]:
    """Spearman's correlation over pairs, as a value for each unit.

    Args:
        scores, similarities: of each pair, [pairs].
        units: of each pair, those that it goes with: its two texts, or its group.
    """
    whole = spearman(scores, similarities)
    names = sorted({unit for members in units for unit in members})
    without = []
    for name in names:
        kept = np.array([name not in members for members in units])
        without.append(spearman(scores[kept], similarities[kept]))
    moved = (len(names) - 1) * (np.mean(without) - np.array(without))
    return dict(zip(names, (whole + moved).tolist(), strict=True))


def spearman(scores: FloatArray, similarities: FloatArray) -> float:
    """The rank correlation; 0 where one side is the same for all."""
    first, second = (stats.rankdata(values) for values in (scores, similarities))
    first, second = first - first.mean(), second - second.mean()
    spread = float(np.sqrt((first @ first) * (second @ second)))
    return float(first @ second) / spread if spread else 0.0


def alignment_values(similarities: FloatArray) -> FloatArray:
    """Squared distance of the two normalised sentences of a positive pair, [n] (Wang and Isola 2020); less is better.

    Args:
        similarities: their cosine, [n].
    """
    return 2 - 2 * similarities


def uniformity_values(embeddings: FloatArray) -> FloatArray:
    """Log of the mean of exp(-2 d^2) over all pairs of sentences, [n] (Wang and Isola 2020); less is better.

    Args:
        embeddings: normalised, [n, width], n at least 2.
    """
    potential = np.exp(4 * (embeddings @ embeddings.T) - 4)
    np.fill_diagonal(potential, 0)
    mine = potential.sum(axis=1) / (len(embeddings) - 1)
    return np.log(mine.mean()) + 2 * (mine - mine.mean()) / mine.mean()
