"""Triplets and plain sentences as token ids, and how many of the triplets may be learnt from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from selfsown.diffaug.embedding.template import Tokens, tokenise
from selfsown.errors import UserError
from selfsown.products import read_product
from selfsown.shards.seeds import purpose_seed, rank

SENTENCES = ("premise", "entailment", "contradiction")

Row = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Triplet:
    """A premise, what follows from it and what contradicts it, as token ids; `group`: the page that it is about."""

    group: str
    premise: Tokens
    entailment: Tokens
    contradiction: Tokens

    @property
    def sentences(self) -> tuple[Tokens, Tokens, Tokens]:
        """In the order in which they are read."""
        return self.premise, self.entailment, self.contradiction

    @property
    def length(self) -> int:
        """Tokens of all three."""
        return sum(map(len, self.sentences))


def read_triplets(product: Path, split: str) -> list[Row]:
    """The rows of a split, with `id`, `group` and three sentences.

    Raises:
        UserError: none, or one without an entailment or a contradiction.
    """
    rows = read_product(product, ["id", *SENTENCES, "group", "split"]).to_pylist()
    found = [row for row in rows if row["split"] == split]
    if not found:
        raise UserError(f"{product}: no triplet on the split {split}")
    for row in found:
        if empty := [name for name in SENTENCES if not (row[name] or "").strip()]:
            raise UserError(f"{product}: row {row['id']!r}: no {' and no '.join(empty)}: every triplet needs all three")
    return found


def labelled(rows: Sequence[Row], share: float, data_seed: int) -> list[Row]:
    """A share of the rows, exactly so many, drawn by seed; a smaller share is a part of a larger one."""
    seed = purpose_seed(data_seed, "diffaug labels")
    return sorted(rows, key=lambda row: rank(seed, row["id"]))[: max(1, round(share * len(rows)))]


def spread(rows: Sequence[Row], limit: int, seed: int) -> list[Row]:
    """At most `limit` rows, drawn by seed: one of each group, then a second one of each, and so on.

    Some pages have a hundred times as many rows as others; drawn plainly they would be most of what is measured.
    """
    turns: Counter[str] = Counter()
    placed: list[tuple[int, bytes, Row]] = []
    for row in sorted(rows, key=lambda row: rank(seed, row["id"])):
        placed.append((turns[row["group"]], rank(seed, row["group"]), row))
        turns[row["group"]] += 1
    return [row for _, _, row in sorted(placed, key=lambda each: each[:2])][:limit]


def in_tokens(tokenizer: Any, rows: Sequence[Row], max_tokens: int) -> list[Triplet]:
    """Triplets of token ids, each sentence cut."""
    columns = [sentences_in_tokens(tokenizer, [row[name] for row in rows], max_tokens) for name in SENTENCES]
    return [Triplet(row["group"], *made) for row, *made in zip(rows, *columns, strict=True)]


def sentences_in_tokens(tokenizer: Any, texts: Sequence[str], max_tokens: int) -> list[Tokens]:
    """Token ids of sentences, cut.

    Raises:
        UserError: a sentence of which nothing is left.
    """
    made = [ids[:max_tokens] for ids in tokenise(tokenizer, texts)]
    if not all(made):
        text = next(text for text, ids in zip(texts, made, strict=True) if not ids)
        raise UserError(f"{text[:60]!r}: a sentence without any token: leave it out of the product")
    return list(made)


def read_prose(product: Path) -> list[str]:
    """Unlabelled sentences.

    Raises:
        UserError: there is none.
    """
    texts: list[str] = read_product(product, ["text"])["text"].to_pylist()
    if not texts:
        raise UserError(f"{product}: no sentence to learn from")
    return texts
