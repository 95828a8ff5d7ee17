"""Which of all documents are kept: one process sees what is known of each, and decides on duplicates and limits.

Documents are taken in an order that follows from the seed and each text alone, so another document moves none.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from selfsown.shards.seeds import rank
from selfsown.text.documents.near import NearDocuments, Sketch


@dataclass(frozen=True)
class Look:
    """What is known of the documents of one shard, in their order.

    Attributes:
        source: that all of them are from.
        ids: uint64 [documents], the first 64 bits of the sha256 of each text.
        characters: int64 [documents].
        reasons: why documents were dropped already, by their place.
        sketches: of the others, where near-duplicates are looked for.
    """

    source: str
    ids: NDArray[np.uint64]
    characters: NDArray[np.int64]
    reasons: dict[int, str]
    sketches: dict[int, Sketch] = field(default_factory=dict)


def id_text(value: int) -> str:
    """An id as rows have it: 16 hexadecimal digits."""
    return f"{value:016x}"


def decide(
    looks: Sequence[Look], *, limit: int | None, near_duplicate: float | None, seed: int
) -> list[dict[int, str]]:
    """Why documents are dropped, by shard and place in it: their own reasons and those that come of the others.

    Args:
        limit: most characters of each source; None takes all.
        near_duplicate: threshold of the estimated Jaccard overlap; None looks for equal texts only.
    """
    reasons = [dict(look.reasons) for look in looks]
    _refuse_equals(looks, reasons)
    if limit is None and near_duplicate is None:
        return reasons
    near = NearDocuments(near_duplicate) if near_duplicate is not None else None
    left = dict.fromkeys((look.source for look in looks), limit)
    places = [
        (shard, row) for shard, look in enumerate(looks) for row in range(len(look.ids)) if row not in reasons[shard]
    ]
    places.sort(key=lambda place: rank(seed, id_text(int(looks[place[0]].ids[place[1]]))))
    for shard, row in places:
        look = looks[shard]
        name, room = int(look.ids[row]), left[look.source]
        if room is not None and look.characters[row] > room:
            reasons[shard][row] = f"limit: {limit} characters of {look.source}"
            continue
        if near is not None:
            if (twin := near.find(look.sketches[row])) is not None:
                reasons[shard][row] = f"near-duplicate: of {id_text(twin)}"
                continue
            near.add(name, look.sketches[row])
        if room is not None:
            left[look.source] = room - int(look.characters[row])
    return reasons


def _refuse_equals(looks: Sequence[Look], reasons: list[dict[int, str]]) -> None:
    """Of equal texts the first stays, by shard and row; the others get their reason."""
    shards = np.concatenate([np.full(len(look.ids), index) for index, look in enumerate(looks)])
    rows = np.concatenate([np.arange(len(look.ids)) for look in looks])
    ids = np.concatenate([look.ids for look in looks])
    dropped = [np.isin(np.arange(len(look.ids)), list(gone)) for look, gone in zip(looks, reasons, strict=True)]
    alive = np.flatnonzero(~np.concatenate(dropped))
    again = np.ones(len(alive), bool)
    again[np.unique(ids[alive], return_index=True)[1]] = False
    for place in alive[again]:
        reasons[shards[place]][int(rows[place])] = f"duplicate: of {id_text(int(ids[place]))}"
