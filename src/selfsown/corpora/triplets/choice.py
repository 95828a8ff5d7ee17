"""Which triplets are kept, and on which split each group is."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Literal

from selfsown.corpora.readers.triplets.triplet import SPLITS, Triplet, form_of
from selfsown.params import Range
from selfsown.shards.seeds import rank

Rows = Mapping[Literal["test", "dev", "train"], int | None]


def judge(rows: Iterable[Triplet], words: Range) -> list[Triplet]:
    """Each triplet with its group; dropped if its sentences do not fit, or if another has the same three."""
    first: dict[tuple[str, ...], str] = {}
    result = []
    for row in rows:
        forms = tuple(map(form_of, row.sentences))
        reason = row.reason or _misfit(row, forms, words)
        if not reason and (same := first.setdefault(forms, row.id)) != row.id:
            reason = f"duplicate: of {same}"
        group = f"{row.source}/{row.group}" if row.group else _named(f"{row.source}:{forms[0]}")
        result.append(replace(row, group=group, reason=reason))
    return result


def _misfit(row: Triplet, forms: tuple[str, ...], words: Range) -> str:
    """Why the three sentences are no triplet, or an empty text."""
    for name, form in zip(("premise", "entailment", "contradiction"), forms, strict=True):
        count = len(form.split())
        if count < words.low:
            return f"too short: {count} words of the {name}, at least {words.low:g}"
        if count > words.high:
            return f"too long: {count} words of the {name}, at most {words.high:g}"
    return "same sentence: in two places of the triplet" if len(set(forms)) < 3 else ""


def _named(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def assign(rows: Sequence[Triplet], wanted: Rows, seed: int, rated: Iterable[str]) -> list[Triplet]:
    """Give each group without a split the first one, in the order of `wanted`, that has room for all of it.

    Groups come in the order of a hash of `seed` and their name. Test, dev, train: what has a sentence of an earlier
    split is dropped, and what no split takes. A group with rows on a split of their own is on that split.

    Args:
        rated: texts that dev and train must not have either.
    """
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        if not row.reason:
            groups[row.group].append(index)
    result = list(rows)
    room: dict[str, int] = {split: len(rows) if count is None else count for split, count in wanted.items()}
    for group in sorted(groups, key=partial(rank, seed)):
        members = groups[group]
        own = sorted({rows[index].split for index in members} - {""}, key=SPLITS.index)
        split = own[0] if own else next((name for name, left in room.items() if len(members) <= left), "")
        if split and not own:
            room[split] -= len(members)
        for index in members:
            reason = "" if split else f"limit: no split has room for its group of {len(members)}"
            if rows[index].split not in ("", split):
                reason = f"torn group: others of it are on {split}, this row on {rows[index].split}"
            result[index] = replace(rows[index], split="" if reason else split, reason=reason)
    return _without_leaks(result, rated)


def _without_leaks(rows: Sequence[Triplet], rated: Iterable[str]) -> list[Triplet]:
    """Drop what has a sentence that an earlier of the splits has; after the first, one that is rated."""
    result = list(rows)
    held_out: dict[str, str] = {}
    for split in SPLITS:
        mine = [index for index, row in enumerate(rows) if row.split == split and not row.reason]
        forms = {index: tuple(map(form_of, rows[index].sentences)) for index in mine}
        for index in mine:
            if leak := next((form for form in forms[index] if form in held_out), None):
                reason = f"held out: {leak[:40]!r} is on {held_out[leak]}"
                result[index] = replace(rows[index], split="", reason=reason)
        for index in mine:
            if not result[index].reason:
                held_out.update(dict.fromkeys(forms[index], split))
        if split == SPLITS[0]:
            held_out.update(dict.fromkeys(map(form_of, rated), "ratings"))
    return result
