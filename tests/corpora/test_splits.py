"""Splits never tear a group and never share a text; rates far from usual are refused."""

from __future__ import annotations

import random
from collections import defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsown.corpora.readers.speech.clips import Clip
from selfsown.corpora.speech.splits import assign, refuse_implausible_rates, refuse_leaks, refuse_repeated_ids
from selfsown.text.written.overlap import HeldOut, NearDuplicates, jaccard

MINUTES = {"test": 1.0, "dev": 0.5, "seed": 0.5, "text": None}


def clip(name, group="g", text="Dobrý den.", split="", reason=""):
    return Clip(name, group, f"{name}.wav", text, "cs", "s", "src", split=split, reason=reason)


@given(st.dictionaries(st.text(min_size=1, max_size=4), st.integers(1, 6), max_size=12), st.integers(0, 9))
def test_groups_stay_whole_and_every_clip_has_a_place(sizes, seed):
    clips = [clip(f"{group}/{i}", group) for group, size in sizes.items() for i in range(size)]
    seconds = {c.id: 10.0 for c in clips}
    assigned = assign(clips, seconds, MINUTES, seed)
    assert {c.id for c in assigned} == set(seconds)
    splits = defaultdict(set)
    for c in assigned:
        splits[c.group].add(c.split)
    assert all(len(found) == 1 for found in splits.values())
    assert assigned == assign(list(clips), seconds, MINUTES, seed)


def test_split_is_full_once_its_minutes_are_reached_and_the_rest_is_refused():
    clips = [clip(f"{i}", f"{i}") for i in range(20)]
    seconds = {c.id: 30.0 for c in clips}
    assigned = assign(clips, seconds, {"test": 1.0, "dev": 0.5}, 1)
    assert [c.split for c in assigned] == ["test", "test", "dev", *[""] * 17]
    assert {c.id for c in assigned} == set(seconds)
    assert [c.reason for c in assigned] == [*[""] * 3, *["surplus: no room left in test, dev"] * 17]


def test_a_split_the_user_chose_stays():
    chosen = clip("a", split="dev")
    assert assign([chosen], {"a": 1.0}, MINUTES, 1) == [chosen]


def test_no_text_on_two_sides():
    clips = [
        clip("test", text="Kde je ta velká ryba?", split="test"),
        clip("dev-same", text="kde je ta velká ryba", split="dev"),
        clip("dev", text="Musíme odsud ven.", split="dev"),
        clip("seed-near", text="Kde je ta velká ryba, co?", split="seed"),
        clip("text-same", text="„Musíme odsud ven!“", split="text"),
        clip("text", text="Něco docela jiného.", split="text"),
        clip("refused", text="Kde je ta velká ryba?", split="seed", reason="duration: 0.10 s"),
    ]
    reasons = {c.id: c.reason for c in refuse_leaks(clips, 0.7)}
    assert reasons["test"] == reasons["dev"] == reasons["text"] == ""
    assert reasons["dev-same"].startswith("held out: equals")
    assert reasons["seed-near"].startswith("held out: nearly equals")
    assert reasons["text-same"].startswith("held out: equals")
    assert reasons["refused"] == "duration: 0.10 s"


def test_repeated_id_is_refused_once():
    assert [c.reason for c in refuse_repeated_ids([clip("a"), clip("a")])] == ["", "repeated id: a"]


def test_a_caption_that_was_rewritten_after_the_recording_is_refused():
    clips = [clip(f"{i}", text="x" * (20 + i % 5)) for i in range(30)] + [clip("long", text="x" * 400)]
    seconds = {c.id: 2.0 for c in clips}
    refused = [c for c in refuse_implausible_rates(clips, seconds, 3.5) if c.reason]
    assert [c.id for c in refused] == ["long"]
    assert refused[0].reason == "implausible rate: 200.0 characters/s, usual 11.0"


def test_shared_words_in_a_row_are_a_leak():
    held_out = HeldOut(["jeden dva tři čtyři pět"], threshold=0.9, ngram=4)
    assert (
        held_out.leak("A tak: dva, tři, čtyři, pět šest sedm osm devět deset.")
        == "held out: shares 'dva tři čtyři pět'"
    )
    assert held_out.leak("Dva tři čtyři.") is None


def overlap(first, second):
    return jaccard(*(frozenset(text[at : at + 3] for at in range(len(text) - 2)) for text in (first, second)))


@pytest.mark.parametrize("threshold", [0.5, 0.6, 0.8])
def test_pairs_that_just_reach_the_threshold_are_found(threshold):
    rng = random.Random(7)
    found = []
    while len(found) < 200:
        text = "".join(rng.choices("abcdefghijklmnop ", k=60))
        edited = "".join(rng.choice("qrstuv") if rng.random() < (1 - threshold) / 4 else c for c in text)
        if threshold <= overlap(text, edited) < threshold + 0.04:
            found.append(HeldOut([text], threshold=threshold, ngram=1000).leak(edited) is not None)
    assert sum(found) >= 0.98 * len(found)


@given(st.lists(st.text("abc", min_size=3, max_size=12), max_size=12), st.text("abc", min_size=3, max_size=12))
def test_what_is_found_overlaps_by_the_threshold(texts, text):
    index = NearDuplicates(0.6)
    for other in texts:
        index.add(other)
    for other in index.neighbours(text):
        assert other in texts and overlap(text, other) >= 0.6


@given(st.lists(st.text("abcdef ", min_size=1, max_size=30), max_size=10))
def test_every_indexed_text_is_found_again(texts):
    index = NearDuplicates(0.8)
    for text in texts:
        index.add(text)
    assert all(index.find(text) == text for text in texts)
