"""Readers of documents on small real files, and the rules about words they are judged by."""

from __future__ import annotations

import gzip
import json
import struct
import zlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st
from tests.corpora.documents_project import prose

from selfsown.corpora.readers.documents.document import joined, opened
from selfsown.corpora.readers.documents.html import pages
from selfsown.corpora.readers.documents.marked import restructured, sections
from selfsown.corpora.readers.documents.own import holds_texts, own_files
from selfsown.corpora.readers.documents.plain import pieces
from selfsown.corpora.readers.documents.rows import GITHUB, json_lines, parquet
from selfsown.corpora.readers.documents.shelf import SHELF
from selfsown.corpora.readers.documents.sword import chapters
from selfsown.errors import UserError
from selfsown.sources.registry import load_registry
from selfsown.text.documents.encoding import damage, tidy
from selfsown.text.documents.heldout import HeldOut
from selfsown.text.documents.near import NearDocuments, sketch
from selfsown.text.documents.words import keyed, ngrams, split_words

PAGE = """<!DOCTYPE html><html><head><title>No</title><style>no {}</style></head><body>
<nav>No <a>no</a></nav><div class="toc"><div>No</div></div>
<h1>The <i>title</i></h1><p>A caf&eacute; &amp; more,
 in one line.</p><ul><li>One</li><li>Two<br>lines</li></ul>
<pre>  if x:
      y()
</pre><script>no()</script>
<table><tr><th>a</th><th><p>b</p></th></tr><tr><td>1</td><td><p>2</p><p>3</p></td></tr></table>
</body></html>"""


def test_html_is_read_without_what_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text(PAGE)
    (document,) = pages(tmp_path / "a.html")
    assert document.text.split("\n\n") == [
        "The title", "A café & more, in one line.", "One", "Two", "lines", "  if x:\n      y()", "a | b", "1 | 2 3"
    ]  # fmt: skip
    assert (document.place, document.reason) == ("section 1", "")


def test_html_is_cut_at_headings_and_short_sections_go_with_the_next(tmp_path: Path) -> None:
    body = "".join(f"<h2>Part {n}</h2><p>{prose(n, 30 if n else 1)}</p>" for n in range(3))
    (tmp_path / "a.html").write_text(f"<html>{body}</html>")
    first, second = pages(tmp_path / "a.html")
    assert first.text.startswith("Part 0\n\n") and "\n\nPart 1\n\n" in first.text and second.text.startswith("Part 2")


def test_chapters_of_a_manual(tmp_path: Path) -> None:
    chapter = "\n".join(f"Chapter {n}\n---------\n\n{prose(n, 30)}\n\n.. _target-{n}:\n" for n in range(2))
    (tmp_path / "a.rst").write_text(f"=====\nTitle\n=====\n\n.. toctree::\n\n   one\n\nIt.\n\n{chapter}")
    first, second = restructured(tmp_path / "a.rst")
    assert tidy(first.text) == f"Title\n\nIt.\n\nChapter 0\n\n{prose(0, 30)}"
    assert tidy(second.text) == f"Chapter 1\n\n{prose(1, 30)}"


def test_a_book_is_cut_at_paragraphs(tmp_path: Path) -> None:
    book = "\n\n".join(prose(n) for n in range(20))
    margin = "".join(f"   {line}" for line in book.splitlines(keepends=True))
    (tmp_path / "a.gz").write_bytes(gzip.compress(margin.encode()))
    found = [document.text for document in pieces(tmp_path / "a.gz")]
    assert "\n\n".join(found) == book and len(found) == 4 and min(map(len, found[:-1])) >= 6_000


def test_books_of_sword(tmp_path: Path) -> None:
    book = (
        '<title type="main">Ruth</title> <chapter n="1" sID="Ruth.1"/><div sID="g" type="x-p"/><w lemma="s">Now</w> it'
        f'<note>no</note> was. <chapter eID="Ruth.1"/><chapter n="2" sID="Ruth.2"/>{prose(1, 30)}'
    )
    packed = zlib.compress(book.encode())
    (tmp_path / "ot.bzz").write_bytes(packed)
    (tmp_path / "ot.bzs").write_bytes(struct.pack("<IIIIII", 0, 0, 0, 0, len(packed), len(book)))
    (document,) = chapters(tmp_path / "ot.bzs")
    assert document.place == "book 1 section 1"
    assert document.text == f"Ruth\n\nNow it was.\n\n{prose(1, 30)}".replace(".\n", ". ").replace(
        "was. \n", "was.\n\n", 1
    )


