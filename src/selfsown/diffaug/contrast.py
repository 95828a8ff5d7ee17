"""Stage 2: contrastive training of everything (DiffAug, arXiv 2210.16536, section 3.2), or SimCSE without a prefix.

Input: the fetched encoder, a prefix after stage 1 or none, triplets, unlabelled sentences. An anchor sees one half of
the prefix, its positive and hard negative the other; without a prefix two passes differ by their dropout alone. Output:
a folder of which `sentence_module` makes a `SentenceTransformer`, and `training.json`, on dev triplets the AUC of
claims that follow against claims that contradict, by step. The step of the best one is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from pydantic import Field
from transformers import set_seed

from selfsown.diffaug.embedding.card import card
from selfsown.diffaug.embedding.description import EmbeddingParams, PrefixParams, read_description
from selfsown.diffaug.embedding.folder import load_prefix, new_encoder, save_encoder
from selfsown.diffaug.embedding.template import Tokens
from selfsown.diffaug.training.batches import Item
from selfsown.diffaug.training.dev import nli_auc
from selfsown.diffaug.training.objective import Heads, Objective
from selfsown.diffaug.training.plan import plan
from selfsown.diffaug.training.trainer import TrainingParams, train
from selfsown.diffaug.training.triplets import (
    Triplet,
    in_tokens,
    labelled,
    read_prose,
    read_triplets,
    sentences_in_tokens,
    spread,
)
from selfsown.errors import UserError
from selfsown.identity import Identity
from selfsown.launcher import process_count
from selfsown.params import Params
from selfsown.shards.seeds import purpose_seed
from selfsown.stage import In, Metrics, Out, stage
from selfsown.training import work_folder
from selfsown.training.orders import Ordered

SECTION = "diffaug.contrast"


class ArmParams(Params):
    """How one arm learns.

    Attributes:
        setting: `supervised`: a premise, its entailment as positive, its contradiction as hard negative.
            `unsupervised`: an unlabelled sentence and itself. `semi_supervised`: that, and the loss of stage 1 on
            triplets beside it.
        labels: the share of the training triplets that are learnt from.
    """

    setting: Literal["supervised", "semi_supervised", "unsupervised"]
    labels: float = Field(1.0, gt=0, le=1)


class ContrastParams(TrainingParams):
    """Section `diffaug.contrast`.

    Attributes:
        arms: by name.
        embedding: of arms without a prefix; a prefix brings that of its stage 1.
        temperature: of the contrastive loss (paper: 0.05).
        nli_weight: of the loss on triplets in the semi-supervised setting (paper: 0.001).
        nli_batch: triplets in a step of that setting, over all processes.
    """

    arms: dict[str, ArmParams]
    embedding: EmbeddingParams
    temperature: float = Field(gt=0)
    nli_weight: float = Field(ge=0)
    nli_batch: int = Field(ge=1)


@stage(tracked=True, distributed=True)
def contrast(
    params: ContrastParams,
    *,
    arm: str,
    encoder: In,
    prefix: In | None = None,
    triplets: In,
    prose: In,
    model: Out,
    identity: Identity,
) -> Metrics:
    """Train one arm; a killed run goes on from its last whole checkpoint.

    Raises:
        UserError: the matrix names an arm that is not described, nothing to learn or to measure by, bad arguments.
    """
    if arm not in params.arms:
        raise UserError(f"params.yaml: {SECTION}.arms: {arm!r} is missing, the matrix names it")
    own = params.arms[arm]
    work = work_folder(model, identity)
    set_seed(params.seed)
    embedding, before = started_from(params, prefix)
    network, tokenizer = new_encoder(encoder, embedding, before)
    heads = Heads(network.width, mlp=params.mlp)
    if prefix is not None and network.prefix is not None:
        load_prefix(network.prefix, prefix)
        heads.load(prefix)
    if own.setting != "semi_supervised":
        heads.classifier = None
    objective = Objective(
        network,
        heads,
        temperature=params.temperature,
        nli_weight=params.nli_weight,
        denoise=embedding.denoise != "never",
        recompute=params.recompute,
    )
    rows: list[Triplet] = []
    if own.setting != "unsupervised":
        drawn = labelled(read_triplets(triplets, "train"), own.labels, params.data_seed)
        rows = in_tokens(tokenizer, drawn, embedding.max_tokens)
    items = (
        supervised(rows, params)
        if own.setting == "supervised"
        else unlabelled(sentences_in_tokens(tokenizer, read_prose(prose), embedding.max_tokens), rows, params)
    )
    seed = purpose_seed(params.data_seed, "diffaug dev")
    dev = in_tokens(tokenizer, spread(read_triplets(triplets, "dev"), params.dev_limit, seed), embedding.max_tokens)
    batch = int(params.arguments.get("per_device_eval_batch_size", 8))
    how = f"{'DiffAug' if before else 'SimCSE'}, {own.setting}, {params.planned[1]} steps of {params.planned[0]}."
    learnt = [*([triplets] if rows else []), *([prose] if own.setting != "supervised" else [])]

    def save(folder: Path) -> dict[str, float]:
        save_encoder(network, encoder, folder, card(arm, how, encoder, embedding, before, learnt))
        return {}

    figures = train(
        objective,
        Ordered(items, range(len(items))),
        params,
        work,
        save,
        section=SECTION,
        name="auc",
        measure=lambda: nli_auc(network, dev, batch),
    )
    return {**figures, "triplets": len(rows), "parameters": sum(weight.numel() for weight in network.parameters())}


def started_from(params: ContrastParams, prefix: Path | None) -> tuple[EmbeddingParams, PrefixParams | None]:
    """How sentences are read, and the prefix's size: those of stage 1, or of the parameters where there was none."""
    if prefix is None:
        return params.embedding, None
    said = read_description(prefix)
    if said.prefix is None:
        raise UserError(f"{prefix}: no prefix there")
    return said.embedding, said.prefix


def supervised(rows: Sequence[Triplet], params: ContrastParams) -> list[Item]:
    """Triplets, each with its hard negative."""
    order = plan([row.group for row in rows], [row.length for row in rows], *params.planned, params.seed)
    return [Item(contrasted=rows[index].sentences) for index in order]


def unlabelled(sentences: Sequence[Tokens], rows: Sequence[Triplet], params: ContrastParams) -> list[Item]:
    """Sentences, each its own positive; and beside them, spread over each batch, triplets to be told apart.

    Raises:
        UserError: more triplets than sentences in a step, or so many that the processes cannot share them.
    """
    batch, steps = params.planned
    order = plan([str(index) for index in range(len(sentences))], list(map(len, sentences)), batch, steps, params.seed)
    if not rows:
        return [Item(contrasted=(sentences[index], sentences[index])) for index in order]
    count = params.nli_batch
    if count > batch or count % process_count():
        raise UserError(
            f"params.yaml: {SECTION}.nli_batch: {count} must be at most per_device_train_batch_size, {batch}, and "
            f"divisible by the {process_count()} processes that SELFSOWN_NPROC asks for"
        )
    seed = purpose_seed(params.seed, "diffaug nli")
    told = iter(plan([row.group for row in rows], [row.length for row in rows], count, steps, seed))
    return [
        Item(
            (sentences[index], sentences[index]),
            rows[next(told)].sentences if _has_triplet(place, count, batch) else (),
        )
        for place, index in enumerate(order)
    ]


def _has_triplet(place: int, count: int, batch: int) -> bool:
    """Whether a row of a batch carries one of its `count` triplets: evenly, so that each process has as many."""
    within = place % batch
    return (within + 1) * count // batch > within * count // batch
