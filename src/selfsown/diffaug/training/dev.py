"""What the best step is chosen by: dev triplets, as vectors are used and as stage 1 judges them."""

from __future__ import annotations

from collections.abc import Sequence

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


@torch.no_grad()
def judged_right(objective: Objective, triplets: Sequence[Triplet], batch_size: int) -> NDArray[np.float64]:
    """How many of its two pairs the classifier judges rightly, of each triplet: `[triplets]`."""
    collate = Collator(objective.encoder.template, None)
    device = next(objective.parameters()).device
    half = compute_dtype() == torch.bfloat16
    right: list[Tensor] = []
    for start in range(0, len(triplets), batch_size):
        batch = collate([Item(nli=each.sentences) for each in triplets[start : start + batch_size]])
        rows = {name: each.to(device) for name, each in batch["passes"][0].items()}
        with torch.autocast(device.type, torch.bfloat16, enabled=half):
            vectors = objective.encoder(**rows, denoise=objective.denoise)
        premises, *claims = objective.heads.mlp(vectors.float())[batch["nli"]].unbind(1)
        follows, contradicts = (objective.heads.judge(premises, each).argmax(dim=1) for each in claims)
        right.append((follows == 1).double() + (contradicts == 0).double())
    return torch.cat(right).cpu().numpy()