ROWS = [
    {"text": "One", "meta": {"redpajama_set_name": "RedPajamaC4"}},
    {"text": "Two", "meta": {"redpajama_set_name": GITHUB}},
    {"text": "", "meta": {"redpajama_set_name": "RedPajamaBook"}},
]
FOUND = [
    ("One", "RedPajamaC4", ""),
    ("Two", GITHUB, f"left out: {GITHUB}, as TinyLlama does"),
    ("", "RedPajamaBook", ""),
]


def test_rows_of_slimpajama_in_every_form(tmp_path: Path) -> None:
    lines = "".join(json.dumps(row) + "\n" for row in ROWS).encode()
    (tmp_path / "a.jsonl").write_bytes(lines)
    half = len(lines) // 2  # two frames, cut within a line, as a parallel writer makes them
    pack = zstandard.ZstdCompressor().compress
    (tmp_path / "b.jsonl.zst").write_bytes(pack(lines[:half]) + pack(lines[half:]))
    pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / "c.parquet")
    as_text = [row | {"meta": json.dumps(row["meta"])} for row in ROWS]
    pq.write_table(pa.Table.from_pylist(as_text), tmp_path / "d.parquet")
    readers = own_files(tmp_path)
    assert len(readers) == 4
    for path, reader in readers.items():
        assert [(row.text, row.domain, row.reason) for row in reader(path)] == FOUND, path
    places = [row.place for path in ("a.jsonl", "c.parquet") for row in readers[tmp_path / path](tmp_path / path)]
    assert places == ["line 1", "line 2", "line 3", "row 1", "row 2", "row 3"]


def test_rows_of_starcoder(tmp_path: Path) -> None:
    pq.write_table(
        pa.table({"max_stars": [1] * 600, "content": [f"x = {n}" for n in range(600)]}), tmp_path / "a.parquet"
    )
    assert [row.text for row in parquet(tmp_path / "a.parquet")] == [f"x = {n}" for n in range(600)]


def test_a_line_is_read_before_the_next_is_unpacked(tmp_path: Path) -> None:
    """What follows may be damaged: the rows before it come out all the same."""
    first = zstandard.ZstdCompressor().compress(json.dumps({"text": "One"}).encode() + b"\n" + b" " * (3 << 20) + b"\n")
    (tmp_path / "a.jsonl.zst").write_bytes(first + b"\x28\xb5\x2f\xfd" + b"\xff" * 40)
    rows = json_lines(tmp_path / "a.jsonl.zst")
    assert next(rows).text == "One"
    with pytest.raises(UserError, match=r"a\.jsonl\.zst: cannot be unpacked: "):
        list(rows)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.jsonl", b'{"text": "a"}\n{oops\n', r"a\.jsonl line 2: not JSON"),
        ("a.jsonl", b'{"words": "a"}\n', r"a\.jsonl line 1: expected an object with a text under text or content"),
        ("a.jsonl", b"[1]\n", r"a\.jsonl line 1: expected an object"),
        ("a.parquet", b"PAR1 no", r"a\.parquet: cannot be read: ArrowInvalid"),
    ],
)
def test_a_file_that_cannot_be_read_is_one_error(tmp_path: Path, name: str, data: bytes, message: str) -> None:
    (tmp_path / name).write_bytes(data)
    ((path, reader),) = own_files(tmp_path).items()
    with pytest.raises(UserError, match=message):
        list(reader(path))
    pq.write_table(pa.table({"text": [1]}), tmp_path / "a.parquet")
    with pytest.raises(UserError, match=r"no column of text: expected one named text or content, found text \(int64\)"):
        list(parquet(tmp_path / "a.parquet"))


def test_a_line_that_is_not_utf8_is_refused_alone(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'{"text": "a\xff"}\n{"text": "b"}\n')
    first, second = json_lines(tmp_path / "a.jsonl")
    assert first.reason == "undecodable: byte 0xff at 11 is not UTF-8" and second.text == "b"


