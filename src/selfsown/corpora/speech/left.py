"""Whether enough is left to train and to test on, and if not, what took the rest and what to change."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pyarrow.parquet as pq

from selfsown.errors import UserError
from selfsown.products import REJECTED, losses, read_product

log = logging.getLogger(__name__)

NEEDED = ("test", "dev", "seed")
"""Splits that nothing later can do without."""

ADVICE = {
    "unreadable audio": "audio paths are relative to the folder, and name WAV, FLAC, Ogg or MP3 files",
    "held out": "texts repeat over the splits; `corpora.speech.own.disjoint: speaker` parts speakers instead of texts",
    "surplus": "`corpora.speech.own.minutes` says what goes to which split",
    "duration": "`corpora.speech.own.seconds` says which lengths stay",
    "characters": "`corpora.speech.own.characters` says which lengths of text stay",
    "level": "`corpora.speech.dbfs` says which levels stay",
    "digits": "write numbers as they are spoken",
    "wrong script": "`languages` says which languages, and so which letters, there are",
    "wrong number of fields": "in CSV a text with commas stands in double quotes",
    "missing field": "every row needs a recording and its text",
    "repeated key": "in JSON lines each key stands once in a row",
    "unknown split": "the column `split` says train, dev or test, or is empty: then the stage splits",
}
"""What to do about a kind of reason."""


def lacking(splits: Iterable[str], dropped: Mapping[str, int]) -> str:
    """Which of the needed splits are empty, what took the rows, and what to change; empty where none is.

    Args:
        splits: of the rows that are kept, one each.
        dropped: how many rows each kind of reason took.
    """
    kept = Counter(splits)
    empty = [split for split in NEEDED if not kept[split]]
    if not empty:
        return ""
    left = ", ".join(f"{split} {count:,}" for split, count in sorted(kept.items())) or "none"
    kinds = sorted((kind for kind in dropped if kind in ADVICE), key=lambda kind: -dropped[kind])[:3]
    advice = [f"{kind}: {ADVICE[kind]}" for kind in kinds]
    if kept:
        advice.append(
            "few groups: a group (the column `group`, or a speaker) is never torn; with the column `split`, give some "
            f"rows to {', '.join(empty)}"
        )
    lines = "".join(f"\n  {line}" for line in advice)
    return f"no recording is left for {', '.join(empty)}. Kept: {left}. Refused: {losses(dropped)}.{lines}"


def check_splits(corpus: Path, languages: Sequence[str]) -> None:
    """A look at the finished product.

    Raises:
        UserError: a split of a language is empty.
    """
    kept = read_product(corpus, columns=["language", "split"]).to_pylist()
    file = corpus / REJECTED
    refused = pq.read_table(file, columns=["language", "reason"]).to_pylist() if file.is_file() else []
    for language in languages:
        dropped = Counter(row["reason"].partition(":")[0] for row in refused if row["language"] == language)
        splits = [row["split"] for row in kept if row["language"] == language]
        if said := lacking(splits, dropped):
            raise UserError(f"corpora.speech: {language!r}: {said}\n  rows with their reasons: {file}")
        if dropped.total() > len(splits):
            log.warning("%r: kept %s recordings, refused: %s (%s)", language, len(splits), losses(dropped), file)
