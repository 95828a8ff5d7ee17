"""Reason about math word problems step by step: the lines, what the calculator said, the answer.

selfsown rationale "A box holds 12 pens. How many pens do 7 boxes hold?"
Reasoner.load(folder).reason(["A box holds 12 pens. How many pens do 7 boxes hold?"])
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np

from selfsown.arithmetic import print_value
from selfsown.checkpoint import Asking, answer_for, model_folder, model_options
from selfsown.dpo_st.language.forms import encode_question
from selfsown.dpo_st.language.models import load_model, load_tokenizer
from selfsown.dpo_st.sampling import Request, SamplingParams
from selfsown.dpo_st.sampling.sampler import Sampler
from selfsown.errors import UserError
from selfsown.reasoning.calculator import calculate
from selfsown.reasoning.rationale import ANNOTATION, MARK, final_answer, in_native

NEW_TOKENS = 300
MAX_CHARACTERS = 4000


@click.command(cls=Asking)
@click.argument("questions", nargs=-1, required=True)
@click.option("--temperature", default=0.0, show_default=True, help="0: the likeliest token each time")
@click.option("--new-tokens", default=NEW_TOKENS, show_default=True, help="a rationale's length at most")
@click.option("--calculator/--no-calculator", default=True, show_default=True, help="let it write the results")
@model_options("selfsown-dpo-st")
def command(
    questions: tuple[str, ...],
    temperature: float,
    new_tokens: int,
    calculator: bool,
    model: str,
    alias: str,
    folder: Path | None,
) -> None:
    """Reason about math word problems step by step, with each calculation."""
    with model_folder(model, alias, folder, marked_by="tokenizer.json") as found:
        reasoner = Reasoner.load(found, temperature=temperature, new_tokens=new_tokens, calculator=calculator)
    faults = {question: fault for question in questions if (fault := reasoner.fault(question))}
    for place, reasoning in enumerate(reasoner.reason([question for question in questions if question not in faults])):
        click.echo(f"\n{reasoning}" if place else str(reasoning))
    answer_for(faults.values())


@dataclass(frozen=True)
class Step:
    """A calculation in a rationale, and the result that stands there.

    `worked_out` is whether the calculator comes to the same: it writes all results that it is let write.
    """

    calculation: str
    result: str
    worked_out: bool


@dataclass(frozen=True)
class Reasoning:
    """What was written about a question, and the answer at its end, exact; empty where there is none."""

    question: str
    rationale: str
    answer: str

    @property
    def lines(self) -> list[tuple[str, list[Step]]]:
        """The lines as people read them, each with its calculations."""
        lines = [line for line in in_native(self.rationale).splitlines() if line.strip()]
        return [(ANNOTATION.sub("", line).strip(), list(_steps(line))) for line in lines if not line.startswith(MARK)]

    def __str__(self) -> str:
        said = []
        for line, steps in self.lines:
            said.append(line)
            said += [f"    {step.calculation} = {step.result}{_doubt(step)}" for step in steps]
        return "\n".join([*said, f"answer  {self.answer}" if self.answer else "no answer: it came to no number"])


def _steps(line: str) -> Iterator[Step]:
    for found in ANNOTATION.finditer(line):
        calculation, result = found[1].strip(), found[2].strip()
        yield Step(calculation, result, calculate(calculation) == result)


def _doubt(step: Step) -> str:
    return "" if step.worked_out else "    (not the calculator's)"


class Reasoner:
    """A trained model, ready to be asked."""

    def __init__(self, network: Any, tokenizer: Any, params: SamplingParams) -> None:
        self.network, self.tokenizer, self.params = network, tokenizer, params

    @classmethod
    def load(
        cls, folder: Path, *, temperature: float = 0.0, new_tokens: int = NEW_TOKENS, calculator: bool = True
    ) -> Reasoner:
        """The model of a folder.

        Raises:
            UserError: a temperature below zero, or no tokens to write.
        """
        if temperature < 0 or new_tokens < 1:
            raise UserError("--temperature must be 0 or more, --new-tokens 1 or more")
        params = SamplingParams(temperature=temperature, max_new_tokens=new_tokens, calculator=calculator)
        return cls(load_model(folder), load_tokenizer(folder), params)

    def reason(self, questions: Sequence[str]) -> list[Reasoning]:
        """A rationale for each question, in their order.

        Raises:
            UserError: a question is empty or too long.
        """
        if not questions:
            return []
        if fault := next(filter(None, map(self.fault, questions)), ""):
            raise UserError(fault)
        params = self.params.model_copy(update={"max_new_tokens": self._tokens_left(questions)})
        requests = [Request(str(place), text, 0) for place, text in enumerate(questions)]
        made = Sampler.of(self.network, self.tokenizer, params, seed=0).complete(requests)
        return [_reasoning(question, each.text) for question, each in zip(questions, made, strict=True)]

    def fault(self, question: str) -> str:
        """Why a question cannot be put to the model; empty where it can."""
        shown = question if len(question) <= 60 else f"{question[:57]}..."
        if not question.strip() or len(question) > MAX_CHARACTERS:
            return f"{shown!r}: a question has 1 to {MAX_CHARACTERS} characters, this one {len(question)}"
        room, tokens = self._room, len(encode_question(self.tokenizer, question))
        if room is not None and tokens >= room:
            return f"{shown!r}: the question has {tokens} tokens; the model sees {room}, and must answer within them"
        return ""

    @property
    def _room(self) -> int | None:
        """Tokens that the model sees, question and answer together; None where they do not share them."""
        config = self.network.config
        return None if config.is_encoder_decoder else getattr(config, "max_position_embeddings", None)

    def _tokens_left(self, questions: Sequence[str]) -> int:
        """So many as were asked for, or as the model sees beside the longest question."""
        if self._room is None:
            return self.params.max_new_tokens
        longest = max(len(encode_question(self.tokenizer, question)) for question in questions)
        return min(self.params.max_new_tokens, self._room - longest)


def _reasoning(question: str, rationale: str) -> Reasoning:
    value = final_answer(rationale)
    return Reasoning(question, rationale, "" if value is None else print_value(value))


def serve(folder: str) -> Any:
    """What a registered model does with a batch of questions: their rationales, calculator's results among them."""
    reasoner = Reasoner.load(Path(folder))
    return lambda questions: [
        reasoning.rationale for reasoning in reasoner.reason(np.ravel(questions).astype(str).tolist())
    ]
