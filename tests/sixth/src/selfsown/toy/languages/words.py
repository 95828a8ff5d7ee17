"""Words of two made-up languages, which use the same letters, but not as often."""

from __future__ import annotations

import random

import pyarrow as pa

LETTERS = {"north": "aeknst", "south": "ilmoru"}
"""Each language's own letters; it borrows some of the other's."""
VOWELS = frozenset("aeiou")
SPLITS = ("train", "dev", "test")

WORD = pa.schema([("id", pa.string()), ("word", pa.string()), ("language", pa.string()), ("split", pa.string())])


def made_word(language: str, own_letters: float, rng: random.Random) -> str:
    """A word of three to seven letters, each with that chance one of the language's own."""
    others = "".join(letters for other, letters in LETTERS.items() if other != language)
    return "".join(
        rng.choice(LETTERS[language] if rng.random() < own_letters else others) for _ in range(rng.randint(3, 7))
    )
