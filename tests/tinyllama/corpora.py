"""Small corpora for tests: documents as a product, a tokenizer trained on a few lines, both packed."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pyarrow as pa
from transformers import PreTrainedTokenizerFast

from selfsown.products import CardInfo
from selfsown.shards import write_product
from selfsown.text.documents.encoding import text_id
from selfsown.tinyllama.pack import PackParams, pack
from selfsown.tinyllama.tokenizer import as_transformers, train

LINES = ("the cat sat on the mat", "a dog ran to the house and back", "x = 1234 + y[0]  # code", "12 and 34 is 46")
TEXTS = [f"the cat number {place} sat on mat {place % 7} and the dog ran to {place * 13} houses" for place in range(60)]
DOCUMENT = pa.schema([(name, pa.string()) for name in ("id", "text", "source", "domain", "licence", "split")])


@cache
def _trained(size: int, digits: int, texts: tuple[str, ...]) -> str:
    return str(train(iter(texts), size, digits).to_str())


def tiny_tokenizer(size: int = 320, digits: int = 3, texts: list[str] | None = None) -> PreTrainedTokenizerFast:
    """A byte-level vocabulary of a few lines."""
    from tokenizers import Tokenizer

    return as_transformers(Tokenizer.from_str(_trained(size, digits, tuple(texts or LINES * 20))))


def write_documents(folder: Path, train_texts: list[str], validation_texts: list[str]) -> None:
    """A product of documents, two shards."""
    rows = [
        {
            "id": text_id(text), "text": text, "source": "toy", "domain": "toy",
            "licence": "CC0-1.0", "split": split,
        }
        for split, texts in (("train", train_texts), ("validation", validation_texts))
        for text in texts
    ]  # fmt: skip
    tables = [pa.Table.from_pylist(part, DOCUMENT) for part in (rows[::2], rows[1::2])]
    card = CardInfo(name="toy", licence="CC0-1.0", source="made here", seed=1)
    write_product(folder, tables, schema=DOCUMENT, card=card)


def packed_folder(
    folder: Path, train_texts: list[str], validation_texts: list[str], names: tuple[str, ...] = ("text",)
) -> tuple[Path, PreTrainedTokenizerFast]:
    """The documents packed, each collection with the same ones, and their tokenizer, saved as `folder/tokenizer`."""
    for name in names:
        write_documents(folder / "documents" / name, train_texts, validation_texts)
    made = tiny_tokenizer()
    made.save_pretrained(folder / "tokenizer")
    pack(
        PackParams(data_seed=1, collections={"web": names}),
        vocabulary="web",
        documents=folder / "documents",
        tokenizer=folder / "tokenizer",
        packed=folder / "packed",
    )
    return folder / "packed", made
