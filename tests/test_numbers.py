"""Numbers in running text: read as the language reads them, or left as they are with a reason."""

from __future__ import annotations

import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from num2words import num2words

from selfsown.text.written.numbers import digits, spell_digits
from selfsown.text.written.numbers.grammar import LARGEST
from selfsown.text.written.numbers.languages import READINGS
from selfsown.text.written.numbers.units import CURRENCIES, UNITS

LANGUAGES = st.sampled_from(sorted(READINGS))
SPACES = (" ", "\u00a0", "\u202f", "\u2009")


def grouped(number: int, mark: str) -> str:
    return f"{number:,}".replace(",", mark)


def in_words(number: int, language: str) -> str:
    """What num2words makes of it, but for Czech hundreds, which it writes together."""
    words = num2words(number, lang=language)
    return (
        re.sub("(dvě|tři|čtyři|pět|šest|sedm|osm|devět)(stě|sta|set)", r"\1 \2", words) if language == "cs" else words
    )


@given(LANGUAGES, st.integers(0, LARGEST), st.data())
def test_a_number_is_read_whole_however_it_is_grouped(language: str, number: int, data: st.DataObject) -> None:
    """In words it is all of it, or it stays: never a part."""
    mark = data.draw(st.sampled_from(["", *SPACES, *READINGS[language].thousands]))
    text = f"Vp {grouped(number, mark)} vp vp."
    said = spell_digits(text, language)
    if said == text:
        assert digits(text, language)
    else:
        assert said == f"Vp {in_words(number, language)} vp vp."


@given(LANGUAGES, st.integers(1, 999), st.integers(0, 999), st.sampled_from(".,'"))
def test_a_mark_of_another_language_is_never_taken_for_ones_own(language: str, high: int, low: int, mark: str) -> None:
    """Three digits behind a mark that parts no thousands: decimals, or somebody else's thousands."""
    assume(mark not in READINGS[language].thousands)
    text = f"Vp {high}{mark}{low:03d} vp vp."
    assert spell_digits(text, language) == text and digits(text, language)


@given(LANGUAGES, st.integers(0, 99_999), st.integers(0, 9))
def test_a_decimal_is_read_with_the_name_of_its_mark_or_not_at_all(language: str, whole: int, tenth: int) -> None:
    reading = READINGS[language]
    text = f"Vp {whole}{reading.decimal}{tenth} vp vp."
    said = spell_digits(text, language)
    if not reading.point:
        assert said == text
    elif said != text:
        words = [in_words(whole, language), reading.point, num2words(tenth, lang=language)]
        assert "".join(said[3:].split()).startswith("".join("".join(words).split()))


@given(LANGUAGES, st.text(st.sampled_from("0123456789 .,:;-/%'’\"x½²vpVP°€km"), max_size=24))
def test_all_numbers_of_a_text_are_read_or_none_is(language: str, text: str) -> None:
    said = spell_digits(text, language)
    assert said == text or not re.search(r"\d", said)
    assert digits(said) is None or digits(text, language)


@given(LANGUAGES, st.integers(1, 31), st.data())
def test_a_day_of_a_month_is_no_plain_number(language: str, day: int, data: st.DataObject) -> None:
    assume(READINGS[language].months)
    month = data.draw(st.sampled_from(sorted(READINGS[language].months)))
    for text in (f"Vp {day} {month}.", f"Vp {day}. {month}.", f"Vp {month} {day} vp."):
        assert spell_digits(text, language) == text


def stays(text: str, language: str) -> bool:
    return spell_digits(text, language) == text and digits(text, language) is not None


@given(LANGUAGES, st.sampled_from(["str", "Nr", "ok", "p", "cca", "ст", "hod"]), st.integers(5, 999))
def test_a_number_behind_a_stop_within_a_text_has_no_capital_and_no_reading(
    language: str, word: str, number: int
) -> None:
    assert stays(f"Vp {word}. {number} vp.", language)
    assert stays(f"Vp ... {number} vp.", language)


