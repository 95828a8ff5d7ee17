"""MsAT's tasks as questions and answers: `W = 165 . 348 - Q = W . Q ?` and `348 - 165 = 183`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from selfsown.arithmetic import parse_prefix, print_infix
from selfsown.products import read_product
from selfsown.reasoning.rationale import filled
from selfsown.shards.seeds import rank
from selfsown.tinyllama.vocabulary.forms import Message


@dataclass(frozen=True)
class Turn:
    """A task as question and answer, written out when it is asked for: few of all tasks are.

    Attributes:
        task, numbers, equation: as the row of the task has them, the numbers masked in both texts.
        value: what must stand at the end of an answer for it to be right.
    """

    id: str
    task: str
    numbers: tuple[str, ...]
    equation: str
    value: str

    @property
    def question(self) -> str:
        """With its numbers."""
        return filled(self.task, self.numbers)

    @property
    def answer(self) -> str:
        """What is learnt: the calculation and what it comes to."""
        return f"{filled(print_infix(parse_prefix(self.equation)), self.numbers)} = {self.value}"

    @property
    def messages(self) -> list[Message]:
        """As a chat."""
        return [{"role": "user", "content": self.question}, {"role": "assistant", "content": self.answer}]


def turns(tasks: Path, split: str, seed: int) -> list[Turn]:
    """All tasks of a split, of every difficulty that was made, in an order drawn by the seed."""
    found = [turn for product in sorted(tasks.iterdir()) if product.is_dir() for turn in _of(product, split)]
    return sorted(found, key=lambda turn: rank(seed, turn.id))


def _of(product: Path, split: str) -> Iterator[Turn]:
    columns = ["id", "question", "numbers", "equation", "answer", "split"]
    for row in read_product(product, columns).to_pylist():
        if row["split"] == split:
            name = f"{product.name}/{row['id']}"
            yield Turn(name, row["question"], tuple(row["numbers"]), row["equation"], row["answer"])


def said_value(answer: str) -> str:
    """What stands after the last `=` of an answer, or all of it."""
    return answer.rpartition("=")[2].strip()
