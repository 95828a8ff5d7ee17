"""Pairs and labels as their suites look at them: every answer and every calculation worked out again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow as pa

from selfsown.dpo_st.selection.samples import WRONG, why_wrong
from selfsown.dpo_st.selection.soundness import annotation_fault
from selfsown.products import read_product
from selfsown.reasoning.rationale import LEARNT, is_right
from selfsown.text.written.normal import normalize_for_comparison

Lengths = Mapping[str, int]
"""Tokens of each text."""


def held_out_questions(problems: Path) -> dict[str, str]:
    """Questions that nothing may learn from, in the form in which two are the same, with their split."""
    rows = read_product(problems, ["question", "split"]).to_pylist()
    return {normalize_for_comparison(row["question"]): row["split"] for row in rows if row["split"] not in LEARNT}


def learnt_questions(problems: Path) -> list[str]:
    """Ids of the questions that may be learnt from."""
    rows = read_product(problems, ["id", "split"]).to_pylist()
    return [row["id"] for row in rows if row["split"] in LEARNT]


def pair_frame(table: pa.Table, lengths: Lengths, held_out: Mapping[str, str]) -> pd.DataFrame:
    """The rows of `PAIR`, and what is worked out of each; faults are missing where there is none.

    `chosen_fault`, `rejected_fault`: why the chosen one is not right, or the rejected one is. `wrong_calculation`: of
    the chosen one. `chosen_tokens`, `rejected_tokens`. `held_out`: the split of the question, if it is none to learn
    from. `shared`: its other split, if the question is on both.
    """
    frame = table.to_pandas()
    said = frame["question"].map(normalize_for_comparison)
    splits = frame.groupby(said)["split"].agg(lambda values: sorted(set(values)))
    chosen, rejected = (list(zip(frame[side], frame["gold"], strict=True)) for side in ("chosen", "rejected"))
    return frame.assign(
        chosen_fault=_texts(why_not_right(*each) for each in chosen),
        rejected_fault=_texts("it is right" if is_right(*each) else None for each in rejected),
        wrong_calculation=_texts(annotation_fault(text) for text in frame["chosen"]),
        chosen_tokens=frame["chosen"].map(lengths),
        rejected_tokens=frame["rejected"].map(lengths),
        held_out=_texts(held_out.get(text) for text in said),
        shared=_texts(" and ".join(splits[text]) if len(splits[text]) > 1 else None for text in said),
    )


def label_frame(table: pa.Table, lengths: Lengths, held_out: Mapping[str, str]) -> pd.DataFrame:
    """The rows of `LABEL` with `fault`, `wrong_calculation`, `tokens` and `held_out`, as `pair_frame` has them."""
    frame = table.to_pandas()
    return frame.assign(
        fault=_texts(why_not_right(*each) for each in zip(frame["rationale"], frame["gold"], strict=True)),
        wrong_calculation=_texts(annotation_fault(text) for text in frame["rationale"]),
        tokens=frame["rationale"].map(lengths),
        held_out=_texts(held_out.get(normalize_for_comparison(text)) for text in frame["question"]),
    )


def question_frame(asked: Sequence[str], rationales: Mapping[str, set[str]]) -> pd.DataFrame:
    """Every question that was asked: whether anything is learnt from it, and of how many different rationales.

    The number is missing where there is none, so that a mean is one over questions that have some.
    """
    counts = [len(rationales.get(name, ())) for name in asked]
    return pd.DataFrame({
        "id": list(asked),
        "learnt": [float(count > 0) for count in counts],
        "rationales": [float(count) if count else float("nan") for count in counts],
    })  # fmt: skip


def why_not_right(text: str, gold: str) -> str | None:
    """Why a rationale does not end with the answer; None where it does."""
    if is_right(text, gold):
        return None
    reason = why_wrong(text)
    return f"{reason}, {gold} is right" if reason == WRONG else reason


def _texts(values: Iterable[str | None]) -> pd.Series[str]:
    """A column of texts, missing as None."""
    return pd.Series(list(values), dtype=object)
