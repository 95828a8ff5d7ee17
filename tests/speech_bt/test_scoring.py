"""Scores: counts add up, an empty side is all insertions or all deletions, loops are seen."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsown.speech_bt.whisper.scoring import repeats, score
from selfsown.text.scoring import normalizer

words = st.lists(st.sampled_from(["ryba", "loď", "kde", "jsme"]), max_size=8).map(" ".join)


@given(words, words)
def test_counts_add_up(reference: str, hypothesis: str) -> None:
    row = score(reference, hypothesis, str.lower, "cs")
    assert row["words"] == len(reference.split())
    assert row["errors"] == row["substitutions"] + row["deletions"] + row["insertions"]
    assert len(hypothesis.split()) == row["words"] - row["deletions"] + row["insertions"]
    assert (row["errors"] == 0) == (reference == hypothesis)


@pytest.mark.parametrize(
    ("language", "said", "heard"),
    [
        ("zh", "今天天气很好，我们出去。", "今天天汽很好我们出去"),
        ("ja", "猫が好きです。", "犬が好きです"),
        ("th", "ไป ตลาด", "ไปตลาก"),
    ],
)
def test_without_spaces_between_words_characters_are_counted(language: str, said: str, heard: str) -> None:
    row = score(said, heard, normalizer("whisper_basic"), language)
    spelled = "".join(normalizer("whisper_basic")(said).split())
    assert row["words"] == row["chars"] == len(spelled)
    assert row["errors"] == row["char_errors"] == row["substitutions"] == 1


def test_a_loop_of_characters_is_seen() -> None:
    assert score("你好", "谢谢你谢谢你谢谢你", str.lower, "zh")["repeated"]


def test_empty_sides() -> None:
    assert score("", "slyším hlasy", str.lower, "cs")["insertions"] == 2
    assert score("kde jsme", "", str.lower, "cs")["deletions"] == 2


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4), st.integers(3, 5))
def test_every_loop_is_seen(gram: list[str], times: int) -> None:
    assert repeats(["x", *gram * times, "y"])


def test_a_loop_in_the_reference_is_no_fault() -> None:
    assert not score("ne ne ne", "ne ne ne", str.lower, "cs")["repeated"]
    assert score("ne", "ne ne ne", str.lower, "cs")["repeated"]
