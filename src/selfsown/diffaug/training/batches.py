"""What a step reads: sentences with their roles, in passes of like length through one encoder."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from selfsown.diffaug.embedding.prefix import Role
from selfsown.diffaug.embedding.template import Template, Tokens


@dataclass(frozen=True, slots=True)
class Item:
    """One row of a batch.

    Attributes:
        contrasted: an anchor, its positive, and maybe a hard negative; empty in stage 1.
        nli: a premise, its entailment and its contradiction, to be told apart; empty for none.
    """

    contrasted: tuple[Tokens, ...] = ()
    nli: tuple[Tokens, ...] = ()


@dataclass(frozen=True)
class Collator:
    """Items as `Objective.forward` takes them.

    All sentences of a batch are rows of the same encoder, each with its own part of the prefix. They are sorted by
    length and cut into passes, so that short ones are not filled up to the longest.

    Attributes:
        pass_rows: sentences that the encoder reads at once; None for all.
    """

    template: Template
    pass_rows: int | None

    def __call__(self, items: Sequence[Item]) -> dict[str, Any]:
        """`passes`, and which of their rows are `contrasted` and `nli`, where there are any."""
        rows: list[tuple[Tokens, Role]] = []
        asked: dict[str, list[list[int]]] = {"contrasted": [], "nli": []}
        for item in items:
            for name, places in asked.items():
                if sentences := getattr(item, name):
                    places.append(list(range(len(rows), len(rows) + len(sentences))))
                    rows += [(each, Role.PARTNER if place else Role.ANCHOR) for place, each in enumerate(sentences)]
        order = sorted(range(len(rows)), key=lambda place: len(rows[place][0]))
        stands = torch.empty(len(rows), dtype=torch.long)
        stands[order] = torch.arange(len(rows))
        size = self.pass_rows or len(rows)
        parts = [[rows[place] for place in order[start : start + size]] for start in range(0, len(order), size)]
        passes = [
            {**self.template.lay([each for each, _ in part]), "roles": torch.tensor([int(role) for _, role in part])}
            for part in parts
        ]
        return {"passes": passes, **{name: stands[torch.tensor(places)] for name, places in asked.items() if places}}
