"""Pseudo-labels out of samples: the right rationales a model wrote, beside the labelled ones (DPO-ST, algorithm 2).

Input: the rationales product, the samples of a model and of those before it, and the model that will learn (its
vocabulary says which rationales are alike). Output: a `LABEL` product, its Data Docs.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
from pydantic import Field

from selfsown.dpo_st.attempts.product import GOLD
from selfsown.dpo_st.gate import frames, suites, write_checked
from selfsown.dpo_st.labels.choice import OVER_CAP, LabelRules, solution_cap, solutions
from selfsown.dpo_st.language.models import load_tokenizer
from selfsown.dpo_st.selection.samples import Question, Reasons, fitting, questions, rejected, writers
from selfsown.dpo_st.selection.similarity import counted, token_ids, token_sets
from selfsown.products import CardInfo, read_card, read_product
from selfsown.stage import In, Metrics, Out, StageParams, stage

LABEL = pa.schema([
    ("id", pa.string()), ("question", pa.string()), ("rationale", pa.string()), ("gold", pa.string()),
    ("model", pa.string()),
])  # fmt: skip
"""One rationale to learn from.

id, question: the question's.
rationale: lines with calculator annotations, the last one `#### <answer>`.
gold: the answer, exact.
model: the name of the samples that it is from; `gold` where people wrote it.
"""


class LabelsParams(StageParams):
    """Section `dpo_st.labels`."""

    data_seed: int = Field(ge=0)
    rules: LabelRules
    expect: suites.LabelLimits


@stage()
def labels(
    params: LabelsParams, *, name: str, problems: In, samples: In, base: In, labels: Out, report: Out
) -> Metrics:
    """Choose the labels, and check them before they are a product.

    Raises:
        GateError: an expectation failed; `report` says which, and the rows are in `labels`, which has no card.
    """
    table = read_product(samples)
    ids = token_ids(load_tokenizer(base), table["rationale"].to_pylist())
    rows, reasons, cap = chosen_rows(table, ids, params.rules)
    made = pa.Table.from_pylist(rows, LABEL)
    asked = frames.learnt_questions(problems)
    rationales: dict[str, set[str]] = {}
    for row in rows:
        rationales.setdefault(row["id"], set()).add(row["rationale"])
    looked_at = frames.label_frame(made, counted(ids), frames.held_out_questions(problems))
    about = read_card(samples)
    card = write_checked(
        labels,
        made,
        card=CardInfo(
            name=f"dpo_st labels {name}",
            licence=about.licence,
            source=about.source,
            seed=params.data_seed,
            contaminated=about.contaminated,
            note="Labelled rationales, and right ones that models wrote.",
        ),
        rejected=rejected(table, reasons),
        looked_at={
            "labels": (looked_at, suites.labels(params.expect)),
            "questions": (frames.question_frame(asked, rationales), suites.questions(params.expect)),
        },
        report=report,
    )
    return {
        "questions": len(asked),
        "questions_with_labels": len(rationales),
        "labels": len(rows),
        "labels_by_models": sum(row["model"] != GOLD for row in rows),
        "cap": cap or 0,
        **{f"rejected_{reason.replace(' ', '_')}": count for reason, count in card.dropped.items()},
    }


def chosen_rows(
    table: pa.Table, ids: Mapping[str, list[int]], rules: LabelRules
) -> tuple[list[dict[str, Any]], dict[str, Reasons], int | None]:
    """Rows of `LABEL`, question by question; why other samples are none; and how many a question may have."""
    tokens, lengths = token_sets(ids), counted(ids)
    asked: list[Question] = []
    reasons: dict[str, Reasons] = {}
    for each in questions(table):
        question, reasons[each.id] = fitting(each, lengths, rules)
        asked.append(question)
    found = {each.id: solutions(each, tokens, rules) for each in asked}
    cap = solution_cap([len(texts) for texts, _ in found.values()], rules.percentile)
    rows: list[dict[str, Any]] = []
    for each in asked:
        texts, why = found[each.id]
        of = writers(each)
        known = {"id": each.id, "question": each.question, "gold": each.gold}
        rows += [{**known, "rationale": text, "model": of[text]} for text in texts[:cap]]
        reasons[each.id] |= why | dict.fromkeys(texts[cap:] if cap else (), OVER_CAP)
    return rows, reasons, cap