def test_recordings_are_told_from_texts(tmp_path: Path) -> None:
    assert not holds_texts(tmp_path)
    (tmp_path / "a.txt").write_text("a")
    assert holds_texts(tmp_path)
    pq.write_table(pa.table({"audio": ["a"], "text": ["a"]}), tmp_path / "a.parquet")
    assert not holds_texts(tmp_path)
    pq.write_table(pa.table({"text": ["a"]}), tmp_path / "a.parquet")
    assert holds_texts(tmp_path)
    for name in ("metadata.jsonl", "manifest.csv", "deep.WAV"):
        (tmp_path / name).write_text("a")
        assert not holds_texts(tmp_path), name
        (tmp_path / name).unlink()


def test_every_source_on_the_shelf_is_registered() -> None:
    registered = load_registry(Path(__file__).parents[2] / "conf/sources.yaml")
    assert {shelf.source for shelf in SHELF.values()} <= registered.keys()


# --- rules about words


@given(st.lists(st.text(max_size=40), max_size=12), st.integers(1, 60))
def test_joined_sections_lose_nothing_and_are_long_enough(parts: list[str], shortest: int) -> None:
    parts = [part for part in parts if part]
    found = list(joined(parts, shortest))
    assert "\n\n".join(found) == "\n\n".join(parts)
    assert all(len(part) >= shortest for part in found[:-1])


@given(st.text(alphabet="ab=-~\n ", max_size=120))
def test_sections_keep_every_word(text: str) -> None:
    words = [word for word in text.split() if set(word) & set("ab")]
    kept = [word for word in "\n".join(sections(text)).split() if set(word) & set("ab")]
    assert kept == words


@given(st.text())
def test_tidy_text_stays_as_it_is(text: str) -> None:
    assert tidy(tidy(text)) == tidy(text)


def test_numbers_are_one_word_however_they_are_written() -> None:
    forms = ["ann has number0 apples", "Ann has 3 apples", "ann HAS 1,200.50 apples"]
    assert len({tuple(keyed(split_words(form)).keys.tolist()) for form in forms}) == 1
    assert len(keyed(split_words("ann has 7 pears"))) == 4


@given(st.lists(st.integers(0, 9), min_size=1, max_size=40), st.integers(1, 8))
def test_ngrams_are_equal_where_the_words_are(numbers: list[int], size: int) -> None:
    keys = np.array([value * 977 + 1 for value in numbers], np.uint64)
    runs = ngrams(keys, size)
    plain = [tuple(numbers[start : start + size]) for start in range(len(numbers) - size + 1)]
    assert len(runs) == len(plain) and len(set(runs.tolist())) == len(set(plain))


@given(st.integers(0, 50), st.integers(5, 30), st.integers(0, 40))
def test_a_held_out_text_is_found_anywhere(seed: int, length: int, before: int) -> None:
    text = " ".join(prose(seed, 5).split()[:length])
    document = " ".join([*prose(99, 5).split()[:before], text.upper(), *prose(98, 3).split()])
    held_out = HeldOut([text], shortest=8, longest=13)
    assert bool(held_out.leak(keyed(split_words(document)).keys)) == (length >= 8)
    assert not held_out.leak(keyed(split_words(prose(97, 20))).keys)


def test_near_documents_by_their_share_of_five_word_runs() -> None:
    words = prose(1, 40).split()
    index = NearDocuments(0.8)
    index.add(1, sketch(keyed(words).keys))
    for changed, near in ((0, True), (3, True), (30, False)):
        other = [f"{word}x" if place % 17 == 0 and place < 17 * changed else word for place, word in enumerate(words)]
        found = index.find(sketch(keyed(other).keys))
        assert found == (1 if near else None), changed
    assert NearDocuments(0.8).find(sketch(keyed(words).keys)) is None


def test_damage_is_told_where_the_bytes_were_read_wrongly(tmp_path: Path) -> None:
    text = "It’s a “naïve” café – really."
    assert not damage(text)
    (tmp_path / "a.txt").write_text(text, encoding="utf-8")
    assert damage((tmp_path / "a.txt").read_text(encoding="latin-1"))
    assert damage((tmp_path / "a.txt").read_bytes().decode("cp1252", errors="replace"))
    assert opened(tmp_path / "a.txt").text == text
