"""What supplies a product with problems: they are handed out split by split, tests first."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeAlias

from selfsown.corpora.readers.rationales.worked import Split, Worked

Judge: TypeAlias = Callable[[Worked], Worked]
"""A problem with its masked question and its program; or with the reason why it is dropped."""

Accept: TypeAlias = Callable[[Worked], bool]
"""Takes a problem for its split, unless its twin is taken already."""


class Supply(Protocol):
    """The problems of one set."""

    def fill(self, split: Split, accept: Accept) -> None:
        """Offer problems for a split, until it has what is wanted.

        Raises:
            UserError: there are too few.
        """

    def refused(self) -> list[Worked]:
        """The problems that were not offered, each with its reason; asked for when all splits are filled."""


def too_few(source: str, split: str, wanted: int, found: int) -> str:
    """The error of a split that cannot be filled."""
    return f"corpora.rationales.sets: {source}: {wanted:,} rows wanted for {split}, {found:,} different ones found"
