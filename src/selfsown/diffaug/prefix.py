"""Stage 1: prefix tuning on NLI triplets, the encoder frozen (DiffAug, arXiv 2210.16536, section 3.1).

Input: the fetched encoder and labelled triplets. A classifier of `[u; v; |u - v|]` learns whether a claim follows from
its premise or contradicts it; only it and the prefix are updated. Output: a folder with the weights of prefix and
heads, `training.json`, the accuracy on dev triplets by step, and `accuracy.json`, that of the best step on dev triplets
that it was not chosen by, beside chance. A triplet is right where its entailment is held to follow more likely than its
contradiction. A prefix that is no better than chance has learnt nothing to hand on.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from transformers import set_seed

from selfsown import bootstrap
from selfsown.bootstrap import Estimate, FloatArray
from selfsown.diffaug.embedding.description import EmbeddingParams, PrefixParams, write_description
from selfsown.diffaug.embedding.folder import new_encoder, save_prefix
from selfsown.diffaug.training.batches import Item
from selfsown.diffaug.training.dev import judged
from selfsown.diffaug.training.objective import Heads, Objective
from selfsown.diffaug.training.plan import plan
from selfsown.diffaug.training.trainer import TrainingParams, train
from selfsown.diffaug.training.triplets import Triplet, in_tokens, labelled, read_triplets, spread
from selfsown.errors import UserError
from selfsown.files import write_json
from selfsown.identity import Identity
from selfsown.shards.seeds import purpose_seed
from selfsown.stage import In, Metrics, Out, stage
from selfsown.training import work_folder
from selfsown.training.orders import Ordered

SECTION = "diffaug.prefix"

CHANCE = 0.5
"""One of two claims follows."""


class PrefixStageParams(TrainingParams):
    """Section `diffaug.prefix`.

    Attributes:
        labels: by name, the share of the training triplets that are learnt from.
        embedding: how sentences are read, here and in stage 2.
        prefix: its size.
    """

    labels: dict[str, float]
    embedding: EmbeddingParams
    prefix: PrefixParams


@stage(tracked=True, distributed=True)
def prefix(
    params: PrefixStageParams, *, name: str, encoder: In, triplets: In, model: Out, identity: Identity
) -> Metrics:
    """Train one prefix; a killed run goes on from its last whole checkpoint.

    Raises:
        UserError: the matrix names a prefix that is not described, nothing to learn or to measure by, bad arguments.
    """
    if name not in params.labels:
        raise UserError(f"params.yaml: {SECTION}.labels: {name!r} is missing, the matrix names it")
    work = work_folder(model, identity)
    set_seed(params.seed)
    network, tokenizer = new_encoder(encoder, params.embedding, params.prefix)
    network.lm.requires_grad_(False)
    heads = Heads(network.width, mlp=params.mlp)
    heads.mlp.requires_grad_(False)  # as in the paper's code: drawn at random, learnt in stage 2 alone
    objective = Objective(network, heads, denoise=params.embedding.denoise == "always", recompute=params.recompute)
    drawn = labelled(read_triplets(triplets, "train"), params.labels[name], params.data_seed)
    rows = in_tokens(tokenizer, drawn, params.embedding.max_tokens)
    order = plan([row.group for row in rows], [row.length for row in rows], *params.planned, params.seed)
    seed = purpose_seed(params.data_seed, "diffaug dev")
    dev = in_tokens(
        tokenizer, spread(read_triplets(triplets, "dev"), params.dev_limit, seed), params.embedding.max_tokens
    )
    chosen_by, reported_on = halves(dev)
    batch = int(params.arguments.get("per_device_eval_batch_size", 8))

    def save(folder: Path) -> dict[str, float]:
        assert network.prefix is not None
        save_prefix(network.prefix, folder)
        heads.save(folder)
        write_description(folder, params.embedding, params.prefix)
        told = judged(objective, reported_on, batch)
        found, pairs = (by_group(reported_on, counts) for counts in (told.found, told.pairs))
        said = {"accuracy": found.value, "lo": found.lo, "hi": found.hi, "pair_accuracy": pairs.value}
        write_json(folder / "accuracy.json", {**said, "chance": CHANCE, "triplets": len(reported_on)})
        return {**{f"dev_{name}": value for name, value in said.items()}, "chance": CHANCE}

    figures = train(
        objective,
        Ordered([Item(nli=row.sentences) for row in rows], order),
        params,
        work,
        save,
        section=SECTION,
        name="accuracy",
        measure=lambda: float(judged(objective, chosen_by, batch).found.mean()),
    )
    return {**figures, "triplets": len(rows)}


def by_group(triplets: Sequence[Triplet], right: FloatArray) -> Estimate:
    """The share that is right, with an interval over groups: triplets of one page are right or wrong together.

    Args:
        right: in [0, 1], `[triplets]`.
    """
    _, places = np.unique([each.group for each in triplets], return_inverse=True)
    return bootstrap.rate(np.bincount(places, right).astype(float), np.bincount(places).astype(float))


def halves(dev: Sequence[Triplet]) -> tuple[list[Triplet], list[Triplet]]:
    """Two parts of like size that share no group: the best step is chosen by the first and reported on the second.

    Raises:
        UserError: fewer than two groups.
    """
    sizes = Counter(each.group for each in dev)
    parts: tuple[list[Triplet], list[Triplet]] = [], []
    for group, _ in sizes.most_common():
        min(parts, key=len).extend(each for each in dev if each.group == group)
    if not parts[1]:
        raise UserError("the dev split has triplets of one group alone: stage 1 needs two, to choose and to report")
    return parts
