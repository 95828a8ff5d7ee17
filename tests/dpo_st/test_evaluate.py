"""Figures of made-up answers: pass@k by counting, gains paired by question and by template, costs counted once."""

from __future__ import annotations

import json
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dpo_st.tiny_samplers import CARD, write_model

from selfsown.dpo_st.answer import ANSWER
from selfsown.dpo_st.attempts.product import GOLD, SAMPLE
from selfsown.dpo_st.evaluate import EVALUATION, EvaluateParams, evaluate
from selfsown.dpo_st.evaluate.cost import Lineage, costs
from selfsown.dpo_st.evaluate.figures import measure
from selfsown.dpo_st.evaluate.items import COLUMNS, answer_items, cost_items, pass_at_k
from selfsown.errors import UserError
from selfsown.evaluation import Row
from selfsown.reasoning.rationale import RATIONALE
from selfsown.shards import write_product
from selfsown.study import average

MAIN = {"evaluate": {"main": "made"}}
MATRIX: dict[str, Any] = {
    "iterations": {"first": {"after": "warmup"}, "second": {"after": "first"}},
    "sampled": {
        "warmup": {"model": "sft/warmup", "earlier": "data/corpora/rationales"},
        "first": {"model": "sft/first", "earlier": "data/dpo_st/samples/warmup"},
        "dpo-first": {"model": "dpo/first", "earlier": "data/corpora/rationales"},
        "dpo-second": {"model": "dpo/second", "earlier": "data/dpo_st/samples/dpo-first"},
    },
    "retrained": {
        "st-first": {"samples": "warmup"}, "first": {"samples": "dpo-first"}, "second": {"samples": "dpo-second"}
    },
}  # fmt: skip


@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_choices_with_a_right_one(case: tuple[int, int, int]) -> None:
    drawn, right, k = case
    choices = list(combinations([True] * right + [False] * (drawn - right), k))
    assert pass_at_k(drawn, right, k) == pytest.approx(np.mean([any(choice) for choice in choices]))


@pytest.mark.parametrize("case", [(3, 4, 1), (3, -1, 1), (3, 1, 4), (3, 1, 0)])
def test_pass_at_k_of_what_was_not_drawn(case: tuple[int, int, int]) -> None:
    with pytest.raises(ValueError, match="pass@"):
        pass_at_k(*case)


def answers(arm: str, right: float, *, seed: int = 0, drawn: int = 0, count: int = 60) -> list[dict[str, Any]]:
    """Greedy answers to known templates and to unseen ones, and drawn ones to the known; right with a probability."""
    rng = np.random.default_rng(seed)
    rows = []
    for part in ("made", "unseen"):
        for place in range(count):
            name, group = f"{part}{place:03d}", f"{part}/t{place % 6}"
            row = {
                "arm": arm, "model": f"{'dpo' if arm == 'dpo' else 'sft'}/{arm}", "part": part, "id": name,
                "group": group, "unit": name if part == "made" else group, "question": f"How many {place}?",
                "gold": str(place), "tokens": 5, "finished": True,
            }  # fmt: skip
            modes = ["calculator", *(["plain"] + ["drawn"] * drawn if part == "made" else [])]
            for k, mode in enumerate(modes):
                mark = bool(rng.random() < (right / 2 if mode == "plain" else right))
                text = f"{'abcdefghijklmnop'[k % 3]} {place}\n#### {place if mark else place + 1}"
                rows.append({**row, "mode": mode, "k": max(0, k - 2), "rationale": text, "correct": mark})
    return rows


def frames(**arms: list[dict[str, Any]]) -> dict[str, pd.DataFrame]:
    made = {}
    for arm, rows in arms.items():
        tokens = {row["rationale"]: frozenset(map(ord, row["rationale"])) for row in rows}
        made[arm] = answer_items(pd.DataFrame(rows), tokens, 1.0)
    return made


def by_place(rows: list[Row]) -> dict[tuple[str, str, str], Row]:
    found = {row[:3]: row for row in rows}
    assert len(found) == len(rows)
    return found


