"""Sources of the user's own: all but test and dev is trained on, and what leaves too little says so at once."""

from __future__ import annotations

import csv
import logging
import random
from collections import Counter, defaultdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile
from tests.corpora.test_splits import clip
from tests.corpora.test_stages import SENTENCES, SPEECH
from tests.profiles import composed

from selfsown.corpora.sentences import SentencesParams, sentences
from selfsown.corpora.speech import SpeechParams, speech
from selfsown.corpora.speech.splits import assign
from selfsown.errors import UserError
from selfsown.products import read_card, read_product
from selfsown.sources import register_folder
from selfsown.speech_bt.gate import frames

OWN = {
    "minutes": {"test": "10%", "dev": "5 %", "seed": None, "text": 0},
    "seconds": {"low": 0.1, "high": 30},
    "characters": {"low": 2, "high": 500},
}
TEXTS = ["".join(random.Random(number).choices("abcdefghijk lmnop ", k=20)).strip() for number in range(41)]
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


@pytest.fixture
def recordings(empty_registry: Path) -> Path:
    folder = empty_registry / "recordings"
    folder.mkdir()
    for seconds in (0.2, 2, 29):
        sound = 0.1 * np.sin(np.arange(int(seconds * 8000)) / 9)
        soundfile.write(folder / f"{seconds}.wav", sound, 8000, format="WAV")
    return folder


