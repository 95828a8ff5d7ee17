"""The gate lets sound documents through and names the row of whatever is not."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pytest
from tests.tinyllama.corpora import packed_folder

from selfsown import quality
from selfsown.products import CardInfo, ProductError, read_product
from selfsown.quality import GateError
from selfsown.shards import write_product
from selfsown.tinyllama.gate import frames, suites
from selfsown.tinyllama.gate.packed import packed_frame
from selfsown.tinyllama.packed.streams import PACKED

LIMITS = suites.DocumentLimits.model_validate({
    "min_rows": 10,
    "min_validation_rows": 2,
    "characters": {"low": 10, "high": 100},
    "validation": {"low": 0.1, "high": 0.3},
    "max_source_share": 0.6,
    "max_domain_share": 1.0,
})  # fmt: skip
DOCUMENT = pa.schema([(name, pa.string()) for name in ("id", "text", "source", "name", "domain", "licence", "split")])


def document(text: str, number: int) -> dict:
    return {
        "id": "", "text": text, "source": ("one", "two")[number % 2], "name": str(number), "domain": "book",
        "licence": "CC0-1.0", "split": "validation" if number % 5 == 0 else "train",
    }  # fmt: skip


class World:
    """The rows of both collections, sound as they are; a test spoils some, then runs the suites over them."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.text = [document(f"A sound document with the number {number}.", number) for number in range(20)]
        self.code = [document(f"def function_{number}():\n    pass", number) for number in range(20)]

    def check(self, limits: suites.DocumentLimits = LIMITS) -> dict:
        card = CardInfo(name="made", licence="CC0-1.0", source="made here", seed=1)
        for name, rows in (("text", self.text), ("code", self.code)):
            for row in rows:
                row["id"] = row["id"] or hashlib.sha256((row["text"] or "").encode()).hexdigest()[:16]
            table = pa.Table.from_pylist(rows, DOCUMENT)
            write_product(self.root / "documents" / name, [table[:7], table[7:]], schema=DOCUMENT, card=card)
        found = frames.document_frames(self.root / "documents", ["code", "text"])
        quality.check(found, {name: suites.documents(limits) for name in found}, self.root / "report")
        return found

    def error(self, limits: suites.DocumentLimits = LIMITS) -> str:
        with pytest.raises(GateError) as caught:
            self.check(limits)
        assert "failed" in (self.root / "report" / "index.html").read_text()
        return str(caught.value)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_sound_documents_pass(world: World) -> None:
    found = world.check()
    assert list(found) == ["code", "text"] and (world.root / "report/text.html").is_file()
    assert found["text"]["validation"].mean() == 0.2
    assert found["text"]["source_share"].max() == pytest.approx(0.5, abs=0.02)
    assert json.loads(found["text"].drop(columns=["elsewhere", "fault"]).to_json())


def test_all_faults_of_rows_in_one_message(world: World) -> None:
    world.text[0]["text"] = "This one isnâ€™t sound."
    world.text[1]["id"] = "0" * 16
    world.text[2]["text"] = " " * 20
    world.text[3]["text"] = "short"
    world.text[4]["licence"] = None
    world.text[6]["split"] = "test"
    world.code[1]["text"] = "a = '\ufffd'" * 2
    message = world.error()
    for part in (
        "text, column fault: a text must be whole",
        "damaged: UTF-8 read as another encoding",
        "id='0000000000000000' fault='the id is not that of the text'",
        "fault='empty text'",
        "text, column characters: a document is too short or too long",
        "text, column licence: a value is missing",
        "text, column split: known values: train, validation",
        "code, column fault: a text must be whole",
        "damaged: U+FFFD",
    ):
        assert part in message


def test_one_text_in_two_collections_or_on_two_splits(world: World) -> None:
    world.code[1]["text"] = world.text[1]["text"].upper()
    assert "elsewhere='code/train, text/train'" in (message := world.error()) and "code, column elsewhere" in message
    world.code.pop(1)
    world.text[5]["text"] = world.text[6]["text"].replace(" ", "  ")
    message = world.error()
    assert "elsewhere='text/train, text/validation'" in message and "code," not in message


def test_a_text_that_stands_twice(world: World) -> None:
    world.text[1]["text"] = world.text[2]["text"]
    assert "text, column id: ids must be unique" in world.error()


def test_shares_and_counts(world: World) -> None:
    strict = LIMITS.model_copy(update={"max_source_share": 0.4, "max_domain_share": 0.9})
    message = world.error(strict)
    assert "column source_share: too much of the collection is from one source" in message
    assert "column domain_share: too much of the collection is of one domain" in message
    for row in world.text:
        row["split"] = "train"
    message = world.error()
    assert "too few rows: split 'validation'" in message and "share of documents that no model is trained on" in message
    world.text = world.text[:5]
    assert "too few rows: the collection" in world.error()


def test_a_folder_without_a_finished_collection(world: World) -> None:
    (world.root / "documents/text").mkdir(parents=True)
    with pytest.raises(ProductError, match="text: not a finished data product"):
        frames.document_frames(world.root / "documents", ["text"])


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (lambda ids: ids[1:], "does not begin with the beginning token"),
        (lambda ids: ids[:-1], "and end with the end token"),
        (lambda ids: ids[:5] + ids[:1] + ids[5:], "has a beginning or end token in its midst"),
        (lambda ids: ids[:4] + ids[5:], "its tokens are not the text that its id names"),
        (lambda ids: [*ids[:4], 9999, *ids[5:]], "has a token 9999; the vocabulary has "),
    ],
)
def test_a_packed_document_that_is_not_its_text_is_named(spoilt: object, said: str, tmp_path: Path) -> None:
    packed, tokenizer = packed_folder(tmp_path, [f"a text with the number {n}" for n in range(9)], ["kept aside here"])
    limits = suites.PackedLimits(min_rows=5, min_tokens=3)
    tokenizer.save_pretrained(tmp_path / "tokenizer")

    def check() -> None:
        found = packed_frame(packed, tmp_path / "tokenizer")
        quality.check({"packed": found}, {"packed": suites.packed(limits)}, tmp_path / "report")

    check()
    table = read_product(packed).to_pylist()
    table[3]["input_ids"] = spoilt(table[3]["input_ids"])
    card = CardInfo(name="made", licence="CC0-1.0", source="made here", seed=1)
    write_product(packed, [pa.Table.from_pylist(table, PACKED)], schema=PACKED, card=card)
    with pytest.raises(GateError, match=said) as caught:
        check()
    assert table[3]["id"] in str(caught.value)
