"""Packing: every document as tokens, in shards that training reads where they lie, as memory maps.

documents, tokenizer -> Arrow shards, each of one collection and one split; rows of id, collection, split, input_ids
(`[tokens]`, two bytes each: beginning token, text, end token). A document that is a question with its rationale is
packed as a chat, so that training can tell the answer. The tokens of a shard stand in one piece, so a split is one
stream, and a model of any context takes its sequences from it (`packed.streams`). Nothing is padded, and nothing is
left out but what does not fill the stream's last sequence.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from pydantic import Field

from selfsown.errors import UserError
from selfsown.identity import Identity
from selfsown.products import CardInfo, joined, read_card
from selfsown.shards import ShardResult, map_shards
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.tinyllama.packed.streams import PACKED, SPLITS, Packed, packed_table
from selfsown.tinyllama.vocabulary.forms import encode_documents, encode_solved, load_tokenizer


class PackParams(StageParams):
    """Section `tinyllama.pack`; `collections`: what each vocabulary packs, folders of the documents."""

    data_seed: int = Field(ge=0)
    collections: dict[str, tuple[str, ...]]


@dataclass(frozen=True)
class Part:
    """One shard's work: the documents of one split in one file of a collection."""

    collection: str
    split: str
    file: str


@stage()
def pack(
    params: PackParams, *, vocabulary: str, documents: In, tokenizer: In, packed: Out, identity: Identity
) -> Metrics:
    """Pack the collections of one vocabulary; a killed run goes on, and any number of workers makes the same bytes.

    Raises:
        UserError: no collections are named for the vocabulary.
    """
    names = params.collections.get(vocabulary, ())
    if not names:
        raise UserError(f"params.yaml: tinyllama.pack.collections: names none for the vocabulary {vocabulary!r}")
    cards = {name: read_card(documents / name) for name in names}
    made = map_shards(
        partial(Packer, documents, tokenizer),
        [Part(name, split, shard.file) for name in names for split in SPLITS for shard in cards[name].shards],
        packed,
        schema=PACKED,
        card=CardInfo(
            name=f"tinyllama/packed/{vocabulary}",
            **joined(card.credits for card in cards.values()),
            seed=params.data_seed,
            note="Each document is the beginning token, its text, the end token.",
        ),
        identity=identity,
        file_format="arrow",
    )
    streams = Packed.open(packed).streams
    tokens = {f"tokens_{n}_{split}": s.tokens for split, found in streams.items() for n, s in found.items()}
    return {"documents": made.rows, **tokens}


class Packer:
    """Tokenises the documents of a part."""

    def __init__(self, documents: Path, tokenizer: Path) -> None:
        self.documents = documents
        self.tokenizer = load_tokenizer(tokenizer)

    def __call__(self, part: Part) -> ShardResult:
        """Rows in the order of the file."""
        rows = _read(self.documents / part.collection / part.file, part.split)
        if {"question", "rationale"} <= {*rows.column_names}:
            solved = zip(rows["question"].to_pylist(), rows["rationale"].to_pylist(), strict=True)
            tokens = [encode_solved(self.tokenizer, question, rationale) for question, rationale in solved]
        else:
            tokens = encode_documents(self.tokenizer, rows["text"].to_pylist())
        return ShardResult(packed_table(rows["id"].to_pylist(), part.collection, part.split, tokens))


def _read(file: Path, split: str) -> pa.Table:
    wanted = {"id", "text", "split", "question", "rationale"}
    rows = pq.read_table(file, columns=[name for name in pq.read_schema(file).names if name in wanted])
    return rows.filter(pc.equal(rows["split"], split))
