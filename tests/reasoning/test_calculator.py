"""The calculator: GSM8K's own results, hostile text, and the same whatever the pieces a text comes in."""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections import Counter
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from selfsown.arithmetic import parse_decimal
from selfsown.reasoning.calculator import MAX_CALCULATION, MAX_RESULT, Calculator, calculate

MIRROR = os.environ.get("SELFSOWN_MIRROR")
HOSTILE = [
    "", " ", "=", "<<", "<<=", "[]", "[[[[[[", "<<" * 300, "<<__import__('os')=", "__import__('os').system('true')",
    "().__class__.__bases__[0]", "9" * 10_000, "1." + "0" * 10_000, "9" * 250, "9**9**9", "9^9", "10**9", "1/0", "0/0",
    "1/(1-1)", "1/3/0", "(" * 120 + "1" + ")" * 120, "(" * 200, "-" * 200, "+" * 200, "1" + "+1" * 120,
    "1" + "*9" * 120, "/".join(["7919"] * 50), "1e9", "0x1f", "1_000", "1,00", "1,0000", "١٢٣+٤٥", "４+５", "²", "½",
    "x", "2x", "x+2", "5%3", "%", "number0", "m_1+1", "nan", "1 2", "$", "5$3", "1..2", ".", "1.2.3", "\x00", "\ud800",
    "1\n+1", "7//2",
]  # fmt: skip


@pytest.mark.parametrize(
    ("text", "result"),
    [
        ("48/2", "24"), (" 48 / 2 ", "24"), ("12/60", "0.2"), ("100-50-30-15", "5"), ("2*(3+4)", "14"),
        ("-20+10", "-10"), ("-14+-8+1", "-21"), ("-(3+4)*2", "-14"), ("18-(-(2))", "20"), ("+30+46", "76"),
        ("3*+6", "18"), ("560//10", "56"), ("5.*2", "10"), ("12 x 2", "24"), ("12x2", "24"), ("3 × 4", "12"),
        ("8÷2", "4"), ("9−4", "5"), ("$1,200 + $34", "1234"), ("1,234,567+1", "1234568"), ("20%*50", "10"),
        ("100 x 20 %", "20"), ("100 - 20%", "99.8"), ("0/5", "0"), ("1-1", "0"), ("0.1+0.2", "0.3"),
        ("1.1*1.1", "1.21"), ("1.05*1.05*1.05", "1.157625"), ("30/2000", "0.015"), ("12/60*.5", ".1"), ("2-.5", "1.5"),
        ("2*0.5*.5", "0.5"), ("-.25*2", "-.5"), ("4.50*3", "13.50"), ("1.50+5.50", "7"), ("1.25+1.50+.01", "2.76"),
        ("10/3", "3.33"), ("2/3", "0.67"), ("-2/3", "-0.67"), ("1/300", "0.003"), ("1/30000", "0.00003"),
        ("999999/1000000", "0.999999"), ("9999999/10000000", "1"), ("1/8", "0.125"), ("200/3*3", "200"),
    ],
)  # fmt: skip
def test_results_are_exact_and_look_like_their_operands(text: str, result: str) -> None:
    assert calculate(text) == result


@pytest.mark.skipif(MIRROR is None, reason="SELFSOWN_MIRROR is not set: GSM8K is not at hand")
def test_gsm8k_is_reproduced_but_for_what_its_operands_do_not_tell() -> None:
    """The paper's calculator misses 623 of 21,286; the whole training split has 23,716."""
    rows = (json.loads(line) for line in Path(str(MIRROR), "gsm8k", "train.jsonl").read_text().splitlines())
    annotations = [each for row in rows for each in re.findall(r"<<([^<>]*)=([^<>=]*)>>", row["answer"])]
    assert len(annotations) == 23_716
    missed = Counter(kind(said, found) for text, said in annotations if (found := calculate(text)) != said)
    assert missed == {
        "whole number with cents": 484,       # 8*18=144.00
        "cents, operands without them": 75,   # 7*1.5=10.50
        "no zero before the point": 55,       # 12/16=.75
        "no cents, operands with them": 3,    # 0.50*3=1.5
    }  # fmt: skip
    assert missed.total() == 617


def kind(said: str, found: str | None) -> str:
    """How GSM8K's result differs from the calculator's, which is never in its value."""
    assert found is not None and Fraction(said) == Fraction(found)
    places, ours = (len(text.partition(".")[2]) for text in (said, found))
    if places > ours:
        return "whole number with cents" if ours == 0 else "cents, operands without them"
    return "no cents, operands with them" if places < ours else "no zero before the point"


