"""The gate's errors are readable, and the Data Docs need neither network nor scripts."""

import re
import socket
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from selfsown import quality
from selfsown.quality.expectations import between, count_rows, filled, one_of

COLOURS = ("red", "grey")


def stones(**changes: dict[int, object]) -> pd.DataFrame:
    """Four sound stones; `column={row: value}` spoils single cells."""
    frame = pd.DataFrame(
        {
            "id": [f"s{i}" for i in range(4)],
            "colour": ["red", "red", "grey", "grey"],
            "weight": [1.0, 2.5, 3.0, 4.0],
            "note": ["", "light", "", "heavy"],
        }
    )
    for column, cells in changes.items():
        frame[column] = frame[column].astype(object)
        for row, value in cells.items():
            frame.loc[row, column] = value
    return frame


def check(frame: pd.DataFrame | pa.Table, report: Path) -> None:
    suite = [
        count_rows(3, "stones"),
        *filled("note"),
        *one_of("colour", COLOURS),
        *between("weight", 0, 5, "too light or too heavy", strict_min=True),
    ]
    quality.check({"stones": frame}, {"stones": suite}, report)


def error(frame: pd.DataFrame, report: Path) -> str:
    with pytest.raises(quality.GateError) as caught:
        check(frame, report)
    return str(caught.value)


@pytest.mark.parametrize("kind", [pd.DataFrame, pa.Table.from_pandas])
def test_sound_data_passes_offline_and_the_docs_load_nothing(kind, tmp_path, monkeypatch):
    def refuse(*_):
        raise AssertionError("the gate opened a network connection")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    check(kind(stones()), tmp_path / "docs")
    pages = {path.name: path.read_text() for path in (tmp_path / "docs").iterdir()}
    assert set(pages) == {"index.html", "stones.html"}
    for page in pages.values():
        assert not re.search(r"<script|<link|https?://|src=", page)
    assert "passed" in pages["index.html"] and "failed" not in pages["index.html"]
    assert 'href="stones.html"' in pages["index.html"]
    assert "weight" in pages["stones.html"] and "<pre" not in pages["stones.html"]


def test_the_same_data_gives_the_same_docs(tmp_path):
    for name in "ab":
        error(stones(colour={1: "blue"}), tmp_path / name)
    for page in (tmp_path / "a").iterdir():
        assert page.read_bytes() == (tmp_path / "b" / page.name).read_bytes()


@pytest.mark.parametrize(
    ("changes", "column", "threshold", "observed", "sample"),
    [
        ({"colour": {1: "blue"}}, "colour", "value_set=['red', 'grey']", "1 of 4 rows", "id='s1' colour='blue'"),
        ({"note": {2: None}}, "note", "not_be_null()", "1 of 4 rows", "id='s2'"),
        ({"weight": {3: 0.0}}, "weight", "min_value=0.0, max_value=5.0", "1 of 4 rows", "id='s3' weight=0.0"),
        ({"weight": {3: float("nan")}}, "weight", "not_be_null()", "1 of 4 rows", "id='s3' weight=nan"),
    ],
)
def test_a_bad_cell_is_named_with_threshold_observation_and_row(tmp_path, changes, column, threshold, observed, sample):
    message = error(stones(**changes), tmp_path / "docs")
    blocks = [block for block in message.split("\n- ") if f"column {column}:" in block and threshold in block]
    assert len(blocks) == 1, message
    assert blocks[0].startswith("stones, ")
    assert observed in blocks[0] and sample in blocks[0]
    assert str(tmp_path / "docs" / "index.html") in message
    assert "failed" in (tmp_path / "docs" / "index.html").read_text()


def test_too_few_rows_and_a_missing_column(tmp_path):
    message = error(stones().drop(columns="note").head(2), tmp_path / "docs")
    assert "column (rows): too few rows" in message and "min_value=3" in message and "observed: 2" in message
    assert "column note: a value is missing" in message and '"note" in BatchData does not exist' in message


def test_a_samples_list_stays_short(tmp_path):
    many = pd.concat([stones(colour={0: "blue"}).head(1)] * 500, ignore_index=True)
    many["id"] = [f"s{i}" for i in range(500)]
    message = error(many, tmp_path / "docs")
    assert "observed: 500 of 500 rows" in message
    assert len(message.splitlines()) < 30
    assert (tmp_path / "docs" / "stones.html").stat().st_size < 100_000


def test_text_in_the_docs_is_escaped(tmp_path):
    error(stones(colour={0: "<script>alert(1)</script> 你好"}), tmp_path / "docs")
    page = (tmp_path / "docs" / "stones.html").read_text()
    assert "<script>" not in page and "amp;lt;" not in page
    assert page.count("&lt;script&gt;") >= 1


def test_importing_the_package_does_not_import_great_expectations():
    code = "import sys, selfsown.quality.expectations; sys.exit('great_expectations' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
