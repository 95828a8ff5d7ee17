"""Small products of triplets and ratings, and rows to make them of."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa

from selfsown.corpora.ratings import RATING
from selfsown.corpora.triplets import TRIPLET
from selfsown.products import CardInfo
from selfsown.shards import write_product

CARD = CardInfo(name="made", licence="CC0-1.0", source="made here", seed=1, note="Made here.")
SYLLABLES = ("am", "bir", "cel", "du", "em", "for", "gro", "hil", "jun", "kel", "lo", "mar", "not", "oa", "pra", "sen")


def words(number: int, count: int = 6) -> list[str]:
    """Made-up words, others for another number."""
    draw = random.Random(number)
    return ["".join(draw.choices(SYLLABLES, k=3)) for _ in range(count)]


def sentence(number: int, start: str = "It") -> str:
    """A whole sentence, unlike that of another number."""
    return f"{start} {' '.join(words(number))} by the water."


def triplet(number: int, split: str = "train", group: str = "", **changes: str) -> dict[str, str]:
    said = {name: sentence(number, start) for name, start in zip(TRIPLET.names[1:4], ("The", "One", "No"), strict=True)}
    about = {"id": f"made/{number}", "group": group or f"g{number // 3}", "source": "made", "language": "en"}
    return {**about, **said, "split": split, **changes}


def rating(number: int, **changes: Any) -> dict[str, Any]:
    about = {"id": f"lee/{number}", "set": "lee", "group": "lee/one", "source": "made", "language": "en"}
    sides = {"left": sentence(5000 + number), "right": sentence(5001 + number)}
    return {**about, **sides, "score": number % 7 / 6, **changes}


def write_triplets(folder: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    write_product(folder, [pa.Table.from_pylist(list(rows), TRIPLET)], schema=TRIPLET, card=CARD)
    return folder


def write_ratings(folder: Path, rows: Iterable[Mapping[str, Any]]) -> Path:
    write_product(folder, [pa.Table.from_pylist(list(rows), RATING)], schema=RATING, card=CARD)
    return folder


def write_csv(path: Path, rows: Iterable[Mapping[str, str]]) -> None:
    rows = list(rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)


def write_lines(path: Path, rows: Iterable[object]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
