"""Preference pairs of a question: a right rationale over a wrong one (DPO-ST, arXiv 2407.18248, step 2a).

As the paper's code makes them: near-duplicates dropped among the right and among the wrong ones, both shuffled, all
pairs sorted by how alike they are, the least alike first, and the first three kept. Here a question's pairs follow
from the seed and its own samples alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from selfsown.dpo_st.selection.samples import (
    NEAR,
    UNANSWERED,
    Question,
    Reasons,
    Rules,
    right_texts,
    why_wrong,
    wrong_texts,
)
from selfsown.dpo_st.selection.similarity import TokenSets, distinct, jaccard
from selfsown.shards.seeds import rank

NO_RIGHT = "no right one beside it"
NO_WRONG = "no wrong one beside it"
NOT_CHOSEN = {"least_similar": "not among the least similar", "most_similar": "not among the most similar"}


class PairRules(Rules):
    """Which pairs are made of a question's rationales."""

    per_question: int = Field(ge=1, description="pairs of a question at most")
    prefer: Literal["least_similar", "most_similar"] = Field(description="which of all pairs come first")
    unanswered: bool = Field(description="a text without a final answer may be the rejected one")


@dataclass(frozen=True, slots=True)
class Pair:
    """A right rationale, a wrong one, and the overlap of their token sets."""

    chosen: str
    rejected: str
    similarity: float


def choose_pairs(question: Question, tokens: TokenSets, rules: PairRules, seed: int) -> tuple[list[Pair], Reasons]:
    """The pairs of a question, and why its other texts are in none."""
    right, reasons = right_texts(question, rules)
    wrong = wrong_texts(question, rules)
    if not rules.unanswered:
        unanswered = [text for text in wrong if why_wrong(text) == UNANSWERED]
        reasons |= dict.fromkeys(unanswered, UNANSWERED)
        wrong = [text for text in wrong if text not in reasons]
    if not right or not wrong:
        return [], reasons | dict.fromkeys(right, NO_WRONG) | dict.fromkeys(wrong, NO_RIGHT)
    sides = []
    for texts in (right, wrong):
        kept, near = distinct(texts, tokens, rules.near_duplicate)
        reasons |= dict.fromkeys(near, NEAR)
        sides.append(shuffled(kept, question.id, seed))
    pairs = [Pair(good, bad, jaccard(tokens[good], tokens[bad])) for good in sides[0] for bad in sides[1]]
    sign = 1 if rules.prefer == "least_similar" else -1
    pairs = sorted(pairs, key=lambda pair: sign * pair.similarity)[: rules.per_question]
    used = {text for pair in pairs for text in (pair.chosen, pair.rejected)}
    unused = (text for side in sides for text in side if text not in used)
    return pairs, reasons | dict.fromkeys(unused, NOT_CHOSEN[rules.prefer])


def shuffled(texts: Sequence[str], name: str, seed: int) -> list[str]:
    """In an order that looks random and follows from the seed, the question's name and each text by itself."""
    return sorted(texts, key=lambda text: rank(seed, f"{name}\n{text}"))