@pytest.mark.parametrize(
    ("pieces", "wanted"),
    [
        (["48/2 = <<", "48", "/", "2", "="], "24>>"),
        (["48/2 = [", " 48", " /", " 2", " ="], " 24]"),
        (["[48/2="], "24]"),
        (["<", "<48/2", "="], "24>>"),
        (["<<", " 48 / 2 ="], " 24>>"),
        (["<<1-11", "=-"], "10>>"),
        (["<<6*4=2"], "4>>"),
        (["<<6*4=24"], ">>"),
        (["<<6*4=24>>"], None),
        (["<<6*4=25"], None),
        (["<<6*4=24>> and <<5*5="], "25>>"),
        (["<<<2+2="], "4>>"),
        (["<< < 2+2="], None),
        (["<<1+<<2+2="], "4>>"),
        (["[ [ 2 + 2 ="], " 4]"),
        (["<<[2+2="], "4]"),
        (["[<<2+2="], "4>>"),
        (["[1+1] 2+2="], None),
        (["<<1+1>> 2+2="], None),
        (["<<1+1>2="], None),
        (["<<2+\n2="], None),
        (["2+2="], None),
        (["<<2+2", "=", "4>>", "4 = "], None),
        (["<<__import__('os')="], None),
        (["<<1/0="], None),
        (["<<="], None),
        (["<<" + "1" * (MAX_CALCULATION + 1) + "="], None),
    ],
)
def test_what_must_follow_the_last_piece(pieces: list[str], wanted: str | None) -> None:
    calculator = Calculator()
    assert [calculator.feed(piece) for piece in pieces][-1] == wanted


def test_it_listens_while_a_calculation_is_open() -> None:
    calculator = Calculator()
    heard = []
    for piece in ("so ", "<", "<", "1+1", "=", "2>>", "2 [", " 1", "]", " <", "b"):
        calculator.feed(piece)
        heard.append(calculator.listening)
    assert heard == [False, True, True, True, False, False, True, True, False, True, False]


signs = st.text(st.sampled_from("0123456789+-*/()=.,%$x <>[]\n×٣"), max_size=80)
anything = st.text(max_size=80) | signs | st.sampled_from(HOSTILE)


@given(anything)
@example("9" * 10_000)
@settings(max_examples=500)
def test_any_text_has_a_short_result_or_none(text: str) -> None:
    result = calculate(text)
    assert result is None or (len(result) <= MAX_RESULT and abs(parse_decimal(result)) >= 0)


@given(signs, st.lists(st.integers(0, 80)))
@settings(max_examples=500)
def test_the_pieces_a_text_comes_in_change_nothing(text: str, cuts: list[int]) -> None:
    """Pieces end after each equals sign at least, where a result may be due."""
    ends = {place + 1 for place, sign in enumerate(text) if sign == "="}
    whole = said(text, ends)
    assert said(text, ends.union(cut for cut in cuts if cut < len(text))) == whole
    assert said(text, set(range(len(text) + 1))) == whole


def said(text: str, ends: set[int]) -> list[tuple[int, str]]:
    """What was due after which character of a text, cut at these places."""
    calculator, begin, found = Calculator(), 0, []
    for end in [*sorted(ends - {0, len(text)}), len(text)]:
        if due := calculator.feed(text[begin:end]):
            found.append((end, due))
        begin = end
    return found


def test_hostile_text_is_not_executed_and_costs_under_a_millisecond() -> None:
    watching = False

    def stop(name: str, arguments: object) -> None:
        if watching and name in ("exec", "compile", "os.system", "subprocess.Popen", "import", "open"):
            raise AssertionError(f"{name}: {arguments!r}")

    sys.addaudithook(stop)
    texts = [*HOSTILE, *(f"<<{text}=" for text in HOSTILE), *(f"[ {text} =" for text in HOSTILE)]
    watching, start = True, time.process_time()
    for _ in range(20):
        for text in texts:
            assert not (result := calculate(text)) or len(result) <= MAX_RESULT
            Calculator().feed(text)
    mean = (time.process_time() - start) / (20 * len(texts))
    watching = False
    assert mean < 1e-3
    assert [calculate(text) for text in ("1/0", "9" * 250, "9**9", "١+٢", "5%3", "5$3", "7//2", "x", "1 2")] == [
        None
    ] * 9


def test_a_long_text_takes_time_in_proportion_to_its_length() -> None:
    def seconds(count: int) -> float:
        calculator, start = Calculator(), time.process_time()
        for _ in range(count):
            calculator.feed("<<1")
        return time.process_time() - start

    seconds(1000)
    assert seconds(40_000) < 20 * max(seconds(10_000), 1e-3)
