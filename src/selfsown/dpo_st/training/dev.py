"""The dev questions, and how likely a model finds their rationales: what the best step is chosen by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from selfsown.dpo_st.language.forms import Exchange
from selfsown.dpo_st.language.models import Layout, log_probs_of
from selfsown.errors import UserError
from selfsown.products import read_product
from selfsown.shards.seeds import rank

Question = Mapping[str, str]
"""A row of the rationales product: its `id`, `question`, `rationale` and `answer`."""


def dev_questions(problems: Path, limit: int, seed: int, *, reasoned: bool) -> list[Question]:
    """At most `limit` questions of the dev split, drawn by seed.

    Args:
        reasoned: only those that have a rationale.

    Raises:
        UserError: there is none: the best step could not be chosen.
    """
    rows = read_product(problems, ["id", "question", "rationale", "answer", "split"]).to_pylist()
    dev = [row for row in rows if row["split"] == "dev" and (row["rationale"] or not reasoned)]
    if not dev:
        kind = "question with a rationale" if reasoned else "question"
        raise UserError(f"{problems}: no {kind} on the split dev: the best step cannot be chosen")
    return sorted(dev, key=lambda row: rank(seed, row["id"]))[:limit]


def loss(model: Any, layout: Layout, rows: Sequence[Exchange], batch_size: int) -> float:
    """Nats a learnt token, over all of them together: it does not depend on the batches."""
    tokens = sum(sum(row.learnt) for row in rows)
    return -sum(log_probs_of(model, layout, rows, batch_size)) / tokens
