"""Texts and source code to pre-train on (TinyLlama, section 2.1): filtered, without duplicates and without leaks.

problems, speech, rationales products -> rows of `DOCUMENT`: id, text, source, name, domain, licence, split; a product
a collection.

Three steps, so that it scales with the files: every file is looked at on its own, in parallel, and leaves ids and
sketches but no text; one process decides on duplicates and limits; every file is read again, in parallel, and written.
Every document that is dropped is in `rejected.parquet` with its reason and the beginning of its text.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pyarrow.compute as pc
from pydantic import Field

from selfsown.corpora.documents.choice import decide
from selfsown.corpora.documents.passes import Looker, Writer, cut
from selfsown.corpora.documents.rules import Collection
from selfsown.corpora.readers.documents.shelf import source_of
from selfsown.corpora.schemas.document import DOCUMENT
from selfsown.errors import UserError
from selfsown.identity import Identity
from selfsown.products import CardInfo, iter_product, joined, read_product
from selfsown.shards import map_shards
from selfsown.sources import describe
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.text.documents.heldout import HeldOut
from selfsown.workers import work


class DocumentsParams(StageParams):
    """Section `corpora.documents`."""

    data_seed: int = Field(ge=0)
    validation: float = Field(gt=0, lt=1, description="share of the documents that no model is trained on")
    collections: dict[str, Collection] = Field(min_length=1, description="of those, `matrix.documents` are made")


@stage()
def documents(
    params: DocumentsParams,
    *,
    collection: str,
    problems: In,
    speech: In,
    rationales: In,
    documents: Out,
    identity: Identity,
) -> Metrics:
    """Make one collection.

    Raises:
        UserError: no such collection, a source without documents, or nothing of it passes the rules.
    """
    if collection not in params.collections:
        known = ", ".join(params.collections)
        raise UserError(f"corpora.matrix.documents: {collection!r}: corpora.documents.collections has {known}")
    rules = params.collections[collection]
    texts = evaluation_texts(problems, speech, rationales)
    held_out = HeldOut(texts, shortest=int(rules.ngram.low), longest=int(rules.ngram.high))
    origins = {name: describe(source_of(name)) for name in rules.sources}
    shards = [shard for name, origin in origins.items() for shard in cut(name, origin.licence)]
    looks = dict(work(partial(Looker, rules, held_out), list(enumerate(shards))))
    reasons = decide(
        [looks[index] for index in range(len(shards))],
        limit=rules.limit,
        near_duplicate=rules.near_duplicate,
        seed=params.data_seed,
    )
    sources = list({origin.name: origin for origin in origins.values()}.values())
    card = map_shards(
        partial(Writer, rules.kind, params.validation, params.data_seed),
        list(zip(shards, reasons, strict=True)),
        documents,
        schema=DOCUMENT,
        card=CardInfo(
            name=f"corpora/documents/{collection}",
            **joined(origin.credits for origin in sources),
            seed=params.data_seed,
            note="Splits train and validation, by document. " + " ".join(o.note for o in sources if o.note),
        ),
        identity=identity,
    )
    if not card.rows:
        raise UserError(
            f"corpora.documents.collections.{collection}: no document passes its rules; dropped: {card.losses}"
        )
    return {**_counts(documents), "rejected": sum(card.dropped.values())}


def evaluation_texts(problems: Path, speech: Path, rationales: Path) -> Iterator[str]:
    """What is measured on and must not be learnt: the questions and transcripts that no model is trained on."""
    for row in read_product(problems, columns=["question", "split"]).to_pylist():
        if row["split"] in ("dev", "test"):
            yield row["question"]
    for row in read_product(speech, columns=["text", "split"]).to_pylist():
        if row["split"] in ("dev", "test", "ood"):
            yield row["text"]
    for row in read_product(rationales, columns=["question", "split"]).to_pylist():
        if row["split"] in ("dev", "test", "unseen"):
            yield row["question"]


def _counts(product: Path) -> dict[str, float]:
    """Documents and characters by split, and characters by source."""
    counts: dict[str, float] = {}
    for table in iter_product(product, ["text", "source", "split"]):
        lengths = pc.utf8_length(table["text"]).to_pylist()
        for source, split, characters in zip(
            table["source"].to_pylist(), table["split"].to_pylist(), lengths, strict=True
        ):
            for name, value in ((f"documents_{split}", 1), (f"characters_{split}", characters), (source, characters)):
                counts[name] = counts.get(name, 0) + value
    return counts
