"""What the best step is chosen by: dev triplets, as vectors are used and as stage 1 judges them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata
from torch import Tensor
from torch.nn.functional import cosine_similarity

from selfsown.device import compute_dtype
from selfsown.diffaug.embedding.encoder import SentenceEncoder
from selfsown.diffaug.training.batches import Collator, Item
from selfsown.diffaug.training.objective import Objective
from selfsown.diffaug.training.triplets import Triplet


def auc(higher: NDArray[np.float64], lower: NDArray[np.float64]) -> float:
    """How often a score of `higher` is above one of `lower`, over all pairs; ties count half.

    >>> auc(np.array([3.0, 1.0]), np.array([1.0, 0.0]))
    0.875
    """
    ranks = rankdata(np.concatenate([higher, lower]))[: len(higher)]
    return float((ranks.sum() - len(higher) * (len(higher) + 1) / 2) / (len(higher) * len(lower)))


def nli_auc(encoder: SentenceEncoder, triplets: Sequence[Triplet], batch_size: int) -> float:
    """Cosines of premises with what follows from them against cosines with what contradicts them."""
    half = compute_dtype() == torch.bfloat16
    sentences = [sentence for column in zip(*(each.sentences for each in triplets), strict=True) for sentence in column]
    premises, entailments, contradictions = encoder.embed(sentences, batch_size, half=half).chunk(3)
    return auc(*(cosine_similarity(premises, claims).double().numpy() for claims in (entailments, contradictions)))


@dataclass(frozen=True)
class Judged:
    """What the classifier of stage 1 makes of triplets, each `[triplets]` and in [0, 1]; chance is a half for both.

    Attributes:
        found: 1 where it holds the entailment to follow more likely than the contradiction, 0.5 where as likely.
        pairs: the share of the triplet's two pairs that it judges rightly, each by itself.
    """

    found: NDArray[np.float64]
    pairs: NDArray[np.float64]


@torch.no_grad()
def judged(objective: Objective, triplets: Sequence[Triplet], batch_size: int) -> Judged:
    """In the precision of training, without dropout where the objective has none."""
    batch = Collator(objective.encoder.template, batch_size)([Item(nli=each.sentences) for each in triplets])
    device = next(objective.parameters()).device
    vectors: list[Tensor] = []
    for each in batch["passes"]:
        rows = {name: values.to(device) for name, values in each.items()}
        with torch.autocast(device.type, torch.bfloat16, enabled=compute_dtype() == torch.bfloat16):
            vectors.append(objective.encoder(**rows, denoise=objective.denoise))
    premises, *claims = objective.heads.mlp(torch.cat(vectors).float())[batch["nli"].to(device)].unbind(1)
    logits = [objective.heads.judge(premises, each) for each in claims]
    follows, contradicts = torch.stack([each[:, 1] - each[:, 0] for each in logits]).double().cpu().numpy()
    found = (follows > contradicts) + 0.5 * (follows == contradicts)
    return Judged(found, ((follows > 0).astype(float) + (contradicts < 0)) / 2)