def made(recordings: Path, rows: list[dict[str, str]], **own: object) -> Path:
    """The product of a folder with these rows."""
    with (recordings / "manifest.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    register_folder(recordings, "mine")
    params = {**SPEECH, "languages": ["en"], "own": {**OWN, **own}}
    speech(SpeechParams.model_validate(params), corpus=Path("speech"))
    return Path("speech")


def test_an_own_source_is_trained_on_but_for_its_shares_and_long_clips_stay(recordings: Path) -> None:
    rows = [{"audio": "29.wav" if i % 2 else "2.wav", "text": f"Say {TEXTS[i]}."} for i in range(1, 41)]
    rows[7]["text"], rows[8]["text"] = "A", "Say " + "x" * 500
    product = made(recordings, rows)
    table = read_product(product, ["split", "duration"]).to_pandas()
    shares = table.groupby("split")["duration"].sum() / table["duration"].sum()
    assert set(shares.index) == {"test", "dev", "seed"} and 0.05 < shares["test"] < 0.2 and shares["seed"] > 0.7
    assert table["duration"].max() == 29
    assert read_card(product).dropped == {"characters": 2}


def test_shares_are_of_all_there_is_and_a_group_follows_what_its_rows_say() -> None:
    clips = [clip(f"{i}", f"{i}") for i in range(100)]
    seconds = {c.id: 30.0 for c in clips}
    counts = Counter(c.split for c in assign(clips, seconds, {"test": "10%", "dev": 2.0, "seed": None}, 1))
    assert counts == {"test": 10, "dev": 4, "seed": 86}
    half = [clip("a", "g", split="dev"), clip("b", "g"), clip("c", "h")]
    assert [c.split for c in assign(half, dict.fromkeys("abc", 60.0), {"test": None}, 1)] == ["dev", "dev", "test"]


def digits(speakers: int = 6, **columns: str) -> list[dict[str, str]]:
    return [
        {"audio": "0.2.wav", "text": f"{word}.", "speaker": f"s{speaker}", **columns}
        for speaker in range(speakers)
        for word in DIGITS
    ]


def test_texts_that_repeat_by_design_are_parted_by_speaker(recordings: Path) -> None:
    with pytest.raises(UserError, match=r"is left for .*seed\. Kept: .* held out \d+\.\n +held out: texts repeat"):
        made(recordings, digits(30))
    assert "held out" in read_card(Path("speech")).dropped, "the rows and their reasons can be looked at"
    product = made(recordings, digits(), disjoint="speaker")
    rows = read_product(product, ["text", "speaker", "split", "source", "language"]).to_pandas()
    splits = defaultdict(set)
    for row in rows.itertuples():
        splits[row.speaker].add(row.split)
    assert sorted(map(tuple, splits.values())) == [("dev",), *[("seed",)] * 4, ("test",)]
    assert len(rows) == 60 and read_card(product).disjoint == {"mine": "speaker"}
    assert "stand on several splits, which speaker parts" in (product / "README.md").read_text()
    assert frames.shared_text(rows).notna().all() and frames.shared_text(rows, ["mine"]).isna().all()
    assert frames.shared_speaker(rows, ["mine"]).isna().all()
    torn = rows.assign(speaker="s0")
    assert frames.shared_speaker(torn, ["mine"]).eq("mine: s0").all() and frames.shared_speaker(torn, []).isna().all()
    params = {**SENTENCES, "languages": ["en"], "characters": {"low": 2, "high": 99}}
    sentences(SentencesParams.model_validate(params), speech=product, corpus=Path("sentences"))
    assert len(read_product(Path("sentences"))) == len(DIGITS), "what is learnt from anyway may be spoken"
    nameless = [{**row, "speaker": ""} for row in digits()]
    with pytest.raises(UserError, match="missing field 60"):
        made(recordings, nameless, disjoint="speaker")


def test_a_split_of_the_users_own_is_kept_with_a_warning(recordings: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [{**row, "split": ("train", "test", "dev")[place // 20]} for place, row in enumerate(digits())]
    with caplog.at_level(logging.WARNING):
        product = made(recordings, rows)
    assert "mine: 20 recordings to learn from have a text that is on dev or test too" in caplog.text
    assert len(read_product(product)) == 60 and read_card(product).disjoint == {"mine": "split"}
    assert Counter(read_product(product)["split"].to_pylist()) == {"seed": 20, "test": 20, "dev": 20}


def test_a_stage_that_is_left_with_nothing_says_so_with_counts_and_what_to_do(recordings: Path) -> None:
    lost = [{**row, "audio": f"clips/{row['audio']}"} for row in digits()]
    with pytest.raises(UserError) as caught:
        made(recordings, lost)
    said = str(caught.value)
    assert said.startswith("corpora.speech: 'en': no recording is left for test, dev, seed. Kept: none. Refused: ")
    assert "unreadable audio" in said and "audio paths are relative to the folder" in said
    assert pq.read_table("speech/rejected.parquet").num_rows == 60


def test_rows_in_languages_that_nobody_asks_for_are_counted(recordings: Path, caplog: pytest.LogCaptureFixture) -> None:
    rows = [{**row, "language": ("en-GB", "ces", "Czech")[place % 3 if place > 29 else 0]}
            for place, row in enumerate(digits())]  # fmt: skip
    with caplog.at_level(logging.WARNING):
        product = made(recordings, rows, disjoint="speaker")
    assert len(read_product(product)) == 40
    assert (
        caplog.text.count("mine: 20 rows are left out, since `languages` does not name theirs: ces 10, czech 10") == 1
    )
    with pytest.raises(UserError, match=r"'en': none of .* has speech in it\n  mine has: eng 60"):
        made(recordings, [{**row, "language": "eng"} for row in digits()])


def test_a_split_that_is_none_says_which_there_are(recordings: Path) -> None:
    with pytest.raises(UserError, match=r"unknown split 60\.\n  unknown split: the column `split` says train, dev or"):
        made(recordings, [{**row, "split": "exam"} for row in digits()])


def test_gates_take_what_the_readers_keep() -> None:
    """A row that the reader keeps never makes the gate refuse the whole set."""

    for profile in ("smoke", "laptop", "paper"):
        params = composed(f"profile={profile}")
        gate, read = params["speech_bt"]["gate"]["expect"]["speech"], params["corpora"]["speech"]
        for rules in (read, read["own"]):
            assert (
                gate["min_characters"]
                <= rules["characters"]["low"]
                < rules["characters"]["high"]
                <= gate["max_characters"]
            )
            assert gate["min_seconds"] <= rules["seconds"]["low"] < rules["seconds"]["high"] <= gate["max_seconds"]
        assert gate["min_rms_dbfs"] <= read["dbfs"]["low"] < read["dbfs"]["high"] <= gate["max_rms_dbfs"]
