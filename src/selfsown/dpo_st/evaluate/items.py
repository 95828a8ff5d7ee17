"""What is counted of an answer: one value for each measure and question."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from math import comb
from typing import Any

import pandas as pd

from selfsown.dpo_st.selection.similarity import TokenSets, distinct

KS = (1, 3, 5, 10)
"""Of pass@k, where so many answers were drawn."""

GREEDY = {"calculator": "accuracy", "plain": "accuracy_nocalc"}
"""What a mode of answering measures."""

DISTINCT, FLOPS = "distinct_correct", "flops"

COLUMNS = ["measure", "part", "id", "group", "unit", "value"]

Item = tuple[Any, ...]
"""Values of `COLUMNS`."""


def answer_items(answers: pd.DataFrame, tokens: TokenSets, near_duplicate: float) -> pd.DataFrame:
    """The items of one arm.

    Args:
        answers: its rows of `ANSWER`.
        tokens: of all right ones among the drawn.
        near_duplicate: the overlap from which two of these count once.
    """
    drawn = answers["mode"] == "drawn"
    made = [*_greedy(answers[~drawn]), *_drawn(answers[drawn], tokens, near_duplicate)]
    return pd.DataFrame(made, columns=COLUMNS)


def _greedy(answers: pd.DataFrame) -> Iterator[Item]:
    for row in answers.to_dict("records"):
        at = (row["part"], row["id"], row["group"], row["unit"])
        yield (GREEDY[row["mode"]], *at, float(row["correct"]))
        if row["mode"] == "calculator":
            yield ("finished", *at, float(row["finished"]))


def _drawn(answers: pd.DataFrame, tokens: TokenSets, near_duplicate: float) -> Iterator[Item]:
    for at, drawn in answers.groupby(["part", "id", "group", "unit"], sort=False):
        right = drawn[drawn["correct"]]["rationale"]
        for k in KS:
            if k <= len(drawn):
                yield (f"pass_at_{k}", *at, pass_at_k(len(drawn), len(right), k))
        kept, _ = distinct(sorted(right), tokens, near_duplicate)
        yield (DISTINCT, *at, float(len(kept)))


def pass_at_k(drawn: int, right: int, k: int) -> float:
    """Probability that one of k answers is right, chosen among those `drawn` without putting back (Chen et al. 2021).

    >>> pass_at_k(4, 1, 2)
    0.5
    """
    if not 0 <= right <= drawn or not 1 <= k <= drawn:
        raise ValueError(f"pass@{k} of {drawn} answers, {right} of them right")
    return 1 - comb(drawn - right, k) / comb(drawn, k)


def cost_items(flops: Mapping[str, float]) -> dict[str, pd.DataFrame]:
    """What each arm cost, as an item: so a study keeps it of every seed."""
    everything = ("", "all", "all", "all")
    return {arm: pd.DataFrame([(FLOPS, *everything, float(cost))], columns=COLUMNS) for arm, cost in flops.items()}
