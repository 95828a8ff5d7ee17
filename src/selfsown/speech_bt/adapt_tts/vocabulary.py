"""The text vocabulary of an XTTS grows by a language, and no old token changes its id (paper, vocabulary expansion).

Byte-pair merges are learnt on the new language's text as the old tokenizer reads it, so they go on where its merges
end. Characters that it does not know come first, then the language's mark, then what the merges make; each of the new
tokens begins as the mean of old ones. A word of another language in which a new merge applies is from then on read by
the new token too.
"""

from __future__ import annotations

import json
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from tokenizers import Tokenizer
from tokenizers.models import BPE
from tokenizers.trainers import BpeTrainer
from torch import Tensor

MIN_COUNT = 2
"""How often the text must have what becomes a token."""

_PRIVATE = 0xF0000
"""First of 65,534 characters without a meaning: while merges are learnt, each token is one of them."""

_MARK = re.compile(r"\[[a-z]{2,3}(-[a-z]+)?\]")
"""Of a language, in lower case; what is not a language's mark is in upper case."""

_UNKNOWN = "[UNK]"

TEXT_ROWS = ("gpt.text_embedding.weight", "gpt.text_head.weight", "gpt.text_head.bias")
"""The weights of an XTTS with a row for each text token."""


@dataclass(frozen=True)
class Grown:
    """A vocabulary that has grown.

    Attributes:
        tokenizer: the old tokens under their old ids, the new ones after them.
        parts: of each new token, in the order of the ids, the old ids whose mean it begins as.
    """

    tokenizer: Tokenizer
    parts: tuple[tuple[int, ...], ...]

    def widen(self, rows: Tensor) -> Tensor:
        """`[old tokens, ...]` -> `[all tokens, ...]`: old rows as they are, a new one the mean of its parts."""
        return torch.cat([rows, *(rows[list(each)].mean(dim=0, keepdim=True) for each in self.parts)])


def grow(old: Tokenizer, texts: Mapping[str, Sequence[str]], limit: int) -> Grown:
    """The tokenizer with at most `limit` new tokens for each language, beside its mark.

    Args:
        old: of an XTTS: byte-pair merges over characters.
        texts: by the code of their language, cleaned as they are when they are spoken.
    """
    grown = _Growing(old)
    for language, lines in texts.items():
        grown.learn(language, lines, limit)
    return Grown(grown.tokenizer(), tuple(grown.parts))


class _Growing:
    """A tokenizer's own description, to which tokens and merges are added."""

    def __init__(self, old: Tokenizer) -> None:
        self.old = old
        self.state: dict[str, Any] = json.loads(old.to_str())
        self.ids: dict[str, int] = self.state["model"]["vocab"]
        # A token that stands beside the vocabulary alone would get another id when that grows.
        self.ids |= old.get_vocab(with_added_tokens=True)
        self.first = max(self.ids.values()) + 1
        self.merges: list[list[str]] = [list(pair) for pair in self.state["model"]["merges"]]
        self.state["model"]["merges"] = self.merges
        self.marks: list[str] = []
        self.parts: list[tuple[int, ...]] = []

    def learn(self, language: str, lines: Iterable[str], limit: int) -> None:
        words = Counter(word for line in lines for word in self.words(line))
        characters: Counter[str] = Counter()
        for word, count in words.items():
            characters.update(dict.fromkeys(word, count))
        unknown = sorted((-count, each) for each, count in characters.items() if each not in self.ids)
        added = [each for count, each in unknown if -count >= MIN_COUNT][:limit]
        for each in added:
            self.add(each, self.like(each))
        if (mark := f"[{language}]") not in self.ids:
            self.add(mark, [index for name, index in self.ids.items() if _MARK.fullmatch(name) and index < self.first])
            self.marks.append(mark)
        there = {(left, right) for left, right in self.merges}
        for left, right in self.new_merges(words, limit - len(added)):
            self.add(left + right, [*self.parts_of(left), *self.parts_of(right)])
            if (left, right) not in there:
                self.merges.append([left, right])

    def words(self, line: str) -> Iterator[str]:
        """The pieces within which tokens stand: spaces are tokens of their own."""
        for piece in line.split(" "):
            if self.old.normalizer is not None:
                piece = self.old.normalizer.normalize_str(piece)
            if self.old.pre_tokenizer is None:
                yield piece
            else:
                yield from (word for word, _ in self.old.pre_tokenizer.pre_tokenize_str(piece))

    def like(self, character: str) -> list[int]:
        """What an unknown character begins as: itself without its marks, else the unknown token."""
        letters = [each for each in unicodedata.normalize("NFKD", character) if not unicodedata.combining(each)]
        known = [self.ids[each] for each in letters if self.ids.get(each, self.first) < self.first]
        return known or [self.ids[_UNKNOWN]]

    def parts_of(self, token: str) -> tuple[int, ...]:
        index = self.ids[token]
        return (index,) if index < self.first else self.parts[index - self.first]

    def add(self, token: str, parts: Sequence[int]) -> None:
        if token not in self.ids:
            self.ids[token] = self.first + len(self.parts)
            self.parts.append(tuple(parts))

    def new_merges(self, words: Mapping[str, int], limit: int) -> Iterator[tuple[str, str]]:
        """Pairs of tokens to be merged after all that are merged already, most useful first."""
        model = self.tokenizer().model
        names = {index: name for name, index in self.ids.items()}

        def in_tokens() -> Iterator[str]:
            for word, count in words.items():
                private = "".join(chr(_PRIVATE + token.id) for token in model.tokenize(word))
                parts = [part for part in private.split(chr(_PRIVATE + self.ids[_UNKNOWN])) if part]
                for _ in range(count):
                    yield from parts

        def name(token: str) -> str:
            return "".join(names[ord(each) - _PRIVATE] for each in token)

        alphabet = len({each for word in in_tokens() for each in word})
        learnt = Tokenizer(BPE())
        trainer = BpeTrainer(vocab_size=alphabet + limit, min_frequency=MIN_COUNT, show_progress=False)
        learnt.train_from_iterator(in_tokens(), trainer)
        for left, right in json.loads(learnt.to_str())["model"]["merges"]:
            yield name(left), name(right)

    def tokenizer(self) -> Tokenizer:
        made = Tokenizer.from_str(json.dumps(self.state))
        made.add_special_tokens(self.marks)
        return made
