"""What every engine is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

from selfsown.audio import Samples
from selfsown.errors import UserError

V = TypeVar("V", contravariant=True)


class EngineError(UserError):
    """An engine cannot work at all; the message names engine and voice."""


@dataclass(frozen=True)
class Failure:
    """Why one sentence was not spoken; the sentences beside it were."""

    reason: str


class Engine(Protocol[V]):
    """Speaks sentences by voices of type `V`.

    The same sentences, voice and seed give the same samples in any process, whatever was spoken before.
    """

    @property
    def sample_rate(self) -> int:
        """Of the samples it returns, in Hz."""

    def synthesize(self, sentences: Sequence[str], voice: V, seed: int = 0) -> list[Samples | Failure]:
        """One clip `[n]` float32 in [-1, 1] or one failure per sentence; `seed` is for engines that sample.

        Raises:
            EngineError: the voice does not exist, or the engine fails whatever the sentence.
        """


@runtime_checkable
class MixingEngine(Engine[V], Protocol[V]):
    """An engine that speaks many sentences at once, each by a voice of its own."""

    def synthesize_mixed(self, sentences: Sequence[str], voices: Sequence[V], seed: int = 0) -> list[Samples | Failure]:
        """As `synthesize`, with one voice per sentence."""
