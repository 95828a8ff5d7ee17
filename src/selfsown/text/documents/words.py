"""Documents as rows of word keys: what every comparison of long texts is made of.

A key is 64 bits of a hash of the casefolded word. All that holds a digit has one key, and a run of such words counts as
one word, so that "3,500 apples", "12 apples" and "number0 apples" are the same.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from selfsown.text.written.normal import is_mark

Keys = NDArray[np.uint64]

_WORD = re.compile(r"[^\W_]+")
_DIGIT = re.compile(r"\d")
_NUMBER = 0
_FACTOR = np.uint64(0x9E3779B97F4A7C15)  # odd, so that no bit of a word's key is lost; 2^64 over the golden ratio


@dataclass(frozen=True)
class Words:
    """The words of a document: uint64 keys [words], and how many characters each has, int64 [words]."""

    keys: Keys
    lengths: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.keys)


def split_words(text: str) -> list[str]:
    """The casefolded words, without punctuation and underscores."""
    if text.isascii():
        return _WORD.findall(text.lower())
    plain = unicodedata.normalize("NFKC", text).casefold()
    marks = "".join(sorted(filter(is_mark, set(plain))))  # without them Brahmic words fall apart, and vowels are lost
    return re.findall(rf"(?:[^\W_]|[{marks}])+", plain) if marks else _WORD.findall(plain)


def keyed(words: list[str]) -> Words:
    """Words as keys; numbers are one key, and several in a row are one word."""
    keys = np.fromiter(map(_key, words), np.uint64, len(words))
    lengths = np.fromiter(map(len, words), np.int64, len(words))
    numbers = keys == _NUMBER
    kept = ~(numbers & np.concatenate([[False], numbers[:-1]]))
    return Words(keys[kept], lengths[kept])


@lru_cache(maxsize=1 << 17)  # a language's words; identifiers of code come and go
def _key(word: str) -> int:
    if _DIGIT.search(word):
        return _NUMBER
    return int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "little") or 1


def ngrams(keys: Keys, size: int) -> Keys:
    """Keys of all runs of `size` words, in their order, uint64 [words - size + 1]; none where there are fewer words."""
    count = max(0, len(keys) - size + 1)
    result = np.zeros(count, np.uint64)
    for start in range(size):
        result = (result ^ (result >> np.uint64(29))) * _FACTOR + keys[start : start + count]
    return result
