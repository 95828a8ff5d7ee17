"""Preference pairs out of samples: right rationales over wrong ones, with what the reference model makes of both.

Input: the rationales product, the samples of the reference model and of those before it, the reference model's folder
(DPO-ST, arXiv 2407.18248, algorithm 2: the model after supervised training). Output: a `PAIR` product, its Data Docs.
The reference's log-probabilities are worked out here once: no training step needs its model.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import Field

from selfsown.dpo_st.gate import frames, suites, write_checked
from selfsown.dpo_st.language.models import load_model, load_tokenizer, log_probs
from selfsown.dpo_st.pairs.choice import PairRules, choose_pairs
from selfsown.dpo_st.selection.samples import Reasons, fitting, questions, rejected
from selfsown.dpo_st.selection.similarity import counted, token_ids, token_sets
from selfsown.params import Params
from selfsown.products import CardInfo, read_card, read_product
from selfsown.shards.seeds import chance
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.text.written.normal import normalize_for_comparison

PAIR = pa.schema([
    ("id", pa.string()), ("question", pa.string()), ("gold", pa.string()), ("chosen", pa.string()),
    ("rejected", pa.string()), ("similarity", pa.float64()), ("split", pa.string()),
    ("ref_chosen_logps", pa.float64()), ("ref_rejected_logps", pa.float64()),
])  # fmt: skip
"""One pair of rationales for a question.

id, question, gold: the question's, and its answer.
chosen, rejected: a rationale that ends with the answer, and one that does not.
similarity: the overlap (Jaccard) of their sets of tokens.
split: train or eval; all pairs of a question are on one.
ref_chosen_logps, ref_rejected_logps: log-probabilities of the rationales, the learnt tokens' sum, by the reference.
"""


class ReferenceParams(Params):
    """How the reference reads pairs; `mask_results`: what the calculator writes is not counted, as in training."""

    mask_results: bool
    batch_size: int = Field(ge=1)


class PairsParams(StageParams):
    """Section `dpo_st.pairs`; `eval_share`: of the questions, those whose pairs are only looked at while training."""

    data_seed: int = Field(ge=0)
    rules: PairRules
    eval_share: float = Field(ge=0, lt=1)
    reference: ReferenceParams
    expect: suites.PairLimits


@stage()
def pairs(params: PairsParams, *, name: str, problems: In, samples: In, model: In, pairs: Out, report: Out) -> Metrics:
    """Choose the pairs, and check them before they are a product.

    Raises:
        GateError: an expectation failed; `report` says which, and the rows are in `pairs`, which has no card.
    """
    table = read_product(samples)
    tokenizer = load_tokenizer(model)
    ids = token_ids(tokenizer, table["rationale"].to_pylist())
    rows, reasons = chosen_rows(table, ids, params)
    rows = with_reference(rows, model, tokenizer, params.reference)
    made = pa.Table.from_pylist(rows, PAIR)
    asked = frames.learnt_questions(problems)
    rationales: dict[str, set[str]] = {}
    for row in rows:
        rationales.setdefault(row["id"], set()).update((row["chosen"], row["rejected"]))
    looked_at = frames.pair_frame(made, counted(ids), frames.held_out_questions(problems))
    about = read_card(samples)
    card = write_checked(
        pairs,
        made,
        card=CardInfo(
            name=f"dpo_st pairs {name}",
            licence=about.licence,
            source=about.source,
            seed=params.data_seed,
            contaminated=about.contaminated,
            note=f"At most {params.rules.per_question} pairs a question, the eval pairs of questions of their own.",
        ),
        rejected=rejected(table, reasons),
        looked_at={
            "pairs": (looked_at, suites.pairs(params.expect)),
            "questions": (frames.question_frame(asked, rationales), suites.questions(params.expect)),
        },
        report=report,
    )
    splits = made["split"].to_pylist()
    return {
        "questions": len(asked),
        "questions_with_pairs": len(rationales),
        **{f"pairs_{split}": splits.count(split) for split in ("train", "eval")},
        "similarity": float(looked_at["similarity"].mean()),
        **{f"rejected_{reason.replace(' ', '_')}": count for reason, count in card.dropped.items()},
    }


def chosen_rows(
    table: pa.Table, ids: Mapping[str, list[int]], params: PairsParams
) -> tuple[list[dict[str, Any]], dict[str, Reasons]]:
    """Rows of `PAIR` without the reference's columns, question by question; and why other samples are in none."""
    tokens, lengths = token_sets(ids), counted(ids)
    rows: list[dict[str, Any]] = []
    reasons: dict[str, Reasons] = {}
    for asked in questions(table):
        question, why = fitting(asked, lengths, params.rules)
        made, others = choose_pairs(question, tokens, params.rules, params.data_seed)
        reasons[question.id] = why | others
        known = {"id": question.id, "question": question.question, "gold": question.gold}
        split = _split(question.question, params)
        rows += [
            {**known, "chosen": p.chosen, "rejected": p.rejected, "similarity": p.similarity, "split": split}
            for p in made
        ]
    return rows, reasons


def _split(question: str, params: PairsParams) -> str:
    """By the question's text alone: it stays where it is whatever else is asked, in later iterations too."""
    return "eval" if chance(normalize_for_comparison(question), params.data_seed) < params.eval_share else "train"


def with_reference(
    rows: list[dict[str, Any]], model: Path, tokenizer: Any, params: ReferenceParams
) -> list[dict[str, Any]]:
    """The rows with the reference's log-probabilities of both rationales."""
    if not rows:
        return []
    read = [(row["question"], row[side]) for side in ("chosen", "rejected") for row in rows]
    found = log_probs(
        load_model(model), tokenizer, read, mask_results=params.mask_results, batch_size=params.batch_size
    )
    both = zip(rows, found[: len(rows)], found[len(rows) :], strict=True)
    return [{**row, "ref_chosen_logps": chosen, "ref_rejected_logps": rejected} for row, chosen, rejected in both]
