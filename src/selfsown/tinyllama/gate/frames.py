"""Documents as their suite looks at them: scalar columns, and what is worked out of every text, without the texts."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from selfsown.products import iter_product
from selfsown.text.documents.encoding import damage, text_id

_COLUMNS = ["id", "text", "source", "name", "domain", "licence", "split"]


def document_frames(folder: Path, names: Sequence[str]) -> dict[str, pd.DataFrame]:
    """Collections in a folder, by name.

    Beside the columns of their rows but `text`: `characters` of the text; `fault`, why the text does not hold, missing
    where it does; `elsewhere`, the collections and splits on which a text stands that is on several, missing where it
    is on one; `validation`, 1 on that split and 0 on the other; `source_share` and `domain_share`, the share of the
    collection's characters that has the row's source or domain.

    Raises:
        ProductError: one is not finished, or damaged.
    """
    frames = {name: _frame(folder / name) for name in names}
    places: defaultdict[str, set[str]] = defaultdict(set)
    for name, frame in frames.items():
        for form, split in zip(frame["form"], frame["split"], strict=True):
            places[form].add(f"{name}/{split}")
    for frame in frames.values():
        found = (sorted(places[form]) for form in frame.pop("form"))
        frame["elsewhere"] = pd.Series(
            [", ".join(place) if len(place) > 1 else None for place in found], index=frame.index, dtype=object
        )
    return frames


def _frame(product: Path) -> pd.DataFrame:
    """The rows of a collection, read a shard at a time; `form` is the same for texts that differ in case or blanks."""
    parts = []
    for table in iter_product(product, _COLUMNS):
        part = table.drop_columns(["text"]).to_pandas()
        texts = [text or "" for text in table["text"].to_pylist()]
        part["characters"] = [len(text) for text in texts]
        part["fault"] = [_fault(text, name) for text, name in zip(texts, part["id"], strict=True)]
        part["form"] = [text_id(" ".join(text.casefold().split())) for text in texts]
        parts.append(part)
    frame = pd.concat(parts, ignore_index=True)
    frame["validation"] = (frame["split"] == "validation").astype(float)
    for column in ("source", "domain"):
        characters = frame.groupby(column)["characters"].transform("sum")
        frame[f"{column}_share"] = characters / max(1, frame["characters"].sum())
    return frame


def _fault(text: str, name: str) -> str | None:
    if not text.strip():
        return "empty text"
    if text_id(text) != name:
        return "the id is not that of the text"
    return damage(text) or None
