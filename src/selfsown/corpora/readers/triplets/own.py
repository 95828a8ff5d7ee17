"""Triplets and labelled pairs in files of rows: a user's own in a registered folder, SimCSE's NLI data of a hub.

CSV, JSON lines or Parquet. Triplets have `premise`, `entailment`, `contradiction`, or SimCSE's `sent0`, `sent1`,
`hard_neg`. Pairs have `premise`, `hypothesis` and `label` (entailment, neutral, contradiction) and are joined by
premise. `group`, `split` and `language` may stand beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

from selfsown.corpora.readers.tables import own_paths, split_of
from selfsown.corpora.readers.tables.streamed import Found, columns_of, rows_of
from selfsown.corpora.readers.tables.values import NotTextError, text_of
from selfsown.corpora.readers.triplets.triplet import SPLITS, Claim, Triplet, join
from selfsown.errors import UserError
from selfsown.text.written.alphabets import language_of
from selfsown.text.written.normal import normalize_text

TRIPLETS = (("premise", "entailment", "contradiction"), ("sent0", "sent1", "hard_neg"))
PAIRS = ("premise", "hypothesis", "label")
LABELS = {"entailment": True, "contradiction": False, "neutral": None}
_DEV = {"validation": "dev"}
_ENDS = (".csv", ".jsonl", ".parquet")


def holds_triplets(root: Path) -> bool:
    """Whether a folder holds triplets or labelled pairs: its first file of rows has their columns."""
    try:
        columns = next((columns_of(path) for path in own_paths(root, _ENDS)), set())
    except UserError:  # whoever reads it says so
        return False
    return any(columns.issuperset(names) for names in (*TRIPLETS, PAIRS))


def read(source: str, folder: Path) -> Iterator[Triplet]:
    """The triplets of a folder; a row that cannot be used is refused; its id says file and line.

    Raises:
        UserError: no file of rows in it, or one that has neither columns.
    """
    files = list(own_paths(folder, _ENDS))
    if not files:
        raise UserError(f"source '{source}': no {', '.join(_ENDS)} file in {folder}")
    claims: list[Claim] = []
    for path in files:
        columns = columns_of(path)
        names = next((names for names in TRIPLETS if columns.issuperset(names)), None)
        if names is None and not columns.issuperset(PAIRS):
            known = "; ".join(", ".join(names) for names in (*TRIPLETS, PAIRS))
            raise UserError(f"{path}: expected the columns of triplets or of labelled pairs: {known}")
        for place, row in rows_of(path):
            where = f"{path.relative_to(folder).as_posix()} {place}"
            made = _read(row, Triplet(f"{source}/{where}", source), names, typed=path.suffix.lower() != ".csv")
            if isinstance(made, Claim):
                claims.append(made)
            else:
                yield made
    yield from join(claims, source)


def _read(row: Found, nothing: Triplet, names: tuple[str, str, str] | None, *, typed: bool) -> Triplet | Claim:
    """A row as a triplet or, without names of its columns, as a labelled pair; `nothing` where it cannot be used."""
    if isinstance(row, str):
        return replace(nothing, reason=f"unreadable row: {row}")
    say = partial(text_of, row, typed=typed)
    try:
        texts = [normalize_text(say((name,))) for name in names or PAIRS[:2]]
        label = "" if names else say(("label",))
        group, said, language = say(("group",)), say(("split",)), language_of(say(("language",))) or "en"
    except NotTextError as error:
        return replace(nothing, reason=f"not a text: {error}")
    if not all(texts):
        return replace(nothing, reason="empty sentence")
    split = _DEV.get(split_of(said), split_of(said))
    if split and split not in SPLITS:
        return replace(nothing, reason=f"unknown split: {said!r}, known are {', '.join(SPLITS)}")
    nothing = replace(nothing, group=group, split=split, language=language)
    if names:
        premise, entailment, contradiction = texts
        return replace(nothing, premise=premise, entailment=entailment, contradiction=contradiction)
    if label.casefold() not in LABELS:
        return replace(nothing, reason=f"unknown label: {label[:40]!r}, known are {', '.join(LABELS)}")
    return Claim(nothing.id, texts[0], texts[1], LABELS[label.casefold()], group, language, split)