def test_a_clear_gain_is_clear_and_no_gain_is_not() -> None:
    made = frames(sft=answers("sft", 0.3), st=answers("st", 0.3, seed=1), dpo_st=answers("dpo_st", 0.8, seed=2))
    found = by_place(measure(made, MAIN))
    gain = found["gain_over_sft", "dpo_st", "made"]
    ours, theirs = (found["accuracy", arm, "made"] for arm in ("dpo_st", "sft"))
    assert gain.value == pytest.approx(ours.value - theirs.value) and gain.lo > 0.2 and gain.n == 60
    none = found["gain_over_sft", "st", "made"]
    assert none.lo < 0 < none.hi
    assert ("gain_over_control", "dpo_st", "made") not in found, "nobody answered as the control"
    assert found["accuracy_nocalc", "dpo_st", "made"].value < ours.value
    assert found["finished", "sft", "unseen"].value == 1


def test_known_templates_are_resampled_by_question_and_by_template_others_by_template_alone() -> None:
    made = frames(sft=answers("sft", 0.3), dpo_st=answers("dpo_st", 0.8, seed=2))
    for rows in made.values():  # all of a template are right or wrong together
        accuracy = rows["measure"] == "accuracy"
        rows.loc[accuracy, "value"] = rows.loc[accuracy].groupby("group")["value"].transform("first")
    made["dpo_st"].loc[made["dpo_st"]["group"].str.endswith(("t0", "t1")), "value"] = 1.0
    found = by_place(measure(made, MAIN))

    def width(measured: str, part: str) -> float:
        row = found[measured, "dpo_st", part]
        return row.hi - row.lo

    assert width("gain_over_sft_by_template", "made") > 1.5 * width("gain_over_sft", "made")
    assert ("gain_over_sft_by_template", "dpo_st", "unseen") not in found
    assert found["gain_over_sft_by_template", "dpo_st", "made"].value == found["gain_over_sft", "dpo_st", "made"].value


def test_of_a_single_template_no_interval_is_told() -> None:
    rows = {arm: [{**row, "group": "one"} for row in answers(arm, 0.5)] for arm in ("sft", "st")}
    found = by_place(measure(frames(**rows), MAIN))
    assert ("gain_over_sft", "st", "made") in found and ("gain_over_sft_by_template", "st", "made") not in found


def test_other_questions_are_no_comparison() -> None:
    with pytest.raises(UserError, match="gain_over_sft of st: measured on other items"):
        measure(frames(sft=answers("sft", 0.3), st=answers("st", 0.3, count=50)), MAIN)


def test_what_was_drawn_is_counted_by_question() -> None:
    made = frames(sft=answers("sft", 0.4, drawn=5), dpo=answers("dpo", 0.9, seed=3, drawn=5))
    found = by_place(measure(made, MAIN))
    rows = [row for row in answers("sft", 0.4, drawn=5) if row["mode"] == "drawn"]
    assert found["pass_at_1", "sft", "made"].value == pytest.approx(np.mean([row["correct"] for row in rows]))
    solved = {row["id"] for row in rows if row["correct"]}
    assert found["pass_at_5", "sft", "made"].value == pytest.approx(len(solved) / 60)
    assert ("pass_at_10", "sft", "made") not in found, "so many were not drawn"
    different = {(row["id"], row["rationale"]) for row in rows if row["correct"]}
    assert found["distinct_correct", "sft", "made"].value == pytest.approx(len(different) / 60)
    gain = found["pass_at_1_gain", "dpo", "made"]
    assert gain.lo > 0 and found["distinct_correct_gain", "dpo", "made"].lo > 0
    assert ("accuracy_gain", "dpo", "made") not in found


