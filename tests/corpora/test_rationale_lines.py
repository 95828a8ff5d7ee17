"""Reasoning that people wrote gets an annotation for each value it computes, and only where the value is right."""

from __future__ import annotations

import re
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsown.arithmetic import Refused, evaluate, find_annotations, parse_infix, print_value
from selfsown.corpora.readers.rationales.lines import annotate

ANNOTATION = re.compile(r"<<[^<>]*>>")
UNITS = ("", " apples", " box of pens", " km/hour", "-day", "%")
BEFORE = ("", "So he has ", "On day 3, she makes ", "There are 5 bags: ", "   • Total: ", "2. ")
SIGNS = {"+": (" + ", "+"), "-": (" - ", " − "), "*": (" * ", " x ", "×"), "/": (" / ", " ÷ ")}

values = st.integers(1, 5000).map(Fraction) | st.integers(1, 99_999).map(lambda n: Fraction(n, 100))


@st.composite
def calculations(draw: st.DrawFn) -> tuple[str, str, Fraction]:
    """A calculation with units in it, the same without, and its value."""
    written, plain = [], []
    for place in range(draw(st.integers(2, 4))):
        if place:
            sign = draw(st.sampled_from("+-*/"))
            written.append(draw(st.sampled_from(SIGNS[sign])))
            plain.append(sign)
        value = draw(values)
        text = f"{int(value):,}" if value.denominator == 1 and draw(st.booleans()) else print_value(value)
        written.append(f"{draw(st.sampled_from(('', '$')))}{text}{draw(st.sampled_from(UNITS[:5]))}")
        plain.append(print_value(value))
    return "".join(written), "".join(plain), evaluate(parse_infix("".join(plain)))


@given(calculations(), st.sampled_from(BEFORE), st.sampled_from(UNITS), st.integers(-3, 3))
def test_a_right_line_is_annotated_and_a_wrong_one_refused(
    made: tuple[str, str, Fraction], before: str, unit: str, off: int
) -> None:
    written, plain, value = made
    stated = print_value(value + off)
    if "/" in stated or stated.startswith("-"):
        return
    line = f"{before}{written} = {stated}{unit} now."
    if off and unit != "%":
        with pytest.raises(Refused, match="wrong line"):
            annotate(line)
    elif not off:
        found = annotate(line)
        assert ANNOTATION.sub("", found) == re.sub(r"\.0+(?![0-9])", "", line)
        (annotation,) = find_annotations(found)
        assert (annotation.calculation, annotation.stated) == (plain, stated)


@given(st.text(st.sampled_from("0123456789+-*/x=()%$., abT\n"), max_size=40) | st.text(max_size=40))
def test_no_line_breaks_it_and_each_annotation_holds(line: str) -> None:
    try:
        found = annotate(line)
    except Refused:
        return
    for annotation in find_annotations(found):
        assert evaluate(parse_infix(annotation.calculation)) == Fraction(annotation.stated)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("190 shrimp / 10 shrimp/minute = 19 minutes", "190 shrimp / 10 shrimp/minute = <<190/10=19>>19 minutes"),
        ("T = 46, so 46 - 3 = 43", "T = 46, so 46 - 3 = <<46-3=43>>43"),
        ("She needs 105 - 89 pens. 105 - 89 = 16", "She needs 105 - 89 pens. 105 - 89 = <<105-89=16>>16"),
        ("8+2(13)=34.0 minutes", "8+2(13)=<<8+2*13=34>>34 minutes"),
        ("2 * (3 m + 4 m) = 14", "2 * (3 m + 4 m) = <<2*(3+4)=14>>14"),
        ("5 * 4 = 18 + 2 = 20", "5 * 4 = 18 + 2 = <<18+2=20>>20"),
        ("5*3=15=15", "5*3=<<5*3=15>>15=15"),
        ("100% - 40% = 60%", "100% - 40% = <<100-40=60>>60%"),
        ("$516 * 25% = $129", "$516 * 25% = $<<516*25/100=129>>129"),
        ("15 / 20 = 75.0%", "15 / 20 = <<15/20*100=75>>75%"),
        ("5 / 20% = 25", "5 / 20% = <<5/(20/100)=25>>25"),
        ("$310,000 x 3/100 = $9,300.", "$310,000 x 3/100 = $<<310000*3/100=9300>>9,300."),
    ],
)
def test_lines_as_people_write_them(line: str, expected: str) -> None:
    assert annotate(line) == expected


@pytest.mark.parametrize(
    "line",
    [
        "0.23*80 = 18",
        "48 * 0.3333 = 16",
        "1/2 of 10 = 5",
        "9 = 8",
        "5 * 4 = 18 + 3 = 21",
        "y + x = 266",
        "2x = 96",
        "half * 194 ladybugs = 97",
        "73 + 50 + T = 123 + T = 189",
        "5 / 0 = 3",
        "3 + 4 = many",
    ],
)
def test_what_is_wrong_or_cannot_be_read_is_refused(line: str) -> None:
    with pytest.raises(Refused):
        annotate(line)
