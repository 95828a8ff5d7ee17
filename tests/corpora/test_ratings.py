"""Human ratings: Lee's documents and STS-B as their files have them; pairs that share a text are a group."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsown.corpora.ratings import RatingsParams, grouped, judge, ratings
from selfsown.corpora.readers.ratings import Rating, lee, stsb
from selfsown.errors import UserError
from selfsown.products import read_product
from selfsown.sources import UnreachableError, fetch
from selfsown.sources.registry import REGISTRY

ROOT = Path(__file__).parents[2]


def test_lee_is_all_pairs_of_its_documents(tmp_path: Path) -> None:
    (tmp_path / "lee.cor").write_bytes("The first.\nCaf\xe9 two.\nThe third.".encode("latin-1"))
    matrix = tmp_path / "similarities0-1.txt"
    matrix.write_text("1\t0.3\t0.5\n0\t1\t0.25\n0\t0\t1\n")
    assert [(r.id, r.left, r.right, r.score) for r in lee(tmp_path)] == [
        ("0-1", "The first.", "Café two.", 0.3),
        ("0-2", "The first.", "The third.", 0.5),
        ("1-2", "Café two.", "The third.", 0.25),
    ]
    matrix.write_text("1\t0.3\n0\t1\n")
    with pytest.raises(UserError, match=r"similarities0-1\.txt: expected 3 rows of as many numbers"):
        list(lee(tmp_path))
    matrix.unlink()
    with pytest.raises(UserError, match=r"expected similarities0-1\.txt in it"):
        list(lee(tmp_path))


@pytest.mark.parametrize(
    ("texts", "matrix", "message"),
    [
        (b"One.\nTwo \x81.", b"1 1\n0 1", r"lee\.cor line 2: not Windows-1252 \(byte 0x81\)"),
        (b"One.\nTwo.", b"1 \xe9\n0 1", r"similarities0-1\.txt line 1: not UTF-8 \(byte 0xe9\)"),
        (b"One.\nTwo.", b"1 1\n0 high", r"similarities0-1\.txt line 2: expected numbers, found '0 high'"),
        (b"One.\nTwo.", b"1 nan\n0 1", r"similarities0-1\.txt line 1: expected numbers, found '1 nan'"),
    ],
)
def test_files_of_lee_that_are_none_are_named_with_their_line(
    tmp_path: Path, texts: bytes, matrix: bytes, message: str
) -> None:
    (tmp_path / "lee.cor").write_bytes(texts)
    (tmp_path / "similarities0-1.txt").write_bytes(matrix)
    with pytest.raises(UserError, match=message):
        list(lee(tmp_path))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("A,B,1\nC\xe9,D,2", r"line 2: not UTF-8 \(byte 0xe9\)"),
        (f"A,{'x' * 200_000},1", r"cannot be read: Error: field larger than field limit"),
        ('a,"b,3\nc,d,1\ne,f",2', r"line 2: it reads like a row of its own, .* quotes that line 1 opens"),
        ("A,B,1\nC,D", r"row 2: .*, wrong number of fields: 2 fields, expected 3"),
        ("A,B,1\nC,D,nan", r"row 2: expected two sentences and a number, found \['C', 'D', 'nan'\]"),
        ("A,B,inf", r"row 1: expected two sentences and a number, found \['A', 'B', 'inf'\]"),
    ],
)
def test_a_file_of_stsb_is_read_whole_or_refused_with_its_place(tmp_path: Path, data: str, message: str) -> None:
    (tmp_path / "stsb-en-dev.csv").write_bytes(data.encode("latin-1"))
    with pytest.raises(UserError, match=rf"stsb-en-dev\.csv:? {message}"):
        list(stsb(tmp_path))


def test_a_missing_text_of_stsb_is_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "stsb-en-dev.csv").write_text("\ufeffNULL,B c.,1\nD e.,F g.,2\n", "utf-8")
    assert [(row.left, row.reason) for row in judge(stsb(tmp_path))] == [("", "empty text"), ("D e.", "")]


def test_a_row_of_stsb_that_is_none_is_named(tmp_path: Path) -> None:
    (tmp_path / "stsb-en-dev.csv").write_text('A man runs.,"A man, a plan.",2.5\nA,B,high\n')
    rows = stsb(tmp_path)
    assert next(rows) == Rating("1", "A man runs.", "A man, a plan.", 0.5)
    with pytest.raises(UserError, match=r"stsb-en-dev\.csv row 2: expected two sentences and a number"):
        next(rows)


def test_rows_that_measure_nothing_are_refused() -> None:
    rows = [Rating("1", "One two.", "Three."), Rating("2", "three", "one TWO"), Rating("3", "One.", "..."),
            Rating("4", "A b.", "C d.", 1.4)]  # fmt: skip
    assert [row.reason for row in judge(rows)] == ["", "duplicate: of 1", "empty text", "score: 1.4, expected 0 to 1"]


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=15))
def test_pairs_are_of_one_group_exactly_when_a_chain_of_texts_joins_them(pairs: list[tuple[int, int]]) -> None:
    groups = grouped(Rating(str(n), f"t{a}", f"t{b}") for n, (a, b) in enumerate(pairs))
    reach = {text: {text} for text in range(10)}
    for _ in pairs:
        for a, b in pairs:
            both = reach[a] | reach[b]
            for text in both:
                reach[text] = both
    for n, (a, _) in enumerate(pairs):
        for m, (c, _) in enumerate(pairs):
            assert (groups[str(n)] == groups[str(m)]) == (c in reach[a])


def test_the_real_sets_are_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    names = []
    for name, source in (("lee", "gensim-lee"), ("stsb-dev", "stsb")):
        try:
            fetch(source, registry=REGISTRY)
            names.append(name)
        except UnreachableError:
            continue
    if not names:
        pytest.skip("neither Lee's documents nor STS-B is here")
    ratings(RatingsParams(data_seed=1, sets=tuple(names)), corpus=tmp_path / "out")
    rows = read_product(tmp_path / "out").to_pylist()
    counts = Counter(row["set"] for row in rows)
    assert counts["lee"] in (0, 1225) and 0 <= counts["stsb-dev"] <= 1500
    assert all(0 <= row["score"] <= 1 and row["left"] and row["right"] for row in rows)
    assert len({row["group"] for row in rows if row["set"] == "lee"}) <= 1, "every document is joined with every other"