@given(LANGUAGES, st.integers(0, LARGEST), st.sampled_from([",-", ",--", ".-", ",–"]))
def test_a_price_with_a_dash_for_its_cents_is_no_plain_number(language: str, number: int, mark: str) -> None:
    assert stays(f"Vp {number}{mark} vp.", language)


@given(LANGUAGES, st.integers(5, 999), st.booleans(), st.data())
def test_a_word_that_inflects_does_so_through_hedges_and_before_units(
    language: str, number: int, unit: bool, data: st.DataObject
) -> None:
    reading = READINGS[language]
    inflecting = sorted(reading.inflects | (reading.inflects_units if unit else frozenset()))
    assume(inflecting)
    hedge = data.draw(st.sampled_from(["", *sorted(reading.hedges)]))
    word = data.draw(st.sampled_from(inflecting))
    assert stays(f"Vp {word} {hedge} {number}{' %' if unit else ''} vp.", language)


@given(
    st.sampled_from(sorted(code for code in READINGS if not READINGS[code].spaces)),
    st.integers(1, 999),
    st.integers(100, 999),
    st.sampled_from(SPACES),
)
def test_where_a_space_groups_no_digits_it_parts_two_numbers(
    language: str, first: int, second: int, space: str
) -> None:
    assert stays(f"Vp {first}{space}{second} vp.", language)


@given(LANGUAGES, st.sampled_from(CURRENCIES), st.integers(2, 999))
def test_a_code_of_a_currency_is_no_word(language: str, code: str, number: int) -> None:
    assert stays(f"Vp {number} {code} vp.", language)
    assert stays(f"Vp {code} {number} vp.", language)


@given(st.sampled_from(sorted(code for code in READINGS if READINGS[code].ordinal_stop)), st.integers(1, 999))
def test_a_number_with_a_stop_is_an_ordinal_beside_a_name_or_a_roman_number(language: str, number: int) -> None:
    for text in (f"Vp Vp {number}. Vp vp.", f"Vp vp {number}. XX vp.", f"Vp {number}. Vp vp."):
        assert stays(text, language)


@pytest.mark.parametrize("language", sorted(READINGS))
def test_percent_is_read_in_every_language_but_lithuanian(language: str) -> None:
    said = spell_digits("Vp 15 % vp, 40% vp.", language)
    assert ("%" in said) == (language == "lt")
    assert language == "lt" or all(form in said for form in UNITS[language]["%"][-1:])


@pytest.mark.parametrize(
    ("language", "text", "said"),
    [
        ("cs", "Je tu 10 500 lidí, 7 % z nich sedí.", "Je tu deset tisíc pět set lidí, sedm procent z nich sedí."),
        ("cs", "12 opic utíká.", "Dvanáct opic utíká."),
        ("cs", "... 12 opic utíká.", "... Dvanáct opic utíká."),
        ("cs", "Ano! 12 opic za 200 korun.", "Ano! Dvanáct opic za dvě stě korun."),
        ("cs", "V 5 hodin klesl o 20 %.", "V pět hodin klesl o dvacet procent."),
        ("ru", "В 5 часов утра.", "В пять часов утра."),
        ("de", "Es sind 3,5 Grad und 14 km.", "Es sind drei Komma fünf Grad und vierzehn Kilometer."),
        ("en", "The 21st of 5,000 ate 3.5 pies.", "The twenty-first of five thousand ate three point five pies."),
        ("es", "Viven aquí 84.000 personas.", "Viven aquí ochenta y cuatro mil personas."),
        ("fr", "C'est le 1er de 30 000 !", "C'est le premier de trente mille !"),
        ("hu", "Kaptam 64 000 forintot.", "Kaptam hatvannégyezer forintot."),
        ("it", "Pesa 80 kg.", "Pesa ottanta chilogrammi."),
        ("ja", "料金は1,500円で、5%引きです。", "料金は千五百円で、五パーセント引きです。"),
        ("nl", "Voor de 3de keer 16.000 fietsen.", "Voor de derde keer zestienduizend fietsen."),
        ("pl", "Mam 33 000 złotych.", "Mam trzydzieści trzy tysiące złotych."),
        ("pt", "Eram 47.000 pessoas.", "Eram quarenta e sete mil pessoas."),
        ("th", "มีคน 25,000 คน", "มีคน สองหมื่นห้าพัน คน"),
        ("uk", "Тут 35 000 книжок.", "Тут тридцять п'ять тисяч книжок."),
    ],
)  # fmt: skip
def test_what_has_one_reading_is_read(language: str, text: str, said: str) -> None:
    assert spell_digits(text, language) == said


