"""The calculator inside a batch, for any tokenizer: it looks at each row's last token and at nothing before it.

What a token writes is looked up in a table that is made once. A row keeps the calculator's state and the tokens it
still owes, so a step costs the same however long the text is; the paper's code (arXiv 2407.18248) decodes every row
anew in every step, and spells results a character a token, which is wrong where a token may be several digits.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import torch
from torch import Tensor
from transformers import LogitsProcessor

from selfsown.errors import UserError
from selfsown.reasoning.calculator import Calculator

_RESULT_SIGNS = frozenset("0123456789.- >]")


class Spelling:
    """What every token of a vocabulary writes, and how a result is written in tokens.

    Attributes:
        pieces: what each token adds to a text that is not empty; special tokens add nothing.
        opens: which tokens may open a calculation.
        glued: tokens that write on after an equals sign; the calculator could not get in there.

    Raises:
        UserError: the vocabulary can write results in neither form.
    """

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.pieces = _pieces(tokenizer)
        self.opens = [_may_open(piece) for piece in self.pieces]
        equals = any(piece.endswith("=") for piece in self.pieces)
        glued = [id for id, piece in enumerate(self.pieces) if "=" in piece and not piece.endswith("=")]
        self.glued = torch.tensor(glued if equals else [], dtype=torch.long)
        self._signs = {piece: id for id, piece in reversed(list(enumerate(self.pieces))) if {*piece} <= _RESULT_SIGNS}
        self._signs.pop("", None)
        self._longest = max(map(len, self._signs), default=0)
        self.tokens = lru_cache(maxsize=1 << 16)(self._spelled)
        if not self.tokens("0>>") and not self.tokens(" 0]"):
            raise UserError(
                "the tokenizer can write neither `>>` nor `]` after a digit: the calculator cannot write results with "
                "it; set `calculator: false`, or take another tokenizer"
            )

    def cover(self, size: int) -> None:
        """Know as many tokens as a model has; those without a name write nothing."""
        missing = size - len(self.pieces)
        self.pieces += [""] * missing
        self.opens += [False] * missing

    def _spelled(self, text: str) -> tuple[int, ...]:
        """The tokens that write exactly this text after an equals sign; none where the vocabulary cannot.

        They are those of the tokenizer itself, which a model has seen in training, where these write the text.
        """
        ids = self._tokenizer.encode(f"={text}", add_special_tokens=False)
        for place in range(1, len(ids)):
            before, after = (self._text(part) for part in (ids[:place], ids[place:]))
            if before.lstrip() == "=" and after == text:
                return tuple(ids[place:])
        return self._fewest(text)

    def _text(self, ids: list[int]) -> str:
        return "".join(self.pieces[id] for id in ids)

    def _fewest(self, text: str) -> tuple[int, ...]:
        """As few tokens as possible, found from the front: `best[i]` writes the first i characters."""
        best: list[tuple[int, ...] | None] = [()]
        for end in range(1, len(text) + 1):
            ways = [
                (*before, self._signs[text[start:end]])
                for start in range(max(0, end - self._longest), end)
                if (before := best[start]) is not None and text[start:end] in self._signs
            ]
            best.append(min(ways, key=len, default=None))
        return best[-1] or ()


def _pieces(tokenizer: Any) -> list[str]:
    """What each token adds after a digit: decoders treat the first token of a text in a way of their own."""
    digit = tokenizer.encode("0", add_special_tokens=False)[-1:]
    pairs = [[*digit, id] for id in range(len(tokenizer))]
    first, *texts = tokenizer.batch_decode(
        [digit, *pairs], skip_special_tokens=True, clean_up_tokenization_spaces=False
    )
    if not first.strip():
        raise UserError("the tokenizer cannot write the digit 0: the calculator cannot write results with it")
    return [text[len(first) :] for text in texts]


def _may_open(piece: str) -> bool:
    return "<" in piece or "[" in piece


class Row:
    """One row: what its calculator knows, and the tokens it still owes.

    `busy`: a calculation is open, or its result not yet written, so that the next token must be heard.
    """

    __slots__ = ("_calculator", "_due", "_spelling", "busy")

    def __init__(self, spelling: Spelling) -> None:
        self._spelling = spelling
        self._calculator = Calculator()
        self._due: list[int] = []
        self.busy = False

    @property
    def listening(self) -> bool:
        """Whether a calculation is open."""
        return self._calculator.listening

    def after(self, token: int) -> int | None:
        """The token that must follow the row's last one; None where the model is free."""
        if not self._due:
            text = self._calculator.feed(self._spelling.pieces[token])
            self._due = list(reversed(self._spelling.tokens(text))) if text else []
        wanted = self._due.pop() if self._due else None
        self.busy = wanted is not None or self._calculator.listening
        return wanted


class Step:
    """What the calculators of a batch have to say about its next tokens."""

    def __init__(self, spelling: Spelling) -> None:
        self._spelling = spelling
        self._forced: dict[int, int] = {}
        self._listening: list[int] = []

    def take(self, place: int, row: Row, token: int) -> None:
        """Hear the last token of the row that stands at `place`, unless neither has to do with a calculation."""
        if not (row.busy or self._spelling.opens[token]):
            return
        wanted = row.after(token)
        if wanted is not None:
            self._forced[place] = wanted
        elif row.listening:
            self._listening.append(place)

    def apply(self, scores: Tensor) -> Tensor:
        """Scores `[rows, vocabulary]`, changed in place: where a token is due, no other is left."""
        if self._listening and len(self._spelling.glued):
            rows = torch.tensor(self._listening, device=scores.device)
            scores[rows[:, None], self._spelling.glued.to(scores.device)] = -torch.inf
        if self._forced:
            rows, tokens = torch.tensor([*self._forced.items()], device=scores.device).T
            scores.index_fill_(0, rows, -torch.inf)
            scores[rows, tokens] = 0.0
        return scores


class CalculatorProcessor(LogitsProcessor):
    """The calculators of one call of `generate`, without beams; rows neither move nor leave there."""

    def __init__(self, spelling: Spelling) -> None:
        self._spelling = spelling
        self._rows: list[Row] = []

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """`input_ids` `[rows, tokens]`, scores `[rows, vocabulary]`, which are changed in place."""
        if not self._rows:  # what stands there yet is the prompt
            self._spelling.cover(scores.shape[-1])
            self._rows = [Row(self._spelling) for _ in range(len(scores))]
            return scores
        step = Step(self._spelling)
        for place, (row, token) in enumerate(zip(self._rows, input_ids[:, -1].tolist(), strict=True)):
            step.take(place, row, token)
        return step.apply(scores)
