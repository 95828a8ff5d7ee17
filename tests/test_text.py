"""The normal forms are normal; a scorer's words are words. (Examples beside the rules: test_examples.py.)"""

from __future__ import annotations

import re
import unicodedata

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsown.errors import UserError
from selfsown.speech_bt.gate.frames import shared_text
from selfsown.text.documents.words import split_words
from selfsown.text.scoring import error_rate, normalizer
from selfsown.text.written.alphabets import script_misfit
from selfsown.text.written.normal import normalize_for_comparison, normalize_text
from selfsown.text.written.overlap import HeldOut
from selfsown.text.written.sentences import _ENDS, segment, unfinished
from selfsown.text.written.spoken import unspoken

WORDS = st.lists(st.sampled_from(["किताब", "ภาษา", "Žluťoučký", "kůň", "Straße", "l'été", "שָׁלוֹם", "Ano"]), min_size=1)


@given(st.text())
def test_product_form_is_a_fixed_point_and_nfc(text):
    once = normalize_text(text)
    assert normalize_text(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert "  " not in once
    assert once == once.strip()


@given(st.text())
def test_comparison_form_is_a_fixed_point_without_punctuation(text):
    once = normalize_for_comparison(text)
    assert normalize_for_comparison(once) == once
    assert unicodedata.is_normalized("NFC", once)
    assert not [c for c in once if unicodedata.category(c)[0] in "PC"]


@given(WORDS, st.sampled_from([" ", ", ", "! ", " - "]))
def test_comparison_form_ignores_case_and_punctuation(words, joint):
    assert normalize_for_comparison(joint.join(words).upper()) == normalize_for_comparison(" ".join(words).upper())


def test_whisper_basic_agrees_with_whisper_where_nothing_has_marks():
    from transformers.models.whisper.english_normalizer import BasicTextNormalizer

    for text in ("Příliš žluťoučký kůň, úpěl!", "Привет - мир", "Wat [muziek] zegt (zucht) u?", "l'été"):
        assert normalizer("whisper_basic")(text) == BasicTextNormalizer()(text).strip()


@given(st.sampled_from(["किताब", "ภาษาไทย", "தமிழ்", "বাংলা"]))
def test_whisper_basic_keeps_words_with_marks_whole(word):
    assert normalizer("whisper_basic")(f"„{word}“!") == unicodedata.normalize(
        "NFC", unicodedata.normalize("NFKC", word)
    )


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_whisper_basic_leaves_no_punctuation(text):
    assert not re.search(r"[.,;:!?„“]", normalizer("whisper_basic")(text))


def test_unknown_normalizer_and_language_are_named():
    with pytest.raises(UserError, match=r"'wisper'.*whisper_basic"):
        normalizer("wisper")
    with pytest.raises(UserError, match=r"'xx'.*cs"):
        script_misfit("abc", "xx")


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("ca", "¿Què vols fer?"),
        ("cs", '"Kam jdeš?"'),
        ("cs", '"... Ano."'),
        ("sk", "… Áno, je to tak."),
        ("es", "—Vamos —dijo Pedro."),
        ("de", '"Das ist gut!"'),
        ("el", "Πού πας;"),
        ("es", "¡Qué bien lo has hecho!"),
        ("es", '-¿Y tú, "quién" eres?'),
        ("es", '¿"Hola" has dicho?'),
        ("fr", '" Bonsoir, dit-il. "'),
        ("hi", "वह घर जा रहा है।"),
        ("ja", "彼は「行く」と言った。"),
        ("ja", "「もう帰ろう！」"),
        ("ja", "「もう帰ろう」"),
        ("ja", "【速報】雨が降った。"),
        ("ja", "……そうだね。"),
        ("km", "ខ្ញុំទៅផ្សារ។"),
        ("lo", "ຂ້ອຍໄປຕະຫຼາດ"),
        ("my", "ကျွန်တော် ဈေးသွားသည်။"),
        ("nl", "'t Is al laat."),
        ("nl", "'s-Hertogenbosch is mooi."),
        ("th", "ฉันไปตลาด"),
        ("zh", "你吃饭了吗？"),
        ("zh", "《红楼梦》很有名。"),
        ("zh", "〈孔雀东南飞〉很长。"),
    ],
)
def test_every_language_opens_and_ends_its_sentences_as_it_does(language: str, text: str) -> None:
    assert segment(normalize_text(text), language) == [normalize_text(text)]
    assert unfinished(normalize_text(text), language) is None
    assert unspoken(normalize_text(text)) is None
    assert script_misfit(text, language) is None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        ("cs", "... a pak."),
        ("cs", "¿Kam jdeš?"),
        ("el", "Πού πας"),
        ("es", "¿qué hora es?"),
        ("hi", "वह घर"),
        ("ja", "これは「本」"),
        ("nl", "'s avonds laat."),
        ("nl", "'s-hertogenbosch is mooi."),
        ("zh", "「我们走吧」"),
        ("zh", "你吃饭了"),
    ],
)
def test_what_is_no_whole_sentence_is_none_in_any_language(language: str, text: str) -> None:
    assert unfinished(text, language)


