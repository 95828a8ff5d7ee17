"""What is learnt in which order: a function of the seed, so that a killed training reads on where it stopped."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from selfsown.dpo_st.language.forms import Exchange
from selfsown.errors import UserError
from selfsown.training.orders import Ordered

_log = logging.getLogger(__name__)


class Row(Protocol):
    """Something to learn from."""

    @property
    def length(self) -> int:
        """Tokens of the longest row that a model is given for it."""

    @property
    def read(self) -> tuple[Exchange, ...]:
        """What a training step reads of it."""


R = TypeVar("R", bound=Row)


@dataclass(frozen=True, slots=True)
class Label:
    """A rationale to learn."""

    exchange: Exchange

    @property
    def length(self) -> int:
        """Tokens of question and rationale."""
        return self.exchange.length

    @property
    def read(self) -> tuple[Exchange, ...]:
        """The one exchange."""
        return (self.exchange,)


@dataclass(frozen=True, slots=True)
class Pair:
    """A rationale to prefer and one to avoid, after the same question.

    `reference`: the log-probabilities of both by the model that training starts from.
    """

    chosen: Exchange
    rejected: Exchange
    reference: tuple[float, float]

    @property
    def length(self) -> int:
        """Tokens of the question with the longer one."""
        return max(self.chosen.length, self.rejected.length)

    @property
    def read(self) -> tuple[Exchange, ...]:
        """Both, each after the question."""
        return (self.chosen, self.rejected)


def fitting(rows: Sequence[R], limit: int | None, what: str) -> list[R]:
    """The rows of at most `limit` tokens: one that is cut has no end, and a model that learns it does not stop.

    Raises:
        UserError: none is left.
    """
    kept = [row for row in rows if limit is None or row.length <= limit]
    if not kept:
        longer = f": all {len(rows)} have more than {limit} tokens" if rows else ""
        raise UserError(f"no {what} to learn from{longer}")
    if left_out := len(rows) - len(kept):
        _log.warning("%d of %d %s left out: more than %d tokens", left_out, len(rows), what, limit)
    return kept


def length_limit(config: Any, wanted: int | None) -> int | None:
    """Tokens that a row may have: what was asked for, and what a decoder-only model sees."""
    seen = None if config.is_encoder_decoder else getattr(config, "max_position_embeddings", None)
    return min((limit for limit in (seen, wanted) if limit is not None), default=None)


class Planned(Ordered[R]):
    """Rows in their order, and what is read of them."""

    def read(self, count: int) -> tuple[int, int]:
        """Tokens of the questions and of the rationales in the first `count` rows."""
        seen = [exchange for index in self.order[:count] for exchange in self.rows[index].read]
        return sum(len(each.question) for each in seen), sum(len(each.rationale) for each in seen)
