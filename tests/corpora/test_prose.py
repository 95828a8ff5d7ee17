"""Prose: whole sentences, each once, none of which gives away what is measured on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.corpora.sentences_project import CARD, rating, sentence, triplet, write_ratings, write_triplets

from selfsown.corpora.prose import ProseParams, prose
from selfsown.corpora.schemas.document import DOCUMENT
from selfsown.errors import UserError
from selfsown.products import REJECTED, read_card, read_product
from selfsown.shards import write_product
from selfsown.sources import register_folder

PARAMS: dict[str, Any] = {
    "data_seed": 1, "sources": [], "rows": None, "words": {"low": 4, "high": 30},
    "characters": {"low": 20, "high": 200}, "whole": True, "near_duplicate": 0.8, "ngram": 6,
}  # fmt: skip
LEAK = "Yesterday evening the old ferry crossed the bay again without its lights."


def make(project: Path, texts: list[str], documents: Path | None = None, **changes: Any) -> dict[str, str]:
    """The texts of the product and those refused, each with its reason or an empty text."""
    row = dict.fromkeys(DOCUMENT.names, "made")
    made = [{**row, "id": str(place), "text": text} for place, text in enumerate(texts)]
    write_product(project / "documents", [pa.Table.from_pylist(made, DOCUMENT)], schema=DOCUMENT, card=CARD)
    write_triplets(project / "triplets", [triplet(0, "test", premise=LEAK), triplet(6, "dev"), triplet(9, "train")])
    write_ratings(project / "ratings", [rating(1, left=f"A report. {LEAK.replace('evening', 'night')} More of it.")])
    inputs = {name: project / name for name in ("triplets", "ratings")}
    prose(
        ProseParams.model_validate({**PARAMS, **changes}), documents=documents or project / "documents",
        corpus=project / "out", **inputs,
    )  # fmt: skip
    refused = pq.read_table(project / "out" / REJECTED).to_pylist() if (project / "out" / REJECTED).is_file() else []
    kept = dict.fromkeys(read_product(project / "out")["text"].to_pylist(), "")
    return {**kept, **{row["text"]: row["reason"] for row in refused}}


def test_each_sentence_is_kept_or_refused_with_its_reason(empty_registry: Path) -> None:
    good = [sentence(number, "Here") for number in range(20, 26)]
    odd = {
        LEAK: "held out: equals",
        LEAK.replace("Yesterday evening", "Last night"): "held out: ",
        "He knew that the old ferry crossed the bay again.": "held out: shares",
        sentence(6, "One"): "held out: equals",
        "Too few words.": "words: 3, allowed 4 to 30",
        "and this one does not begin as it should.": "unfinished: ",
        "Call getName() before anything else here.": "markup or code: ",
        good[0].replace("water", "waters"): "near-duplicate: of ",
    }
    paragraphs = [" ".join(good[:3]), *good[3:], sentence(9, "The")]
    found = make(empty_registry, ["\n\n".join(paragraphs), *odd])
    for text in (*good[1:], sentence(9, "The")):
        assert found[text] == "", "training triplets are no secret"
    for text, reason in list(odd.items())[:-1]:
        assert found[text].startswith(reason), text
    twins = sorted([found[good[0]], found[good[0].replace("water", "waters")]])
    assert twins[0] == "" and twins[1].startswith("near-duplicate: of "), "which of the two stays is drawn"


def test_paragraphs_are_drawn_by_seed_until_there_is_enough(empty_registry: Path) -> None:
    texts = [sentence(number, "Here") for number in range(60)]
    loose = {"near_duplicate": None, "rows": 10}
    taken = [make(empty_registry, texts, data_seed=seed, **loose) for seed in (1, 1, 2)]
    assert len(taken[0]) == 10 and list(taken[0]) == list(taken[1]) != list(taken[2])
    assert set(taken[0]) != set(texts[:10])
    assert "Drawn from 60 paragraphs, 10 of them looked at." in read_card(empty_registry / "out").note


def test_own_sentences_come_a_line_each_without_any_documents(empty_registry: Path) -> None:
    lines = [sentence(number, "Here") for number in range(4)]
    (empty_registry / "mine").mkdir()
    (empty_registry / "mine/a.txt").write_bytes("\n".join(lines).encode() + b"\nbroken \xff line\n")
    register_folder(empty_registry / "mine", "mine")
    found = make(
        empty_registry, ["Nobody reads this sentence of the documents."], Path("conf/sources.yaml"), sources=["mine"]
    )
    assert {text for text, reason in found.items() if not reason} <= set(lines)
    assert sum(reason.startswith("undecodable") for reason in found.values()) == 1
    rows = read_product(empty_registry / "out").to_pylist()
    assert rows and {(row["source"], row["language"]) for row in rows} == {("mine", "en")}
    with pytest.raises(UserError, match="no sentence is left of 0 paragraphs"):
        make(empty_registry, [], Path("conf/sources.yaml"))
