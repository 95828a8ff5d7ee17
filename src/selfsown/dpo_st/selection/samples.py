"""A question's samples, and what became of each: kept, or rejected for a reason."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import pyarrow as pa
from pydantic import Field

from selfsown.dpo_st.attempts.product import GOLD, SAMPLE
from selfsown.dpo_st.selection.soundness import annotation_fault
from selfsown.params import Params, Range
from selfsown.reasoning.rationale import final_answer
from selfsown.shards import with_reason

DUPLICATE = "duplicate"
UNANSWERED = "no final answer"
WRONG = "wrong answer"
UNSOUND = "wrong calculation"
NEAR = "near-duplicate"
NO_GOLD = "a labelled rationale"
LENGTH = "too short or too long"


class Rules(Params):
    """Which rationales of a question are there to choose from, and in which order."""

    near_duplicate: float = Field(gt=0, le=1, description="overlap of token sets; what is more alike is dropped")
    gold: bool = Field(description="the labelled rationale is among the right ones, and the first of them")
    order: Literal["text", "newest"] = Field(
        description="of the others: by their text, as the paper's code does, or those of the newest model first"
    )
    check_calculations: bool = Field(description="right ones with an annotation that does not come out are left out")
    tokens: Range = Field(description="tokens of a right rationale; a wrong one may be shorter, but not longer")


@dataclass(frozen=True, slots=True)
class Sample:
    """One rationale for a question: a row of `SAMPLE`, without what all rows of the question share."""

    text: str
    correct: bool
    model: str
    order: int = 0

    @property
    def gold(self) -> bool:
        """Whether it is the labelled one."""
        return self.model == GOLD


@dataclass(frozen=True)
class Question:
    """A question with all its samples, in the order of the product."""

    id: str
    question: str
    gold: str
    samples: tuple[Sample, ...]


def questions(table: pa.Table) -> list[Question]:
    """The rows of a sample product by question, questions in the order in which they first stand there."""
    rows: dict[str, list[Mapping[str, Any]]] = {}
    for row in table.select(SAMPLE.names).to_pylist():
        rows.setdefault(row["id"], []).append(row)
    return [
        Question(
            name,
            own[0]["question"],
            own[0]["gold"],
            tuple(Sample(row["rationale"], row["correct"], row["model"], row["order"]) for row in own),
        )
        for name, own in rows.items()
    ]


Reasons = dict[str, str]
"""Why a text was not chosen."""


def fitting(question: Question, lengths: Mapping[str, int], rules: Rules) -> tuple[Question, Reasons]:
    """The question with the samples that are neither too short nor too long; and why the others are left out.

    Args:
        lengths: tokens of each text.
    """
    low, high = rules.tokens.low, rules.tokens.high
    kept = [each for each in question.samples if (low if each.correct else 0) <= lengths[each.text] <= high]
    reasons = {each.text: LENGTH for each in question.samples if each not in kept}
    return replace(question, samples=tuple(kept)), reasons


def right_texts(question: Question, rules: Rules) -> tuple[list[str], Reasons]:
    """Right rationales, each once, in the order of the rules; and why others were left out."""
    right = [sample for sample in question.samples if sample.correct]
    reasons: Reasons = {}
    if not rules.gold:
        reasons = {sample.text: NO_GOLD for sample in right if sample.gold}
    if rules.check_calculations:
        faults = {sample.text: annotation_fault(sample.text) for sample in right}
        reasons |= {text: f"{UNSOUND}: {fault}" for text, fault in faults.items() if fault}
    labelled = dict.fromkeys(sample.text for sample in right if sample.gold)
    others = in_order((sample for sample in right if not sample.gold), rules)
    return [text for text in dict.fromkeys([*labelled, *others]) if text not in reasons], reasons


def wrong_texts(question: Question, rules: Rules) -> list[str]:
    """Wrong rationales, each once, in the order of the rules."""
    return in_order((sample for sample in question.samples if not sample.correct), rules)


def in_order(samples: Iterable[Sample], rules: Rules) -> list[str]:
    """The texts of some samples, each once."""
    if rules.order == "text":
        return sorted({sample.text for sample in samples})
    return list(dict.fromkeys(sample.text for sample in sorted(samples, key=lambda sample: -sample.order)))


def why_wrong(text: str) -> str:
    """The reason of a text that does not end with the answer."""
    return WRONG if final_answer(text) is not None else UNANSWERED


def writers(question: Question) -> dict[str, str]:
    """The model that each text is of; of several the newest, but that the labelled one is nobody else's."""
    ordered = sorted(question.samples, key=lambda sample: (not sample.gold, -sample.order))
    return {sample.text: sample.model for sample in reversed(ordered)}


def rejected(table: pa.Table, reasons: Mapping[str, Reasons]) -> pa.Table:
    """The samples that were not chosen, with their reasons; what repeats a text of its question is a duplicate."""
    names, texts = table["id"].to_pylist(), table["rationale"].to_pylist()
    seen: set[tuple[str, str]] = set()
    places, why = [], []
    for place, (name, text) in enumerate(zip(names, texts, strict=True)):
        reason = DUPLICATE if (name, text) in seen else reasons[name].get(text)
        seen.add((name, text))
        if reason:
            places.append(place)
            why.append(reason)
    return with_reason(table.take(pa.array(places, pa.int64())), why)
