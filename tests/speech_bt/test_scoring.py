"""Scores: counts add up, an empty side is all insertions or all deletions, loops are seen."""

from hypothesis import given
from hypothesis import strategies as st

from selfsown.speech_bt.whisper.scoring import repeats, score

words = st.lists(st.sampled_from(["ryba", "loď", "kde", "jsme"]), max_size=8).map(" ".join)


@given(words, words)
def test_counts_add_up(reference: str, hypothesis: str) -> None:
    row = score(reference, hypothesis, str.lower)
    assert row["words"] == len(reference.split())
    assert row["errors"] == row["substitutions"] + row["deletions"] + row["insertions"]
    assert len(hypothesis.split()) == row["words"] - row["deletions"] + row["insertions"]
    assert (row["errors"] == 0) == (reference == hypothesis)


def test_empty_sides() -> None:
    assert score("", "slyším hlasy", str.lower)["insertions"] == 2
    assert score("kde jsme", "", str.lower)["deletions"] == 2


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=4), st.integers(3, 5))
def test_every_loop_is_seen(gram: list[str], times: int) -> None:
    assert repeats(["x", *gram * times, "y"])


def test_a_loop_in_the_reference_is_no_fault() -> None:
    assert not score("ne ne ne", "ne ne ne", str.lower)["repeated"]
    assert score("ne", "ne ne ne", str.lower)["repeated"]
