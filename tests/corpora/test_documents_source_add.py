"""`selfsown source add` of a folder of texts: what it says is what the stage then keeps and refuses."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml
import zstandard
from tests.corpora.documents_project import CODE, TEXT, evaluation, prose
from tests.corpora.source_add import add

from selfsown.corpora.documents import DocumentsParams, documents
from selfsown.errors import UserError
from selfsown.params import load_params
from selfsown.products import read_card, read_product
from selfsown.sources.registry import load_registry

PARAMS = {
    "data_seed": 1,
    "corpora": {
        "matrix": {"documents": ["text"]},
        "documents": {"validation": 0.2, "collections": {"code": CODE, "text": TEXT | {"sources": ["anarchism"]}}},
    },
}


@pytest.fixture
def project(empty_registry: Path) -> Path:
    (empty_registry / "params.yaml").write_text(yaml.safe_dump(PARAMS))
    (empty_registry / "pipelines/corpora").mkdir(parents=True)
    (empty_registry / "pipelines/corpora/dvc.yaml").write_text("matrix: ${corpora.matrix.documents}")
    (empty_registry / "texts/deep").mkdir(parents=True)
    return empty_registry


def test_what_is_said_is_what_the_stage_then_keeps_and_refuses(project: Path) -> None:
    texts = project / "texts"
    (texts / "one.txt").write_text(prose(1))
    (texts / "deep/two.txt").write_bytes(prose(2).encode() + b"\xff")
    rows = [{"text": text} for text in (prose(3), "", prose(4, 200), prose(1))]
    lines = "".join(json.dumps(row) + "\n" for row in rows).encode()
    (texts / "three.jsonl").write_bytes(lines)
    (texts / "four.jsonl.zst").write_bytes(zstandard.ZstdCompressor().compress(json.dumps({"text": prose(5)}).encode()))
    pq.write_table(pa.table({"text": [prose(6), "too few"]}), texts / "five.parquet")

    said = add("mine", "texts")
    kept = sum(len(prose(number)) for number in (1, 3, 5, 6))
    assert said.startswith(f"mine: 4 documents, {kept:,} characters\n5 rows refused:\n")
    for line in (
        "1  duplicate, the first: three.jsonl line 4: of one.txt",
        "1  empty, the first: three.jsonl line 2",
        "1  over-long, the first: three.jsonl line 3: ",
        "1  too short, the first: five.parquet row 2: 7 characters, at least 100",
        "1  undecodable, the first: deep/two.txt: byte 0xff at ",
    ):
        assert f"  {line}" in said
    assert "\n  corpora.documents.collections.text.sources: [anarchism, mine]\n" in said

    params = yaml.safe_load((project / "params.yaml").read_text())
    params["corpora"]["documents"]["collections"]["text"]["sources"] = ["mine"]
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    wanted = load_params("corpora.documents", DocumentsParams)
    documents(wanted, collection="text", documents=project / "out", **evaluation(project))
    refused = {kind: int(count) for count, kind in re.findall(r"^ +(\d+)  ([\w -]+), the first", said, re.MULTILINE)}
    assert read_card(project / "out").dropped == refused
    assert sum(map(len, read_product(project / "out")["text"].to_pylist())) == kept


def test_a_folder_of_neither_texts_nor_recordings_is_one_error(project: Path) -> None:
    (project / "texts/notes.md").write_text(prose(1))
    with pytest.raises(UserError, match=r"texts: expected recordings .* or texts \(\.txt, \.jsonl, "):
        add("mine", "texts")
    (project / "texts/a.txt").write_text("too few")
    with pytest.raises(UserError, match=r"no text that can be used\n1 rows refused:\n +1  too short, the first: a"):
        add("mine", "texts")
    (project / "texts/a.jsonl").write_text("{oops\n")
    with pytest.raises(UserError, match=r"a\.jsonl line 1: not JSON"):
        add("mine", "texts")
    assert not load_registry()
