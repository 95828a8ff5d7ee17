"""A working directory with a registered folder of texts, and small products of evaluation texts."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pyarrow as pa

from selfsown.arithmetic import PROBLEM
from selfsown.audio import UTTERANCE
from selfsown.corpora.documents import DocumentsParams
from selfsown.products import CardInfo
from selfsown.reasoning.rationale import RATIONALE
from selfsown.shards import write_product
from selfsown.sources import register_folder

SYLLABLES = (
    "ba",
    "den",
    "fi",
    "gor",
    "hal",
    "jun",
    "ka",
    "lor",
    "mes",
    "nip",
    "pol",
    "rad",
    "sit",
    "tuv",
    "wen",
    "zed",
)

TEXT: dict[str, Any] = {
    "kind": "text",
    "sources": ["mine"],
    "limit": None,
    "characters": {"low": 100, "high": 4000},
    "near_duplicate": 0.8,
    "ngram": {"low": 8, "high": 13},
    "stop_words": 2,
    "repetition": {
        "duplicate_lines": 0.3,
        "duplicate_line_characters": 0.2,
        "top_2_gram": 0.2,
        "top_3_gram": 0.18,
        "top_4_gram": 0.16,
    },
}
CODE: dict[str, Any] = {
    "kind": "code",
    "sources": ["mine"],
    "limit": None,
    "characters": {"low": 20, "high": 4000},
    "near_duplicate": 0.8,
    "ngram": {"low": 8, "high": 13},
    "lines": {"mean": 100, "longest": 1000, "letters": 0.25},
}
QUESTION = "ann has number0 apples and eats number1 of them . how many apples are left for her brother now ?"
UNSEEN = "Bo's ferry crosses the strait 14 times a day with 35 cars; how many cars cross in a week?"
LABELLED = "On Monday a baker made 4 trays of 12 rolls and sold all but 7 of them; how many rolls did she sell?"
SHORT = "číslo pět je tady dnes doma u nás"
CARD = CardInfo(name="made", licence="CC0-1.0", source="made here", seed=1)


def params(text: dict[str, Any] | None = None, code: dict[str, Any] | None = None, **changes: Any) -> DocumentsParams:
    """Parameters of two collections with some keys of theirs changed."""
    collections = {"text": TEXT | (text or {}), "code": CODE | (code or {})}
    return DocumentsParams.model_validate({"data_seed": 1, "validation": 0.3, "collections": collections, **changes})


def prose(seed: int, sentences: int = 12) -> str:
    """English enough for Gopher's rule, and unlike that of another seed."""
    draw = random.Random(seed)
    lines = []
    for _ in range(sentences):
        words = ["".join(draw.choices(SYLLABLES, k=3)) for _ in range(9)]
        for place, small in ((7, "with"), (5, "and"), (3, "the"), (2, "of")):
            words.insert(place + draw.randrange(2), small)
        lines.append(" ".join(words).capitalize() + ".")
    return "\n".join(lines)


def evaluation(root: Path) -> dict[str, Path]:
    """Products of problems, speech and rationales, a row of each kind of split."""
    question = {
        "id": "q", "question": QUESTION, "numbers": ["7", "2"], "equation": "- number0 number1", "answer": "5",
        "steps": 1, "operators": "-", "group": "q", "fold": -1, "source": "made here",
    }  # fmt: skip
    other = question | {"id": "r", "question": prose(10_000, 1).lower()}
    rows = [question | {"split": "test"}, other | {"split": "train"}]
    write_product(root / "problems", [pa.Table.from_pylist(rows, PROBLEM)], schema=PROBLEM, card=CARD)
    blank = dict.fromkeys(UTTERANCE.names)
    spoken = [blank | {"id": split, "text": SHORT, "split": split} for split in ("ood", "seed")]
    write_product(root / "speech", [pa.Table.from_pylist(spoken, UTTERANCE)], schema=UTTERANCE, card=CARD)
    asked = dict.fromkeys(RATIONALE.names) | {"numbers": [], "steps": 0}
    rows = [
        asked | {"id": split, "question": question, "split": split}
        for split, question in (("unseen", UNSEEN), ("labelled", LABELLED))
    ]
    write_product(root / "rationales", [pa.Table.from_pylist(rows, RATIONALE)], schema=RATIONALE, card=CARD)
    return {name: root / name for name in ("problems", "speech", "rationales")}


def register(root: Path, texts: dict[str, str | bytes]) -> None:
    """A folder `mine` of these files, registered under its name."""
    folder = root / "mine"
    folder.mkdir(exist_ok=True)
    for name, text in texts.items():
        (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)
    register_folder(folder, "mine")
