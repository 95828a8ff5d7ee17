"""Which language a word is of: how often it has each letter, and one linear layer."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from selfsown.toy.languages.words import LETTERS

CONFIG = "classifier.json"
WEIGHTS = "model.safetensors"
LANGUAGES = tuple(LETTERS)
ALPHABET = "".join(LETTERS.values())

SEEN = {"all": slice(None), "last": slice(-1, None)}
"""The letters of a word, by arm."""


class Classifier(nn.Module):
    """`seen`: which letters of a word it sees."""

    def __init__(self, seen: str) -> None:
        super().__init__()
        self.seen = seen
        self.score = nn.Linear(len(ALPHABET), len(LANGUAGES))

    def forward(self, counts: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Letter counts `[batch, letters]` and indices of languages `[batch]` to a loss and `[batch, languages]`."""
        logits = self.score(counts)
        return {"loss": cross_entropy(logits, labels), "logits": logits}

    def counts(self, words: Sequence[str]) -> Tensor:
        """How often each letter is in what is seen of each word: `[words, letters]`."""
        seen = [Counter(word[SEEN[self.seen]]) for word in words]
        return torch.tensor([[float(counted[letter]) for letter in ALPHABET] for counted in seen])

    @torch.inference_mode()
    def languages(self, words: Sequence[str]) -> list[str]:
        """The likelier language of each word."""
        best = self.score(self.counts(words)).argmax(-1)
        return [LANGUAGES[index] for index in best.tolist()]

    def batch(self, rows: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
        """Rows of the corpus as arguments of `forward`."""
        labels = torch.tensor([LANGUAGES.index(row["language"]) for row in rows])
        return {"counts": self.counts([row["word"] for row in rows]), "labels": labels}

    def save(self, folder: Path) -> None:
        """Write weights and config."""
        save_file(self.state_dict(), folder / WEIGHTS)
        (folder / CONFIG).write_text(json.dumps({"seen": self.seen}))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """What `save` wrote."""
        classifier = cls(**json.loads((folder / CONFIG).read_text()))
        classifier.load_state_dict(load_file(folder / WEIGHTS))
        return classifier
