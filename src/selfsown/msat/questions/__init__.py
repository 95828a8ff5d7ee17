"""A question as a person writes it, read as the products hold problems: `number0`, `number1`, ... for its numbers.

No training reaches this file: how plain text is read may change without a solver being trained again.
"""

from __future__ import annotations

import re

from selfsown.arithmetic import Refused
from selfsown.errors import UserError
from selfsown.msat.questions.quantities import read_quantities
from selfsown.msat.solvers.representation import Problem

MAX_CHARACTERS = 4000
RESERVED = re.compile(r"\bnumber[0-9]+\b")
MARKS = re.compile(r"([?!.,;:()\"])(?=\s|$)")


def read_question(question: str) -> Problem:
    """A question with its numbers taken out, as the products hold it.

    Raises:
        UserError: no number, one below zero, of too many digits or in signs that are not read, a word that stands for
            one, half a character, or too long a question.

    >>> read_question("1,000 pens at $0.5 each?").question
    'number0 pens at $ number1 each ?'
    """
    shown = question if len(question) <= 60 else f"{question[:57]}..."
    try:
        question.encode()
    except UnicodeEncodeError as error:
        raise UserError(f"{shown!r}: {question[error.start]!r} is no character of any text") from None
    if len(question) > MAX_CHARACTERS:
        raise UserError(f"{shown!r}: {len(question)} characters; a question may have {MAX_CHARACTERS}")
    if reserved := RESERVED.search(question):
        raise UserError(f"{shown!r}: {reserved[0]!r} stands for a number inside the solver; write another word")
    try:
        found = read_quantities(question)
    except Refused as refused:
        raise UserError(f"{shown!r}: {refused.reason}") from None
    if not found:
        raise UserError(f"{shown!r}: no number in it; numbers are read as digits: 12, 3.5, 1/2 or 1,000")
    parts, done = [], 0
    for place, quantity in enumerate(found):
        parts += [question[done : quantity.start], f" number{place} "]
        done = quantity.end
    masked = "".join([*parts, question[done:]])
    numbers = tuple(quantity.value for quantity in found)
    return Problem(question, " ".join(MARKS.sub(r" \1 ", masked).split()), numbers)
