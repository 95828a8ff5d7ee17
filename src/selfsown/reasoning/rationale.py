"""A rationale: a question's answer reasoned out in lines, with calculator annotations, ended by `#### 42`.

Annotations stand in one of two forms (`selfsown.arithmetic.annotations`):

    native      Natalia sold 48/2 = <<48/2=24>>24 clips in May.     a line a step
    brackets    Natalia sold 48/2 = [ 48 / 2 = 24] 24 clips in May. all in one line

The second is for vocabularies without `<`, such as T5's.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Literal

import pyarrow as pa

from selfsown.arithmetic.expression import MAX_DIGITS, Refused, parse_value
from selfsown.examples import examples

RATIONALE = pa.schema([
    ("id", pa.string()), ("question", pa.string()), ("rationale", pa.string()), ("answer", pa.string()),
    ("masked", pa.string()), ("numbers", pa.list_(pa.string())), ("equation", pa.string()), ("steps", pa.int32()),
    ("group", pa.string()), ("source", pa.string()), ("split", pa.string()),
])  # fmt: skip
"""One question with its answer, and how the answer comes about.

question: as written, with its numbers.
rationale: lines with calculator annotations, the last one `#### <answer>`; empty where nobody wrote one, and on the
    split pool, which must not tell it.
answer: exact, as `print_value` writes it.
masked, numbers, equation: the question as `PROBLEM` has it, and the rationale's program over its numbers; the equation
    is empty where the rationale says none, and on the split pool. masked is empty where the numbers cannot be told.
steps: annotations in the rationale.
group: a template (`gsm-symbolic/17`) or near-duplicates. Rows of a template whose questions are learnt from are tested
    on too, with other numbers; no other group is torn over splits.
split: labelled, pool (answers without rationales), dev, test, unseen (templates that are on no other split).
"""

Form = Literal["native", "brackets"]

LEARNT: tuple[Literal["labelled"], Literal["pool"]] = ("labelled", "pool")
"""Splits whose questions may be learnt from."""

MARK = "####"
"""Stands before the answer."""

TOLERANCE = Fraction(1, 10_000)
"""How far an answer may be off, as in the paper's evaluation (DPO-ST, arXiv 2407.18248)."""

_UNSAID = str.maketrans("", "", ",$€£¥%")
_LONGEST = 2 * MAX_DIGITS
"""Characters of an answer; separators of thousands are among them."""

ANNOTATION = re.compile(r"<<([^<>=]*)=([^<>=]*)>>")
"""In the native form: a calculation and its result."""

_MASK = re.compile(r"number([0-9]+)")
_BRACKETS = re.compile(r"\[ ([^\[\]=]*) = ([^\[\]=]*)\] ?")
_SIGN = re.compile(r"\s*([-+*/()])\s*")


@examples(
    ("48/2 = <<48/2=24>>24\n#### 24", Fraction(24)),
    ("#### 1 and on: #### -$1,024.50.", Fraction(-2049, 2)),
    ("#### 24 apples", Fraction(24)),
    ("#### soon", None),
    ("24", None),
)
def final_answer(text: str) -> Fraction | None:
    """The value after the last `####` of a text; None where there is none, or it cannot be read."""
    _, mark, after = text.rpartition(MARK)
    words = after.lstrip()[: _LONGEST + 1].split(maxsplit=1)
    if not mark or not words or len(words[0]) > _LONGEST:
        return None
    try:
        return parse_value(words[0].translate(_UNSAID).rstrip("."))
    except Refused:
        return None


def is_right(text: str, answer: str) -> bool:
    """Whether a text ends with this answer, a row's `answer`, give or take `TOLERANCE`."""
    value = final_answer(text)
    return value is not None and abs(value - parse_value(answer)) < TOLERANCE


@examples(
    ("48/2 = $<<48/2=24>>24.\n#### 24", "brackets", "48/2 = $[ 48 / 2 = 24] 24. #### 24"),
    ("<<2*(3+4)=14>>14", "native", "<<2*(3+4)=14>>14"),
)
def in_form(rationale: str, form: Form) -> str:
    """A native rationale in the form asked for."""
    return rationale if form == "native" else " ".join(ANNOTATION.sub(_bracketed, rationale).split())


@examples(
    ("48/2 = $[ 48 / 2 = 24] 24. #### 24", "48/2 = $<<48/2=24>>24.\n#### 24"),
    ("2(3+4) = <<2*(3+4)=14>>14\n#### 14", "2(3+4) = <<2*(3+4)=14>>14\n#### 14"),
)
def in_native(rationale: str) -> str:
    """A rationale in the native form; one that was in brackets stays in one line, but for its answer."""
    if ANNOTATION.search(rationale):
        return rationale
    native = _BRACKETS.sub(lambda found: f"<<{found[1].replace(' ', '')}={found[2]}>>", rationale)
    return native.replace(f" {MARK}", f"\n{MARK}")


def _bracketed(found: re.Match[str]) -> str:
    spaced = " ".join(_SIGN.sub(r" \1 ", found[1]).split())
    return f"[ {spaced} = {found[2].strip()}] "


@examples(("number0 hens lay number1 eggs", ["3", "0.5"], "3 hens lay 0.5 eggs"))
def filled(text: str, numbers: Sequence[str]) -> str:
    """A masked question, or an equation, with its numbers for `number0`, `number1`, ..."""
    return _MASK.sub(lambda found: numbers[int(found[1])], text)