def test_near_duplicates_among_right_ones_count_once() -> None:
    rows = [row for row in answers("sft", 1.0, drawn=5, count=1) if row["mode"] == "drawn"]
    tokens = {row["rationale"]: frozenset(map(ord, row["rationale"])) for row in rows}
    for threshold, count in ((1.0, 3), (0.5, 1)):
        made = answer_items(pd.DataFrame(rows), tokens, threshold)
        assert made[made["measure"] == "distinct_correct"]["value"].tolist() == [count]


def test_seeds_are_averaged_by_question_and_costs_too(tmp_path: Path) -> None:
    files = []
    for seed in range(3):
        made = frames(sft=answers("sft", 0.3, seed=seed), dpo_st=answers("dpo_st", 0.8, seed=10 + seed))
        spent = cost_items({"sft": 1e9 * (1 + seed), "dpo_st": 3e9})
        files.append(tmp_path / f"{seed}.parquet")
        EVALUATION.write_items({arm: pd.concat([rows, spent[arm]]) for arm, rows in made.items()}, files[-1])
    found = {(row["measure"], row["arm"], row["part"]): row for row in average(files, EVALUATION, MAIN)}
    assert found["flops", "sft", ""]["value"] == 2e9 and found["flops", "sft", ""]["seeds"] == [1e9, 2e9, 3e9]
    gain = found["gain_over_sft", "dpo_st", "made"]
    assert len(set(gain["seeds"])) > 1 and gain["value"] == pytest.approx(np.mean(gain["seeds"]))
    accuracy = found["accuracy", "dpo_st", "made"]["value"]
    assert found["flops_per_point", "dpo_st", "made"]["value"] == pytest.approx(3e9 / (100 * accuracy))


def test_all_that_led_to_a_model_and_each_once() -> None:
    lineage = Lineage.model_validate(MATRIX)
    assert lineage.steps("sft/warmup") == {"sft/warmup"}
    assert lineage.steps("sft/st-first") == {"sft/st-first", "samples/warmup", "sft/warmup"}
    first = {"sft/first", "samples/dpo-first", "dpo/first", "samples/warmup", "sft/warmup"}
    assert lineage.steps("sft/first") == first
    assert lineage.steps("sft/second") == first | {"sft/second", "samples/dpo-second", "dpo/second", "samples/first"}


def sampled(folder: Path, names: list[str], tokens: int) -> None:
    """Samples of some models, one of each of two questions."""
    rows = [
        {
            "id": f"q{place}", "question": "?", "gold": "1", "rationale": "#### 1", "model": name, "k": 0,
            "correct": True, "tokens": tokens, "finished": True, "order": order,
        }
        for order, name in enumerate([GOLD, *names])
        for place in range(2)
    ]  # fmt: skip
    write_product(folder / names[-1], [pa.Table.from_pylist(rows, SAMPLE)], schema=SAMPLE, card=CARD)


def trained(models: Path, **flops: float) -> None:
    for name, cost in flops.items():
        folder = models / name.replace("_", "/")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "cost.json").write_text(json.dumps({"tokens": 100, "flops": cost}))


def test_costs_are_of_training_and_of_ones_own_samples(tmp_path: Path) -> None:
    trained(tmp_path / "models", sft_warmup=600.0, sft_first=6000.0, dpo_first=60.0)
    sampled(tmp_path / "samples", ["warmup"], 10)
    sampled(tmp_path / "samples", ["dpo-first"], 10)
    found = costs(
        Lineage.model_validate(MATRIX), {"sft": "sft/warmup", "dpo_st": "sft/first"}, tmp_path / "models",
        tmp_path / "samples", {"q0": 4, "q1": 6},
    )  # fmt: skip
    read_and_written = 2 * 10 + 4 + 6
    assert found["sft"] == 600
    assert found["dpo_st"] == pytest.approx(6660 + read_and_written * (6 + 0.6) / 3)


