"""Sentences without labels, to learn from (DiffAug, section 4.1: Wikipedia's).

a collection of documents, sources of your own, triplets, ratings -> rows of `PROSE`.

Paragraphs come in an order drawn by seed and are cut into sentences until there are enough. Sentences are filtered and
freed of duplicates, of near-duplicates and of all that gives away a dev or test triplet or a rated text. Those that
are dropped are in `rejected.parquet` with their reason.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa
from pydantic import Field

from selfsown.corpora.readers.documents.document import Document, decoded
from selfsown.corpora.readers.documents.own import own_files
from selfsown.errors import UserError
from selfsown.params import Range
from selfsown.products import CardInfo, iter_product, joined, read_card, read_product
from selfsown.shards import with_reason, write_product
from selfsown.shards.seeds import rank
from selfsown.sources import describe, fetch
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.text.documents.encoding import text_id
from selfsown.text.written.normal import normalize_for_comparison, normalize_text
from selfsown.text.written.overlap import HeldOut, NearDuplicates
from selfsown.text.written.sentences import markup, segment, unfinished

PROSE = pa.schema([(name, pa.string()) for name in ("id", "text", "source", "language")])
"""A row of the product; id: `text_id` of the text."""

LANGUAGE = "en"
ROWS_PER_SHARD = 100_000


class ProseParams(StageParams):
    """Section `corpora.prose`."""

    data_seed: int = Field(ge=0)
    sources: tuple[str, ...] = Field(
        description="registered folders or hub data sets of texts, beside the documents; each line of a .txt is one"
    )
    rows: int | None = Field(ge=1, description="sentences that are enough; null takes all")
    words: Range
    characters: Range
    whole: bool = Field(description="only whole sentences (capital first, full stop last) without markup")
    near_duplicate: float | None = Field(
        gt=0, le=1, description="Jaccard overlap of character 3-grams; null: not asked"
    )
    ngram: int = Field(ge=3, description="so many words in common with a held-out text are a leak")


class Paragraph(NamedTuple):
    """A paragraph, and the source it is of; `reason` says why its reader refuses it."""

    text: str
    source: str
    reason: str = ""


@stage()
def prose(params: ProseParams, *, documents: In, triplets: In, ratings: In, corpus: Out) -> Metrics:
    """Make the prose product.

    Args:
        documents: a collection of them; or a file, the registry, where all comes from `sources`.

    Raises:
        UserError: a source cannot be read, or no sentence is left.
    """
    paragraphs = [*_of_documents(documents), *(each for name in params.sources for each in _of_source(name))]
    order = sorted(
        range(len(paragraphs)), key=lambda place: rank(params.data_seed, f"{place}:{paragraphs[place].text}")
    )
    judge = Judge(params, held_out_texts(triplets, ratings))
    kept: list[dict[str, str]] = []
    dropped: list[dict[str, str]] = []
    reasons: list[str] = []
    looked_at = 0
    for place in order:
        if params.rows is not None and len(kept) >= params.rows:
            break
        looked_at += 1
        text, source, refused = paragraphs[place]
        for sentence in [text] if refused else segment(normalize_text(text), LANGUAGE):
            reason = refused or judge(sentence)
            row = {"id": text_id(sentence), "text": sentence, "source": source, "language": LANGUAGE}
            (dropped if reason else kept).append(row)
            reasons += [reason] if reason else []
    if not kept:
        raise UserError(f"params.yaml: corpora.prose: no sentence is left of {len(paragraphs):,} paragraphs")
    write_product(
        corpus,
        [
            pa.Table.from_pylist(kept[start : start + ROWS_PER_SHARD], PROSE)
            for start in range(0, len(kept), ROWS_PER_SHARD)
        ],
        schema=PROSE,
        card=_card(params, documents, f"Drawn from {len(paragraphs):,} paragraphs, {looked_at:,} of them looked at."),
        rejected=with_reason(pa.Table.from_pylist(dropped, PROSE), reasons),
    )
    counts = Counter(f"sentences_{row['source']}" for row in kept)
    return {**counts, "sentences": len(kept), "rejected": len(dropped), "paragraphs": looked_at}


class Judge:
    """Says why a sentence is dropped; one that is kept is what later ones are compared with."""

    def __init__(self, params: ProseParams, held_out: Iterator[str]) -> None:
        self._params = params
        self._held_out = HeldOut(held_out, threshold=params.near_duplicate or 1.0, ngram=params.ngram)
        self._near = None if params.near_duplicate is None else NearDuplicates(params.near_duplicate)
        self._seen: set[str] = set()

    def __call__(self, sentence: str) -> str:
        """The reason, or an empty text."""
        form = normalize_for_comparison(sentence)
        reason = self._misfit(sentence) or ("duplicate" if form in self._seen else "") or self._held_out.leak(sentence)
        if reason:
            return reason
        if self._near is not None:
            if twin := self._near.find(form):
                return f"near-duplicate: of {twin[:40]!r}"
            self._near.add(form)
        self._seen.add(form)
        return ""

    def _misfit(self, sentence: str) -> str:
        for what, count, allowed in (
            ("words", len(sentence.split()), self._params.words),
            ("characters", len(sentence), self._params.characters),
        ):
            if not allowed.low <= count <= allowed.high:
                return f"{what}: {count}, allowed {allowed.low:g} to {allowed.high:g}"
        return (self._params.whole and (unfinished(sentence, LANGUAGE) or markup(sentence))) or ""


def held_out_texts(triplets: Path, ratings: Path) -> Iterator[str]:
    """What is measured on: the sentences of dev and test triplets, and rated texts."""
    columns = ["premise", "entailment", "contradiction", "split"]
    for row in read_product(triplets, columns).to_pylist():
        if row["split"] != "train":
            yield from (row[name] for name in columns[:3])
    for row in read_product(ratings, ["left", "right"]).to_pylist():
        yield from (row["left"], row["right"])


_BREAK = re.compile(r"\n\s*\n")


def _of_documents(documents: Path) -> Iterator[Paragraph]:
    """The paragraphs of a collection, parted by blank lines."""
    if documents.is_file():
        return
    for table in iter_product(documents, ["text", "source"]):
        for row in table.to_pylist():
            for part in _BREAK.split(row["text"]):
                if part.strip():
                    yield Paragraph(part, row["source"])


def _of_source(name: str) -> Iterator[Paragraph]:
    """The lines of a source's .txt files, and the texts of its files of rows.

    Raises:
        UserError: it has none.
    """
    root = fetch(name)
    files = own_files(root)
    if not files:
        raise UserError(f"source {name!r}: {root} has no file of texts")
    for path, reader in files.items():
        for document in _lines(path) if path.suffix == ".txt" else reader(path):
            if document.text.strip() or document.reason:
                yield Paragraph(document.text, name, document.reason)


def _lines(path: Path) -> Iterator[Document]:
    with path.open("rb") as file:
        yield from map(decoded, file)


def _card(params: ProseParams, documents: Path, said: str) -> CardInfo:
    cards = [] if documents.is_file() else [read_card(documents)]
    origins = [describe(name) for name in params.sources]
    return CardInfo(
        name="corpora/prose",
        **joined([*(card.credits for card in cards), *(origin.credits for origin in origins)]),
        seed=params.data_seed,
        note=" ".join([said, *(o.note for o in origins if o.note)]),
    )
