"""Vectors of a file's sentences, or those of them that are nearest to a sentence.

    selfsown embed sentences.txt --out embeddings.parquet
    selfsown embed sentences.txt --like "A man plays the guitar." --top 5
    Embedder.load(folder).embed(["A man plays the guitar."])

The file has a sentence a line, or is Parquet or JSONL with a column of them. Rows that hold no sentence are refused and
named; beside `embeddings.parquet` they stand in `embeddings.rejected.parquet`, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow as pa
import torch
from numpy.typing import NDArray
from torch.nn.functional import cosine_similarity

from selfsown.checkpoint import model_folder, model_options
from selfsown.device import compute_device
from selfsown.diffaug.embedding.description import DESCRIPTION
from selfsown.diffaug.embedding.encoder import SentenceEncoder
from selfsown.diffaug.embedding.folder import load_encoder
from selfsown.diffaug.embedding.template import tokenise
from selfsown.diffaug.sentences import Sentence, read_sentences
from selfsown.errors import UserError
from selfsown.files import write_atomic
from selfsown.shards import parquet_bytes, with_reason

BATCH_SIZE = 64
NAMED = 5
"""Refused rows that are named one by one."""


@click.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="write the vectors here, as Parquet")
@click.option("--like", help="print the sentences that are nearest to this one")
@click.option("--top", default=5, show_default=True, type=click.IntRange(min=1), help="how many of them")
@click.option("--column", default="text", show_default=True, help="of a Parquet or JSONL file")
@click.option("--batch-size", default=BATCH_SIZE, show_default=True, type=click.IntRange(min=1))
@model_options("selfsown-diffaug")
def command(
    file: Path, out: Path | None, like: str | None, top: int, column: str, batch_size: int, model: str, alias: str,
    folder: Path | None,
) -> None:  # fmt: skip
    """Embed the sentences of FILE: a sentence a line, or a column of a Parquet or JSONL file."""
    if out is None and like is None:
        raise UserError("nothing to do: give --out embeddings.parquet, or --like 'a sentence'")
    if like is not None and not like.strip():
        raise UserError("--like: an empty sentence")
    sentences = list(read_sentences(file, column))
    with model_folder(model, alias, folder, marked_by=DESCRIPTION) as found:
        embedder = Embedder.load(found, batch_size)
    made = embedder.of_rows(sentences)
    _name_refused(file, made.refused)
    if not made.kept:
        raise UserError(f"{file}: no sentence in it")
    if out is not None:
        made.write(out)
        cut = sum(made.cut)
        shortened = f", {cut} of them cut to {embedder.encoder.params.max_tokens} tokens" if cut else ""
        click.echo(f"{out}: {len(made.kept)} vectors of {embedder.encoder.width}{shortened}")
    if like is not None:
        for cosine, sentence in made.nearest(embedder.embed([like])[0], top):
            click.echo(f"{cosine:.3f}  {sentence.text}")


def _name_refused(file: Path, refused: Sequence[Sentence]) -> None:
    for sentence in refused[:NAMED]:
        click.echo(f"{file}: row {sentence.row} refused: {sentence.reason}", err=True)
    if len(refused) > NAMED:
        click.echo(f"{file}: {len(refused) - NAMED} more rows refused", err=True)


@dataclass(frozen=True)
class Embedded:
    """Sentences that were embedded, their vectors `[sentences, width]`, whether each was cut; and the refused ones."""

    kept: list[Sentence]
    vectors: NDArray[np.float32]
    cut: list[bool]
    refused: list[Sentence]

    def write(self, out: Path) -> None:
        """Columns `row`, `text`, `cut` and `embedding`; the refused ones in a file beside it."""
        width = self.vectors.shape[1]
        embeddings = pa.FixedSizeListArray.from_arrays(pa.array(self.vectors.reshape(-1)), width)
        kept = _columns(self.kept).append_column("cut", pa.array(self.cut)).append_column("embedding", embeddings)
        out.parent.mkdir(parents=True, exist_ok=True)
        beside = out.with_name(f"{out.stem}.rejected.parquet")
        beside.unlink(missing_ok=True)
        if self.refused:
            write_atomic(beside, parquet_bytes(with_reason(_columns(self.refused), [s.reason for s in self.refused])))
        write_atomic(out, parquet_bytes(kept))

    def nearest(self, vector: NDArray[np.float32], count: int) -> list[tuple[float, Sentence]]:
        """The sentences of the highest cosines with a vector, and these."""
        cosines = cosine_similarity(torch.from_numpy(self.vectors), torch.from_numpy(vector)[None]).numpy()
        return [(float(cosines[place]), self.kept[place]) for place in np.argsort(-cosines, kind="stable")[:count]]


def _columns(sentences: Sequence[Sentence]) -> pa.Table:
    return pa.table({"row": [each.row for each in sentences], "text": [each.text for each in sentences]})


class Embedder:
    """A trained sentence encoder, ready to be asked."""

    def __init__(self, encoder: SentenceEncoder, tokenizer: Any, batch_size: int = BATCH_SIZE) -> None:
        self.encoder, self.tokenizer, self.batch_size = encoder.to(compute_device()).eval(), tokenizer, batch_size

    @classmethod
    def load(cls, folder: Path, batch_size: int = BATCH_SIZE) -> Embedder:
        """The encoder of a folder.

        Raises:
            UserError: not a whole one.
        """
        return cls(*load_encoder(folder), batch_size)

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Vectors `[texts, width]`, in fp32."""
        return self.encoder.embed(tokenise(self.tokenizer, texts), self.batch_size).numpy()

    def of_rows(self, sentences: Sequence[Sentence]) -> Embedded:
        """Vectors of a file's sentences, with progress on a terminal."""
        told = [each for each in sentences if not each.reason]
        tokens = tokenise(self.tokenizer, [each.text for each in told])
        blank = [
            Sentence(each.row, each.text, "no token in it") for each, ids in zip(told, tokens, strict=True) if not ids
        ]
        kept = [(each, ids) for each, ids in zip(told, tokens, strict=True) if ids]
        refused = sorted([*(each for each in sentences if each.reason), *blank], key=lambda each: each.row)
        vectors = self.encoder.embed([ids for _, ids in kept], self.batch_size, progress=True).numpy()
        cut = [len(ids) > self.encoder.params.max_tokens for _, ids in kept]
        return Embedded([each for each, _ in kept], vectors, cut, refused)
