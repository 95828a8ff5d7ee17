"""How numbers stand in a question and in what the seq2seq solver writes (section 3.2 of the paper).

`digits`: 65 is written `#6 5#`, so a model sees its size; `symbolic`: `number0`, so it sees only which one it is;
`prefix`: digits again, but the program is a prefix expression instead of code, and states no number.
Input: problems as the products hold them (`number0`, `number1`, ... in the question). Output: token ids, and for each
number the first and the last token of its mention; both solvers read a number off these two.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from selfsown.arithmetic import Expression, evaluate, parse_decimal, parse_prefix

Style = Literal["digits", "symbolic", "prefix"]
PLACEHOLDER = re.compile(r"\bnumber([0-9]{1,3})\b")
DECIMALS = 3
"""Digits after the point that a model is shown; more would cost length and tell it nothing."""


class Unreadable(ValueError):
    """A problem that a solver cannot read: no number, a number that is not mentioned, or too long a question."""


@dataclass(frozen=True)
class Problem:
    """A question with its numbers; `expression` and `answer` are the gold ones, None when nobody knows."""

    id: str
    question: str
    numbers: tuple[Fraction, ...]
    expression: Expression | None = None
    answer: Fraction | None = None


@dataclass(frozen=True)
class Encoded:
    """Token ids of a question and, per number, its first and last token."""

    input_ids: list[int]
    spans: list[tuple[int, int]]


def problem_of(row: Mapping[str, Any]) -> Problem:
    """A row of a `PROBLEM` product.

    Raises:
        Refused: its equation cannot be read or evaluated.
    """
    numbers = tuple(parse_decimal(text) for text in row["numbers"])
    expression = parse_prefix(row["equation"])
    return Problem(row["id"], row["question"], numbers, expression, evaluate(expression, numbers))


def written(number: Fraction, style: Style, index: int) -> str:
    """A number as a question shows it.

    >>> written(Fraction(13, 2), "digits", 0), written(Fraction(565), "symbolic", 1)
    ('#6 . 5#', 'number1')
    """
    if style == "symbolic":
        return f"number{index}"
    return f"#{' '.join(decimal(number))}#"


def decimal(number: Fraction) -> str:
    """The shortest decimal, of at most `DECIMALS` places, that is the number or nearest to it."""
    scaled = round(abs(number) * 10**DECIMALS)
    whole, rest = divmod(scaled, 10**DECIMALS)
    places = f"{rest:0{DECIMALS}d}".rstrip("0")
    return ("-" if number < 0 else "") + str(whole) + (f".{places}" if places else "")


def render(problem: Problem, style: Style) -> tuple[str, list[tuple[int, int]]]:
    """The text of a question and, per number, the first and last character of its first mention.

    Raises:
        Unreadable: no number, a number without a mention, or a mention without a number.
    """
    if not problem.numbers:
        raise Unreadable("no number in the question")
    parts: list[str] = []
    mentions: dict[int, tuple[int, int]] = {}
    length = done = 0
    for match in PLACEHOLDER.finditer(problem.question):
        index = int(match[1])
        if index >= len(problem.numbers):
            raise Unreadable(f"{match[0]} is mentioned, but there are {len(problem.numbers)} numbers")
        shown = written(problem.numbers[index], style, index)
        parts += [problem.question[done : match.start()], shown]
        start = length + match.start() - done
        length, done = start + len(shown), match.end()
        mentions.setdefault(index, (start, length - 1))
    if missing := [index for index in range(len(problem.numbers)) if index not in mentions]:
        raise Unreadable(f"number{missing[0]} is not mentioned in the question")
    text = "".join([*parts, problem.question[done:]])
    return text, [mentions[index] for index in range(len(problem.numbers))]


def encode(
    tokenizer: PreTrainedTokenizerBase, problems: Sequence[Problem], style: Style, max_tokens: int
) -> list[Encoded | Unreadable]:
    """Questions as the encoder takes them; what cannot be read stands in its place as the reason."""
    rendered: list[tuple[str, list[tuple[int, int]]] | Unreadable] = []
    for problem in problems:
        try:
            rendered.append(render(problem, style))
        except Unreadable as reason:
            rendered.append(reason)
    texts = [item[0] for item in rendered if not isinstance(item, Unreadable)]
    if not texts:
        return [item for item in rendered if isinstance(item, Unreadable)]
    encodings = iter(tokenizer(texts, truncation=False, verbose=False).encodings)
    results: list[Encoded | Unreadable] = []
    for item in rendered:
        if isinstance(item, Unreadable):
            results.append(item)
            continue
        encoding = next(encodings)
        if len(encoding.ids) > max_tokens:  # what a question asks for stands at its end
            results.append(Unreadable(f"a question of {len(encoding.ids)} tokens; the solver reads {max_tokens}"))
            continue
        spans = [(encoding.char_to_token(first), encoding.char_to_token(last)) for first, last in item[1]]
        results.append(Encoded(encoding.ids, spans))
    return results


def collate(rows: Sequence[Encoded], pad: int) -> dict[str, Tensor]:
    """A batch: `input_ids` and `attention_mask` `[batch, tokens]`, `spans` `[batch, numbers, 2]`, padded with -1."""
    tokens = max(len(row.input_ids) for row in rows)
    numbers = max(len(row.spans) for row in rows)
    input_ids = torch.full((len(rows), tokens), pad)
    attention_mask = torch.zeros((len(rows), tokens), dtype=torch.long)
    spans = torch.full((len(rows), numbers, 2), -1)
    for index, row in enumerate(rows):
        input_ids[index, : len(row.input_ids)] = torch.tensor(row.input_ids)
        attention_mask[index, : len(row.input_ids)] = 1
        spans[index, : len(row.spans)] = torch.tensor(row.spans)
    return {"input_ids": input_ids, "attention_mask": attention_mask, "spans": spans}
