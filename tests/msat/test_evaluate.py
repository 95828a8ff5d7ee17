"""Accuracies are of the problems asked, gains are paired, and seeds are averaged per problem before any resampling."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import yaml
from click.testing import CliRunner

from selfsown import study
from selfsown.cli import app
from selfsown.errors import UserError
from selfsown.msat.answer import ANSWERS
from selfsown.msat.evaluate import fold, measure, per_item
from selfsown.msat.variants import Matrix, Variant
from selfsown.shards import CardInfo, write_product

MATRIX = Matrix(["dag"], ["digits"], ["2.4"], ["pretrained"], ["pretrained", "scratch"], ["own"])


def answers(share: float, seed: int = 0, items: int = 120, group: int = 1) -> pd.DataFrame:
    """Rows of `ANSWERS` in groups of `group`, right with probability `share`; every third is asked enlarged too."""
    rng = np.random.default_rng(seed)
    rows = []
    for index in range(items):
        for enlarged in (False, True) if index % 3 == 0 else (False,):
            rows.append({
                "id": f"p{index:03d}", "group": f"g{index // group:03d}", "problem_set": "own",
                "enlarged": enlarged, "question": "q", "numbers": ["1"],
                "gold": "g", "gold_answer": "1", "program": "p", "answer": "1", "reason": "",
                "correct": float(rng.random() < share), "majority": float(index % 4 == 0),
                "steps": 1 + index % 2, "operators": "+-"[: 1 + index % 2],
            })  # fmt: skip
    return pd.DataFrame(rows)


def frames(pretrained: pd.DataFrame, scratch: pd.DataFrame) -> dict[Variant, pd.DataFrame]:
    tasks, *words = MATRIX.variants()
    return {tasks: answers(0.9), **dict(zip(words, (pretrained, scratch), strict=True))}


def test_a_clear_gain_is_clear_and_no_gain_is_not() -> None:
    metrics, bars = measure(frames(answers(0.8, 1), answers(0.4, 2)), MATRIX)
    assert metrics["mwp_gain_dag_pretrained_lo"] > 0.2
    gain = metrics["mwp_accuracy_dag_pretrained"] - metrics["mwp_accuracy_dag_scratch"]
    assert metrics["mwp_gain_dag_pretrained"] == pytest.approx(gain)
    assert metrics["mwp_accuracy_dag_pretrained_n"] == 120 and metrics["mwp_accuracy_dag_pretrained_enlarged_n"] == 40
    assert metrics["msat_accuracy_dag"] > 0.8 and len(bars) == 3
    metrics, _ = measure(frames(answers(0.5, 1), answers(0.5, 2)), MATRIX)
    assert metrics["mwp_gain_dag_pretrained_lo"] < 0 < metrics["mwp_gain_dag_pretrained_hi"]


def test_the_mean_of_sets_is_of_their_gains_and_that_of_solvers_of_theirs() -> None:
    matrix = MATRIX._replace(solvers=["dag", "seq2seq"], sets=["own", "svamp"])
    found = {}
    for index, variant in enumerate(matrix.variants()):
        items = 120 if variant.problem_set == "own" else 60
        found[variant] = answers(0.1 * index, index, items)
    metrics, _ = measure(found, matrix)
    for solver in matrix.solvers:
        gains = [metrics[f"mwp_gain_{solver}_pretrained{suffix}"] for suffix in ("", "_svamp")]
        assert metrics[f"mwp_gain_{solver}_pretrained_mean_of_sets"] == pytest.approx(np.mean(gains))
    both = [metrics[f"mwp_gain_{solver}_pretrained_mean_of_sets"] for solver in matrix.solvers]
    assert metrics["mwp_gain_pretrained_mean_of_sets"] == pytest.approx(np.mean(both))
    assert metrics["mwp_gain_pretrained_mean_of_sets_n"] == 180
    assert not [key for key in measure(frames(answers(0.5), answers(0.4)), MATRIX)[0] if "mean_of_sets" in key]


def test_near_duplicates_do_not_narrow_an_interval() -> None:
    once = answers(0.5, items=100)
    copies = pd.concat([once.assign(id=once["id"] + f"-{copy}") for copy in range(4)])

    def width(frame: pd.DataFrame) -> float:
        metrics, _ = measure(frames(frame, frame), MATRIX)
        return metrics["mwp_accuracy_dag_scratch_hi"] - metrics["mwp_accuracy_dag_scratch_lo"]

    assert width(copies) == pytest.approx(width(once))
    assert width(copies.assign(group=copies["id"])) < 0.6 * width(once)


def test_other_problems_cannot_be_paired() -> None:
    with pytest.raises(UserError, match="mwp_gain_dag_pretrained: other problems than scratch"):
        measure(frames(answers(0.5), answers(0.5, items=90)), MATRIX)


def test_what_is_not_first_in_its_list_is_named_in_the_key() -> None:
    matrix = Matrix(
        ["dag"], ["digits", "symbolic"], ["2.4", "2.0"], ["pretrained", "full"], ["full", "scratch"], ["own"]
    )
    found = {variant: answers(0.06 * index, index) for index, variant in enumerate(matrix.variants())}
    metrics, bars = measure(found, matrix)
    assert len(bars) == len(found) == 16
    for representation, first in (("digits", ""), ("symbolic", "_symbolic")):
        for difficulty, second in (("2.4", ""), ("2.0", "_difficulty_2.0")):
            shared, suffix = ("dag", representation, difficulty), first + second
            for arm, named in (("pretrained", ""), ("full", "_full")):
                share = found[Variant(*shared, arm, "msat")].query("not enlarged")["correct"].mean()
                assert metrics[f"msat_accuracy_dag{named}{suffix}"] == pytest.approx(share)
            shares = {}
            for arm in ("full", "scratch"):
                shares[arm] = found[Variant(*shared, arm, "own")].query("not enlarged")["correct"].mean()
                assert metrics[f"mwp_accuracy_dag_{arm}{suffix}"] == pytest.approx(shares[arm])
            assert metrics[f"mwp_gain_dag_full{suffix}"] == pytest.approx(shares["full"] - shares["scratch"])
            assert f"mwp_gain_dag_full{suffix}_enlarged_lo" in metrics
    assert not [key for key in metrics if "2.4" in key or "digits" in key or "gain_dag_scratch" in key]


def test_folds_are_joined_and_their_mean_is_plain() -> None:
    """A fold of 30 problems counts as much as one of 120 in the mean, and a quarter of it in the accuracy."""
    matrix = MATRIX._replace(arms=["pretrained"], sets=["own-fold0", "own-fold1"])
    tasks, first, second = matrix.variants()
    right = {first: answers(1.0), second: answers(0.0, items=30)}
    right[second]["id"] += "-second"
    right[second]["group"] += "-second"
    metrics, _ = measure({tasks: answers(0.9), **right}, matrix)
    assert metrics["mwp_accuracy_dag_pretrained"] == 0.8 and metrics["mwp_accuracy_dag_pretrained_n"] == 150
    assert metrics["mwp_accuracy_dag_pretrained_mean_of_folds"] == 0.5
    assert (metrics["mwp_accuracy_dag_pretrained_fold0"], metrics["mwp_accuracy_dag_pretrained_fold1"]) == (1, 0)


def test_seeds_are_averaged_per_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    card = CardInfo(name="answers", licence="CC0-1.0", source="made here", seed=1)
    files = []
    parameters = {"msat": {"matrix": MATRIX._asdict()}}
    for seed in range(3):
        for variant, frame in frames(answers(0.8, seed), answers(0.4, 10 + seed)).items():
            table = pa.Table.from_pandas(frame, ANSWERS, preserve_index=False)
            write_product(tmp_path / str(seed) / variant.name, [table], schema=ANSWERS, card=card)
        files.append(tmp_path / f"seed-{seed}.parquet")
        study.keep(files[-1], per_item(tmp_path / str(seed), parameters))
    folded = fold(files, parameters)
    runs = [run["mwp_accuracy_dag_pretrained"] for run in folded["seeds"].values()]
    assert list(folded["seeds"]) == ["seed-0", "seed-1", "seed-2"]
    assert folded["mean"]["mwp_accuracy_dag_pretrained"] == pytest.approx(np.mean(runs))
    assert folded["sd"]["mwp_accuracy_dag_pretrained"] == pytest.approx(np.std(runs, ddof=1))
    assert folded["sd"]["msat_accuracy_dag"] == 0
    assert folded["mean"]["mwp_accuracy_majority"] == 0.25 and folded["sd"]["mwp_accuracy_majority"] == 0

    other = tmp_path / "other.parquet"
    rows = per_item(tmp_path / "0", parameters)
    study.keep(other, {**rows, "another": next(iter(rows.values()))})
    with pytest.raises(UserError, match=r"other\.parquet: 'another' .*different studies"):
        fold([files[0], other], parameters)

    monkeypatch.chdir(tmp_path)
    shared = {"profile": "study", "data_seed": 1, "languages": ["cs"], "corpora": {"problems": {}}}
    measured = {**shared, "msat": {"matrix": {name: list(values) for name, values in MATRIX._asdict().items()}}}
    Path("params.yaml").write_text(yaml.safe_dump({**measured, "seed": 3, "speech_bt": {}}))
    made = CliRunner().invoke(app, ["fold", "msat", "study.json", *map(str, files)])
    assert made.output == "study.json: 3 seeds\n"
    assert json.loads(Path("study.json").read_text()) == {**json.loads(json.dumps(folded)), "parameters": measured}