@pytest.mark.usefixtures("plainly")
def test_the_stage_writes_what_reads_like_a_report(tmp_path: Path) -> None:
    models, arms = tmp_path / "models", {"sft": 0.3, "control": 0.4, "st": 0.5, "dpo_st": 0.7, "dpo": 0.4}
    rows = [row for seed, (arm, right) in enumerate(arms.items()) for row in answers(arm, right, seed=seed, drawn=10)]
    names = dict(zip(arms, ("sft/warmup", "sft/control", "sft/st-first", "sft/first", "dpo/first"), strict=True))
    rows = [{**row, "model": names[row["arm"]]} for row in rows]
    for name in names.values():
        trained(models, **{name.replace("/", "_"): 600.0})
        point = {"step": 1, **({"dev_loss": 1.0} if name.startswith("sft") else {"dev_pass_at_1": 0.5})}
        (models / name / "training.json").write_text(json.dumps([point]))
    write_model(models / "sft/first", "groups")
    sampled(tmp_path / "samples", ["warmup"], 10)
    sampled(tmp_path / "samples", ["dpo-first"], 10)
    write_product(tmp_path / "answers", [pa.Table.from_pylist(rows, ANSWER)], schema=ANSWER, card=CARD)
    problem = dict.fromkeys(RATIONALE.names, "") | {"numbers": [], "steps": 0, "split": "pool"}
    asked = [{**problem, "id": f"q{place}", "question": "How many?"} for place in range(2)]
    write_product(tmp_path / "problems", [pa.Table.from_pylist(asked, RATIONALE)], schema=RATIONALE, card=CARD)
    section = {"registered": "dpo_st", "baseline": "sft", "main": "made", "near_duplicate": 0.7, "samples": 2}

    def run(**changes: Any) -> dict[str, float]:
        return dict(
            evaluate(
                EvaluateParams.model_validate({**MATRIX, **section, **changes}),
                answers=tmp_path / "answers", samples=tmp_path / "samples", problems=tmp_path / "problems",
                models=models, rows=tmp_path / "rows.json", items=tmp_path / "items.parquet", plots=tmp_path / "plots",
            )
        )  # fmt: skip

    headline = run()
    assert set(headline) == {
        "accuracy_sft", "accuracy_control", "accuracy_st", "accuracy_dpo_st", "pass_at_10_before_dpo",
        "pass_at_10_after_dpo",
    }  # fmt: skip
    written = json.loads((tmp_path / "rows.json").read_text())
    assert {row["arm"] for row in written} == set(arms)
    values = {(row["measure"], row["arm"], row["part"]): row["value"] for row in written}
    assert headline["accuracy_dpo_st"] == values["accuracy", "dpo_st", "made"] > headline["accuracy_sft"]
    assert headline["pass_at_10_before_dpo"] == values["pass_at_10", "sft", "made"]
    assert headline["pass_at_10_after_dpo"] == values["pass_at_10", "dpo", "made"]
    items = pd.read_parquet(tmp_path / "items.parquet")
    assert list(items.columns) == [*COLUMNS, "arm"]
    plots = {path.stem: json.loads(path.read_text()) for path in (tmp_path / "plots").iterdir()}
    assert set(plots) == {"accuracy", "pass_at_k", "cost", "dev", "dpo_dev", "samples", "contaminated"}
    assert {point["arm"] for point in plots["dpo_dev"]} == {"dpo"} and len(plots["dev"]) == 4
    (point,) = (point for point in plots["cost"] if point["arm"] == "dpo_st")
    assert point["flops"] > 3 * 600 and point["accuracy"] == headline["accuracy_dpo_st"]
    for sample in plots["samples"]:
        place = int(sample["question"].removeprefix("How many ").rstrip("?"))
        marks = {arm: sample[arm].endswith(f"#### {place}") for arm in ("dpo_st", "sft")}
        kinds = {"gained": (1, 0), "lost": (0, 1), "right": (1, 1), "wrong": (0, 0)}
        assert (marks["dpo_st"], marks["sft"]) == kinds[sample["kind"]] and sample["st"] and sample["control"]
    assert len(plots["samples"]) == 8
    with pytest.raises(UserError, match="no arm 'best' answered: sft, control, st, dpo_st, dpo"):
        run(registered="best")
