"""Sets that are made from templates: which template is on which split, and how many problems of each are made."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from pydantic import Field

from selfsown.params import Params
from selfsown.shards.seeds import rank

Split = Literal["test", "dev", "train"]


class TemplateSplits(Params):
    """`templates`: on the splits test and dev, all others are trained on; `rows`: problems of each, by split."""

    templates: dict[Literal["test", "dev"], int]
    rows: dict[Split, int]


class StorySplits(TemplateSplits):
    """Of stories."""

    distractor: float = Field(ge=0, le=1, description="share of the stories with a number that nobody needs")


def split_of_templates(names: Iterable[str], splits: TemplateSplits, seed: int) -> dict[str, Split]:
    """The split of each template, in an order drawn by seed."""
    ordered = sorted(names, key=lambda name: rank(seed, name))
    test, dev = splits.templates["test"], splits.templates["dev"]
    return {
        name: "test" if place < test else "dev" if place < test + dev else "train" for place, name in enumerate(ordered)
    }
