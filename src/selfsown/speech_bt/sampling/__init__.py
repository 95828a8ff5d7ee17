"""A few utterances that stand for all: drawn by seed, from every group (a game's level, a book).

The first by id would come from few groups, because ids follow the order of the source.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import partial

from selfsown.shards.seeds import rank

SYNTHETIC, MATCHED = "synthetic", "matched"
"""The splits of speech that is made: to train on; and what real utterances say, to compare, which nothing trains on."""


def drawn(groups: Mapping[str, str], limit: int, seed: int) -> list[str]:
    """At most `limit` ids: one of each group first, then of each in proportion to its size.

    So a rate over them is like that over all, and no group is left out where `limit` has room for each. A smaller draw
    is the beginning of a larger one.

    Args:
        groups: the group of each id.
    """
    members: defaultdict[str, list[str]] = defaultdict(list)
    for name in sorted(groups, key=partial(rank, seed)):
        members[groups[name]].append(name)
    places = {
        name: (place / len(names), rank(seed, group))
        for group, names in members.items()
        for place, name in enumerate(names)
    }
    return sorted(places, key=places.__getitem__)[:limit]
