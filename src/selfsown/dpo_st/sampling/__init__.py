"""Sampling: K completions of every question, through one interface whatever makes them.

A row is drawn from a random stream of its own, so it depends neither on its batch nor on the number of workers. Here
is what is asked and what comes back; `sampler` holds who answers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from selfsown.params import Params


class SamplingParams(Params):
    """How completions are drawn; the paper draws at temperature 0.7 from the 50 likeliest tokens, up to 300 of them."""

    samples: int = Field(1, ge=1, description="completions of each question")
    temperature: float = Field(0.7, ge=0, description="0: the likeliest token each time")
    top_k: int = Field(50, ge=0, description="draw from that many of the likeliest tokens; 0: from all")
    max_new_tokens: int = Field(300, ge=1)
    batch_size: int = Field(64, ge=1, description="rows that are written at once")
    calculator: bool = Field(True, description="let the calculator write the results of calculations")
    backend: Literal["transformers", "vllm"] = "transformers"


@dataclass(frozen=True, slots=True)
class Request:
    """One completion to write: the `k`-th of the question `id`."""

    id: str
    question: str
    k: int


@dataclass(frozen=True, slots=True)
class Completion:
    """What was written: its text without special tokens, how many tokens it took, its end among them, if it ended."""

    id: str
    k: int
    text: str
    tokens: int
    finished: bool

    @property
    def unread(self) -> bool:
        """Whether the question was too long for the model, so that nothing was written."""
        return self.tokens == 0


UNREAD = "", 0, False
"""Text, tokens and end of a completion whose question was too long."""


def requests_for(questions: list[tuple[str, str]], samples: int) -> list[Request]:
    """`samples` requests for each question, of which id and text are given."""
    return [Request(id, question, k) for id, question in questions for k in range(samples)]
