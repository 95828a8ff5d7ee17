"""The arms beside each other: supervised, as many steps of it, self-training, and DPO-augmented self-training.

Input: every arm's answers to the same test questions; samples and models, for what they cost. Output: rows of figures,
the items behind them, plots; one model registered. Differences are paired by question. Where questions of a template
are learnt from, a question with other numbers is an item; elsewhere a template, or a group of near-duplicates, is one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import Field

from selfsown import evaluation
from selfsown.dpo_st.evaluate.cost import Iteration, Lineage, Retrained, Sampled, costs
from selfsown.dpo_st.evaluate.figures import AFTER, BEFORE, EVALUATION, accuracies
from selfsown.dpo_st.evaluate.items import FLOPS, KS, answer_items, cost_items
from selfsown.dpo_st.language.forms import encode_question
from selfsown.dpo_st.language.models import load_tokenizer
from selfsown.dpo_st.selection.similarity import token_ids, token_sets
from selfsown.errors import UserError
from selfsown.evaluation import Row
from selfsown.products import read_product
from selfsown.stage import In, Metrics, Out, StageParams, stage

REGISTERED = "selfsown-dpo-st"
CARD = """# Reasons step by step, with a calculator ({arm})

Answers word problems of arithmetic in lines, and leaves each calculation to a calculator that must be there while it
writes (`selfsown rationale`). Trained on a few labelled rationales and on right ones that models of its kind wrote
(DPO-augmented self-training, arXiv 2407.18248). It writes a rationale for any question; nothing says how sure it is."""


class EvaluateParams(StageParams):
    """Section `dpo_st.evaluate`; the mappings are the matrix's.

    `registered`: the arm to register; `baseline`: what it must beat. `main`: the part that both are judged by.
    `near_duplicate`: overlap of token sets from which two right rationales count once. `samples`: kept of each kind.
    """

    iterations: dict[str, Iteration]
    sampled: dict[str, Sampled]
    retrained: dict[str, Retrained]
    registered: str
    baseline: str
    main: str
    near_duplicate: float = Field(gt=0, le=1)
    samples: int = Field(ge=1)


@stage(tracked=True)
def evaluate(
    params: EvaluateParams, *, answers: In, samples: In, problems: In, models: In, rows: Out, items: Out, plots: Out
) -> Metrics:
    """Compare the arms; register one.

    Raises:
        UserError: no answers of the arm to register, or of its baseline.
    """
    answered = read_product(answers).to_pandas()
    folders = {str(arm): str(of["model"].iloc[0]) for arm, of in answered.groupby("arm", sort=False)}
    for arm in (params.registered, params.baseline):
        if arm not in folders:
            raise UserError(f"params.yaml: dpo_st.evaluate: no arm {arm!r} answered: {', '.join(folders)}")
    tokenizer = load_tokenizer(models / folders[params.registered])
    right = answered[(answered["mode"] == "drawn") & answered["correct"]]["rationale"]
    tokens = token_sets(token_ids(tokenizer, right))
    asked = read_product(problems, ["id", "question"]).to_pylist()
    prompts = {row["id"]: len(encode_question(tokenizer, row["question"])) for row in asked}
    lineage = Lineage(iterations=params.iterations, sampled=params.sampled, retrained=params.retrained)
    spent = cost_items(costs(lineage, folders, models, samples, prompts))
    frames = {
        str(arm): pd.concat([answer_items(of, tokens, params.near_duplicate), spent[str(arm)]])
        for arm, of in answered.groupby("arm", sort=False)
    }
    EVALUATION.write_items(frames, items)
    measured = EVALUATION.measure(frames, {"evaluate": {"main": params.main}})
    of_kind = {
        kind: {arm: models / folder for arm, folder in folders.items() if folder.startswith(f"{kind}/")}
        for kind in ("sft", "dpo")
    }
    evaluation.write_plots(
        plots,
        accuracy=evaluation.bars(measured, "accuracy"),
        pass_at_k=evaluation.bars(measured, *(f"pass_at_{k}" for k in KS)),
        cost=_cost_curve(measured, params.main),
        dev=evaluation.dev_curves(of_kind["sft"]),
        dpo_dev=evaluation.dev_curves(of_kind["dpo"]),
        samples=side_by_side(answered, params),
    )
    marked = _register(params, models / folders[params.registered], frames, measured, problems)
    headline = {f"accuracy_{arm}": ("accuracy", arm, params.main) for arm in ("sft", "control", "st", "dpo_st")}
    for when, arm in (("before", BEFORE), ("after", AFTER)):
        headline[f"pass_at_10_{when}_dpo"] = ("pass_at_10", arm, params.main)
    evaluation.write_plots(plots, contaminated=marked)
    return evaluation.write_rows(measured, headline, rows)


def side_by_side(answered: pd.DataFrame, params: EvaluateParams) -> list[dict[str, object]]:
    """Rationales of all arms for the same questions, by which of the two compared arms is right."""
    main = answered[(answered["mode"] == "calculator") & (answered["part"] == params.main)]
    about = main.drop_duplicates("id").set_index("id")[["question", "gold"]]
    written = main.pivot(index="id", columns="arm", values="rationale")
    right = main.pivot(index="id", columns="arm", values="correct")
    ours, theirs = right[params.registered], right[params.baseline]
    shown = about.join(written).reset_index().sample(frac=1, random_state=0)  # ids follow the order of the source
    kinds = {"gained": ours & ~theirs, "lost": theirs & ~ours, "right": ours & theirs, "wrong": ~ours & ~theirs}
    parts = {kind: shown[shown["id"].map(mark)].head(params.samples) for kind, mark in kinds.items()}
    return evaluation.samples(parts, ["id", "question", "gold", *main["arm"].unique()])


def _cost_curve(measured: Sequence[Row], main: str) -> list[dict[str, object]]:
    """Accuracy over what it cost, a point an arm."""
    spent = {row.arm: row.value for row in measured if row.measure == FLOPS}
    found = [row for row in measured if (row.measure, row.part) == ("accuracy", main)]
    return [{"arm": row.arm, "flops": spent[row.arm], "accuracy": row.value} for row in found]


def _register(
    params: EvaluateParams, folder: Path, frames: Mapping[str, pd.DataFrame], measured: Sequence[Row], problems: Path
) -> list[dict[str, object]]:
    ours, theirs = (accuracies(frames[arm], params.main) for arm in (params.registered, params.baseline))
    header: dict[str, Any] = {"language": ["en"], "tags": ["math-word-problem", "self-training", "dpo"]}
    return evaluation.register(
        REGISTERED,
        folder,
        counts=ours.others(),
        baseline=theirs.others(),
        metric="error_rate",
        evaluation=problems,
        rows=[row for row in measured if row.arm == params.registered],
        about=CARD.format(arm=params.registered),
        header=header,
        example=["A box holds 12 pens. How many pens do 7 boxes hold?"],
        output=["7 boxes hold 7 * 12 = <<7*12=84>>84 pens.\n#### 84"],
        task="text-generation",
        loader="selfsown.dpo_st.commands.rationale:serve",
    )