@pytest.mark.parametrize(
    ("language", "text", "why"),
    [
        ("cs", "Viz str. 5 dole.", "abbreviation"),
        ("cs", "Stálo to 25 000,- Kč.", "part of something else"),
        ("cs", "Ve více než 20 % případů.", "another case"),
        ("cs", "Vládl Ludvík 14. Bourbonský.", "ordinal"),
        ("cs", "Dal to 5 lidem.", "another case"),
        ("cs", "Pomohl 20 malým dětem.", "another case"),
        ("cs", "Stálo to 5 km dlouhým šlapáním.", "another case"),
        ("de", "Das ist die Nr. 95 im Haus.", "abbreviation"),
        ("en", "See p. 12 below.", "abbreviation"),
        ("en", "Rooms 100 200 and 300.", "not one number"),
        ("hu", "A 14. Lajos király.", "ordinal"),
        ("pl", "To było ok. 120 lat temu.", "abbreviation"),
        ("pl", "Zapłacił 5 PLN.", "unit"),
        ("pl", "Wstał o 5 rano.", "another case"),
        ("pl", "Jest w 9 klasie.", "another case"),
        ("pl", "W latach 90. XX wieku.", "another case"),
        ("pl", "To trwa od 90. XX wieku.", "another case"),
        ("pl", "Wśród 20 osób.", "another case"),
        ("ru", "Он учится в 9 классе.", "another case"),
        ("ru", "Живёт на 5 этаже.", "another case"),
        ("ru", "Более 20 домов.", "another case"),
        ("ru", "Это 20 век.", "another case"),
        ("sk", "Je to vo 20 % prípadov.", "another case"),
        ("uk", "Близько 20 книг.", "another case"),
        ("uk", "Він прийшов о 5 ранку.", "another case"),
        ("uk", "Вчиться у 9 класі.", "another case"),
        ("cs", "Sešli se v 9:45 u brány.", "part of something else"),
        ("cs", "Byl 4. v pořadí.", "ordinal"),
        ("cs", "Je 1 muž.", "gender"),
        ("cs", "Přišel se 7 psy.", "another case"),
        ("cs", "Stálo to 25.000 korun.", "not one number"),
        ("cs", "Ušel 2,5 kilometru.", "decimal"),
        ("cs", "Bylo jich 8 až 10x víc.", "part of something else"),
        ("cs", "Čekal 10 - 15 minut.", "part of something else"),
        ("cs", "Bydlí v čísle 007.", "begins with 0"),
        ("cs", "Má 2 000 000 korun.", "million"),
        ("de", "Die 4. Sinfonie.", "ordinal"),
        ("de", "Es war 1989.", "year"),
        ("en", "Born in 1984.", "year"),
        ("en", "On March 3 it rained.", "date"),
        ("en", "It is -5 outside.", "part of something else"),
        ("en", "Catch COVID-19 twice.", "part of something else"),
        ("en", "It weighs 5 lbs.", "unit"),
        ("es", "Tiene 300 páginas.", "gender"),
        ("fr", "Il est 15 h.", "unit"),
        ("pl", "Było to 3 maja.", "date"),
        ("ru", "Он родился в 1950 году.", "year"),
        ("uk", "До 20 років.", "another case"),
        ("vi", "Hôm nay là thứ 4.", "another case"),
        ("bg", "Той има 5 книги.", "no reading of numbers in bg"),
    ],
)
def test_what_has_several_readings_stays_and_says_why(language: str, text: str, why: str) -> None:
    assert spell_digits(text, language) == text
    assert why in str(digits(text, language))
