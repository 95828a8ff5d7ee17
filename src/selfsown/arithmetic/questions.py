"""Questions in plain English with their answers, written by hand: lines of JSON, `question` and `answer`."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from selfsown.arithmetic.expression import Refused, parse_value
from selfsown.errors import UserError


class Question(NamedTuple):
    """A question as a person asks it, and what is right."""

    text: str
    answer: Fraction


def read_questions(path: Path) -> list[Question]:
    """The questions of a file.

    Raises:
        UserError: a line that is not a question with an answer, or no line.
    """
    found = []
    for line, text in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        try:
            row = json.loads(text)
            found.append(Question(row["question"], parse_value(str(row["answer"]))))
        except (ValueError, KeyError, TypeError, Refused) as error:
            raise UserError(f'{path} line {line}: {error}; expected {{"question": "...", "answer": "12"}}') from None
    if not found:
        raise UserError(f"{path}: no question in it")
    return found
