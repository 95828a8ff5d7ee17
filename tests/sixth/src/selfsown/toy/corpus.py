"""The toy's corpus: words of two made-up languages.

parameters -> rows of `languages.words.WORD`. A word without a vowel cannot be spoken and is refused. A word that was
drawn twice stands on one split.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import partial

import pyarrow as pa
from pydantic import Field

from selfsown.identity import Identity
from selfsown.products import CardInfo
from selfsown.shards import ShardResult, map_shards, with_reason
from selfsown.shards.seeds import chance, shard_seed
from selfsown.stage import Metrics, Out, StageParams, stage
from selfsown.toy.languages.words import LETTERS, VOWELS, WORD, made_word

DEV, TEST = 0.15, 0.3  # shares of the words


class CorpusParams(StageParams):
    """Section `toy.corpus`."""

    data_seed: int = Field(ge=0)
    words: int = Field(ge=1)
    shard_size: int = Field(ge=1)
    own_letters: float = Field(ge=0.5, le=1, description="chance of a letter to be one of the language's own")


@stage()
def corpus(params: CorpusParams, *, words: Out, identity: Identity) -> Metrics:
    """Make the words, shard by shard."""
    ids = range(params.words)
    card = map_shards(
        partial(Writer, params),
        [ids[start : start + params.shard_size] for start in ids[:: params.shard_size]],
        words,
        schema=WORD,
        card=CardInfo(name="toy/words", licence="CC0-1.0", source="made here", seed=params.data_seed),
        identity=identity,
    )
    return {"rows": card.rows, "refused": sum(card.dropped.values())}


@dataclass(frozen=True)
class Writer:
    """Makes the words of a shard from a seed of its own."""

    params: CorpusParams

    def __call__(self, ids: range) -> ShardResult:
        """Words with these numbers."""
        rng = random.Random(shard_seed(self.params.data_seed, ids.start))
        rows = [self._row(number, rng) for number in ids]
        kept = [row for row in rows if VOWELS & set(row["word"])]
        refused = pa.Table.from_pylist([row for row in rows if row not in kept], WORD)
        return ShardResult(pa.Table.from_pylist(kept, WORD), with_reason(refused, ["no vowel"] * refused.num_rows))

    def _row(self, number: int, rng: random.Random) -> dict[str, str]:
        language = rng.choice(list(LETTERS))
        word = made_word(language, self.params.own_letters, rng)
        place = chance(word, self.params.data_seed)
        split = "test" if place < TEST else "dev" if place < TEST + DEV else "train"
        return {"id": f"w{number:05d}", "word": word, "language": language, "split": split}