@given(st.sampled_from("😀🚀♥€₿™→♪½²❤✓\ufffd\ue000†‡¶※‰‣′＠＃＆＊／％＼［｛＿"), st.integers(0, 12))
def test_no_symbol_stands_in_what_is_spoken(symbol: str, place: int) -> None:
    text = "Dobrý den vám!"
    assert unspoken(text) is None
    assert unspoken(text[:place] + symbol + text[place:])


def test_what_opens_and_ends_sentences_is_spoken_in_every_language() -> None:
    marks = {mark for ends in _ENDS.values() for mark in ends.stops + ends.opens + ends.quotes + ends.speech}
    assert [mark for mark in sorted(marks) if unspoken(f"Ano{mark}")] == []


@given(
    st.sampled_from([":D", ";P", ":-D", ":'D", ":DDD", ":o", ";-p", "XD", "XDD"]), st.sampled_from(["", ".", " a nic."])
)
def test_no_face_is_spoken(face: str, rest: str) -> None:
    assert unspoken(f"To je super {face}{rest}")


@pytest.mark.parametrize(
    "text",
    [
        "Napiš mailto:jan hned.",
        "Použij tar -xzf soubor.",
        "Použij -v hned.",
        "Piš na jan@firma.cz.",
        "Viz https://a.b/c.",
        "Otevři www stránku.",
        "Je to ❤️.",
    ],
)
def test_no_address_is_spoken(text: str) -> None:
    assert unspoken(text)


def test_vowel_signs_tell_words_apart_wherever_texts_are_compared() -> None:
    """दिन is a day, दान a gift: one rule, for who holds texts out and for who checks it."""
    held_out = HeldOut(["यह दिन है"], threshold=0.95, ngram=8)
    assert held_out.leak("यह दान है") is None and held_out.leak("यह दिन है।")
    speech = pd.DataFrame({"text": ["यह दिन है", "यह दान है"], "language": "hi", "split": ["test", "seed"]})
    assert shared_text(speech).isna().all()
    assert normalize_for_comparison("यह दिन है।") == normalizer("whisper_basic")("यह दिन है।")
    assert split_words("यह दिन है, naïve!") == [*normalize_for_comparison("यह दिन है naïve").split()]


@given(
    st.lists(st.sampled_from(["क्या", "ភាសា", "ခွေး", "Žluťoučký", "l'été"]), min_size=1),
    st.sampled_from("\u200b\u200c\u200d\u00ad\ufeff\u2060"),
    st.data(),
)
def test_what_is_invisible_tells_no_texts_apart(words: list[str], invisible: str, data: st.DataObject) -> None:
    text = " ".join(words)
    place = data.draw(st.integers(0, len(text)))
    other = text[:place] + invisible + text[place:]
    for same in (normalizer("whisper_basic"), normalize_for_comparison):
        assert same(other) == same(text)


@pytest.mark.parametrize("name", ["whisper_basic", "none"])
def test_romanian_letters_with_cedilla_and_with_comma_are_the_same(name: str) -> None:
    assert normalizer(name)("ştiinţa ŞŢ") == normalizer(name)("știința ȘȚ")
    assert normalize_for_comparison("Ştiinţă!") == normalize_for_comparison("știință")


def test_an_error_rate_has_the_name_of_what_it_counts() -> None:
    assert [error_rate([language]) for language in ("cs", "ja", "km", "lo", "my", "th", "zh")] == ["wer"] + 6 * ["cer"]
    assert error_rate(["cs", "zh"]) == "mer"
