"""The normal forms are normal; a scorer's words are words. (Examples beside the rules: test_examples.py.)"""

from __future__ import annotations

import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from selfsown.errors import UserError
from selfsown.text.scoring import normalizer
from selfsown.text.written.alphabets import script_misfit
from selfsown.text.written.normal import normalize_for_comparison, normalize_text

unhurried = settings(deadline=None)  # cores are shared, so a slow example says nothing
WORDS = st.lists(st.sampled_from(["किताब", "ภาษา", "Žluťoučký", "kůň", "Straße", "l'été", "שָׁלוֹם", "Ano"]), min_size=1)


@unhurried
@given(st.text())
def test_product_form_is_a_fixed_point_and_nfc(text):
    once = normalize_text(text)
    assert normalize_text(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert "  " not in once
    assert once == once.strip()


@unhurried
@given(st.text())
def test_comparison_form_is_a_fixed_point_without_punctuation(text):
    once = normalize_for_comparison(text)
    assert normalize_for_comparison(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert not [c for c in once if unicodedata.category(c)[0] in "PC"]


@unhurried
@given(WORDS, st.sampled_from([" ", ", ", "! ", " - "]))
def test_comparison_form_ignores_case_and_punctuation(words, joint):
    assert normalize_for_comparison(joint.join(words).upper()) == normalize_for_comparison(" ".join(words).upper())


def test_whisper_basic_agrees_with_whisper_where_nothing_has_marks():
    from transformers.models.whisper.english_normalizer import BasicTextNormalizer

    for text in ("Příliš žluťoučký kůň, úpěl!", "Привет - мир", "Wat [muziek] zegt (zucht) u?", "l'été"):
        assert normalizer("whisper_basic")(text) == BasicTextNormalizer()(text).strip()


@unhurried
@given(st.sampled_from(["किताब", "ภาษาไทย", "தமிழ்", "বাংলা"]))
def test_whisper_basic_keeps_words_with_marks_whole(word):
    assert normalizer("whisper_basic")(f"„{word}“!") == unicodedata.normalize(
        "NFC", unicodedata.normalize("NFKC", word)
    )


@unhurried
@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whisper_basic_leaves_no_punctuation(text):
    assert not re.search(r"[.,;:!?„“]", normalizer("whisper_basic")(text))


def test_unknown_normalizer_and_language_are_named():
    with pytest.raises(UserError, match=r"'wisper'.*whisper_basic"):
        normalizer("wisper")
    with pytest.raises(UserError, match=r"'xx'.*cs"):
        script_misfit("abc", "xx")
