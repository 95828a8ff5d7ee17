"""Where sentences come from: readers of text sources, each yielding paragraphs."""

from __future__ import annotations

import gettext
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from selfsown.corpora.readers.tables import read_json
from selfsown.errors import UserError


@dataclass(frozen=True)
class TextSource:
    """A source of paragraphs, or of sentences if `segmented`; `{language}` in its name is filled in."""

    source: str
    languages: tuple[str, ...]
    domain: str
    paragraphs: Callable[[Path, str], Iterator[str]]
    segmented: bool = False


def fortunes(folder: Path, language: str) -> Iterator[str]:
    """Quotations parted by lines of `%`, without the author's line `-- Name`."""
    for file in sorted((folder / f"usr/share/games/fortunes/{language}").iterdir()):
        # .dat are indexes, .u8 links to the same texts, *-sk Slovak texts among the Czech ones
        if file.suffix or file.stem.endswith("-sk"):
            continue
        for entry in re.split(r"(?m)^%$", file.read_text("utf-8", errors="replace")):
            quotation = re.split(r"(?m)^\s*--", entry)[0]
            for paragraph in re.split(r"\n(?=\t|[ ]*\n)", quotation):
                yield " ".join(paragraph.split())


def catalogues(folder: Path, language: str) -> Iterator[str]:
    """Translated messages of a program's gettext catalogues, one paragraph a line."""
    for file in sorted(folder.rglob(f"locale/{language}/LC_MESSAGES/*.mo")):
        with file.open("rb") as handle:
            messages = gettext.GNUTranslations(handle)
        # `_catalog` is the only way to list what a catalogue holds; its key "" is the header
        for key, message in messages._catalog.items():  # type: ignore[attr-defined]
            if key:
                yield from message.splitlines()


def reviews(folder: Path, language: str) -> Iterator[str]:
    """Sentences of MultiEmo's reviews."""
    for file in sorted(folder.rglob(f"all_sentence_{language}/task.json")):
        task = read_json(file)
        if not isinstance(task, dict) or not isinstance(task.get("examples"), list):
            raise UserError(f"{file}: expected a JSON object with a list under the key 'examples'")
        for example in task["examples"]:
            yield example["input"]


TEXTS = {
    "wesnoth": TextSource(
        "wesnoth-campaigns", ("cs", "de", "es", "fr", "it", "ja", "pl", "pt", "ru", "sk", "uk"), "story", catalogues
    ),
    "fortunes": TextSource("fortunes-{language}", ("cs",), "prose", fortunes),
    "multiemo": TextSource(
        "bigbench-multiemo", ("de", "en", "es", "fr", "it", "ja", "nl", "pl", "pt", "ru", "zh"), "review", reviews, True
    ),
}
"""By the name that `corpora.sentences.texts` uses. The texts of the speech corpus itself have the domain `dialogue`."""
