"""How a question and its rationale become tokens, for any tokenizer, and which of them a model is trained to say.

A question is put as the tokenizer's chat template puts it, a rationale is what follows, and the end token. What a
calculator will write in a rationale, a model need not learn to say. Text that looks like a special token is text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from jinja2 import TemplateError

from selfsown.errors import UserError

IGNORED = -100
"""The label of what no loss is taken of."""

_QUESTION = "\ue000"
"""Stands for a question where a template is looked at; no text has this character."""

_RESULT = re.compile(r"<<[^<>=]*=([^<>=]*)>>|\[[^\[\]=]*=([^\[\]=]*)\]")

Token = tuple[int, int, int]
"""A token, and where in the text it begins and ends."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """A question and its rationale as tokens, and which tokens of the rationale are learnt."""

    question: list[int]
    rationale: list[int]
    learnt: list[bool]

    @property
    def length(self) -> int:
        """Tokens that a model reads."""
        return len(self.question) + len(self.rationale)

    @property
    def labels(self) -> list[int]:
        """The rationale, `IGNORED` where it is not learnt."""
        return [token if learnt else IGNORED for token, learnt in zip(self.rationale, self.learnt, strict=True)]


def exchanges(tokenizer: Any, texts: Iterable[tuple[str, str]], *, mask_results: bool) -> list[Exchange]:
    """Questions with their rationales as tokens; each different question is put once."""
    asked: dict[str, list[int]] = {}
    made = []
    for question, rationale in texts:
        if question not in asked:
            asked[question] = encode_question(tokenizer, question)
        made.append(Exchange(asked[question], *encode_rationale(tokenizer, rationale, mask_results=mask_results)))
    return made


def encode_question(tokenizer: Any, question: str) -> list[int]:
    """A question as the tokenizer's chat template puts it, up to where the answer begins: `[tokens]`.

    Raises:
        UserError: no template, one with a fault, or one that does not say the question once.
    """
    before, found, after = _rendered(tokenizer, _QUESTION).partition(_QUESTION)
    text = _rendered(tokenizer, question)
    if not found or _QUESTION in after or not (text.startswith(before) and text.endswith(after)):
        raise UserError("the tokenizer's chat_template must say the user's message, and once")
    begin, end = len(before), len(text) - len(after)
    tokens = _encoded(tokenizer, text)
    return [token for token, _, _ in _without_special(tokenizer, text, tokens, begin, end)]


def encode_rationale(tokenizer: Any, rationale: str, *, mask_results: bool) -> tuple[list[int], list[bool]]:
    """A rationale and the end token, as they follow a question.

    Returns:
        Tokens `[tokens]`, and which of them are learnt: with `mask_results` all but those that begin inside the result
        of an annotation, between its `=` and its end.
    """
    tokens = _without_special(tokenizer, rationale, _encoded(tokenizer, rationale), 0, len(rationale))
    results = [found.span(found.lastindex or 0) for found in _RESULT.finditer(rationale)] if mask_results else []
    learnt = [not any(begin <= start < end for begin, end in results) for _, start, _ in tokens]
    return [*(token for token, _, _ in tokens), tokenizer.eos_token_id], [*learnt, True]


def _rendered(tokenizer: Any, question: str) -> str:
    if tokenizer.chat_template is None:
        raise UserError("the tokenizer has no chat template to put a question by: set `chat_template` where it is made")
    said = [{"role": "user", "content": question}]
    try:
        text: str = tokenizer.apply_chat_template(said, tokenize=False, add_generation_prompt=True)
    except TemplateError as error:
        raise UserError(f"the tokenizer's chat_template: {error}") from None
    return text


def _encoded(tokenizer: Any, text: str, **how: bool) -> list[Token]:
    """The tokens of a text and nothing around them."""
    made = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False, **how)
    return [(token, *span) for token, span in zip(made["input_ids"], made["offset_mapping"], strict=True)]


def _without_special(tokenizer: Any, text: str, tokens: list[Token], begin: int, end: int) -> list[Token]:
    """The tokens, but that special ones which stand for something between `begin` and `end` are spelled out."""
    special = _special_ids(tokenizer)
    made: list[Token] = []
    for token, start, stop in tokens:
        if token in special and start < end and stop > begin:
            made += [(each, start, stop) for each in _spelled(tokenizer, text[start:stop], special)]
        else:
            made.append((token, start, stop))
    return made


def _special_ids(tokenizer: Any) -> set[int]:
    """Tokens that mean something by themselves; the one for the unknown is text."""
    found = {index for index, token in tokenizer.added_tokens_decoder.items() if token.special}
    return found - {tokenizer.unk_token_id}


def _spelled(tokenizer: Any, text: str, special: set[int]) -> list[int]:
    """A text in other tokens; a unigram vocabulary has its special tokens among the rest, so there it is cut up."""
    ids = [token for token, _, _ in _encoded(tokenizer, text, split_special_tokens=True)]
    if not special.intersection(ids):
        return ids
    if len(text) == 1:
        return []
    return _spelled(tokenizer, text[:1], special) + _spelled(tokenizer, text[1:], special)
