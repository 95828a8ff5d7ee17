"""A rationale's answer is read exactly or not at all, whatever the text; its two forms say the same."""

from __future__ import annotations

import time
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsown.arithmetic import (
    Constant,
    Operation,
    Refused,
    evaluate,
    find_annotations,
    parse_annotations,
    print_annotations,
    print_value,
)
from selfsown.reasoning.rationale import final_answer, in_form, in_native, is_right

decimals = st.builds(lambda n, places: Fraction(n, 10**places), st.integers(-(10**9), 10**9), st.integers(0, 4))
trees = st.recursive(
    st.builds(Constant, decimals),
    lambda parts: st.builds(Operation, st.sampled_from("+-*"), parts, parts),
    max_leaves=6,
)
hostile = st.text(st.sampled_from("#0123456789.,-$ \n/x٣²%=<[e_"), max_size=80) | st.text(max_size=40)


@given(decimals, st.text(max_size=40), st.sampled_from(["", ".", " apples", "\n", " #"]))
def test_an_answer_that_is_written_is_read_back(value: Fraction, before: str, after: str) -> None:
    assert final_answer(f"{before}\n#### {print_value(value)}{after}") == value
    assert is_right(f"{before}\n#### {print_value(value)}{after}", print_value(value))


@given(hostile)
def test_no_text_raises_and_what_is_read_is_a_plain_number(text: str) -> None:
    for said in (text, f"#### {text}", f"#### 5\n#### {text}"):
        value = final_answer(said)
        assert value is None or (isinstance(value, Fraction) and any(digit in said for digit in "0123456789"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "####",
        "#### ",
        "#### ٣",
        "#### ²",
        "#### 1e9",
        "#### 0x10",
        "#### 1/0",
        "#### --5",
        "#### 1_000",
        "#### nan",
    ],
)
def test_what_is_no_number_is_no_answer(text: str) -> None:
    assert final_answer(text) is None and not is_right(text, "5")


def test_endless_digits_are_no_answer_and_take_no_time() -> None:
    started = time.process_time()
    for text in ("9" * 10**6, "1," * 10**6, " " * 10**6, "#" * 10**6, "1" * 64 + ",", "1/" * 10**6):
        final_answer(f"#### {text}")
    assert final_answer("#### " + "9" * 65) is None
    assert final_answer("#### " + ",".join("9" * 80)) is None, "cut off, it would be another number"
    assert final_answer("#### " + "9" * 64) == 10**64 - 1
    assert time.process_time() - started < 1


@pytest.mark.parametrize(
    ("text", "right"),
    [("#### 0.33333", True), ("#### 0.333", False), ("#### 1/3", True), ("1/3", False), ("#### 0.3334", True)],
)
def test_an_answer_may_be_off_by_less_than_a_ten_thousandth(text: str, right: bool) -> None:
    assert is_right(text, "1/3") is right


@given(trees)
def test_both_forms_say_the_same(tree: Constant | Operation) -> None:
    try:
        native = f"So it is {print_annotations(tree, [])}{print_value(evaluate(tree))}.\n#### 5"
        wanted = parse_annotations(native)
    except Refused:
        return
    bracketed = in_form(native, "brackets")
    assert "<" not in bracketed and "\n" not in bracketed
    assert parse_annotations(bracketed) == wanted
    assert in_form(native, "native") == native
    assert in_native(bracketed).replace(" ", "") == native.replace(" ", "")
    assert len(find_annotations(bracketed)) == len(find_annotations(native))
