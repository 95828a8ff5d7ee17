"""Accuracies are of the problems asked, gains are paired, and seeds are averaged per problem before any resampling."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from selfsown.errors import UserError
from selfsown.evaluation import Row
from selfsown.msat.evaluate import EVALUATION, measure
from selfsown.msat.evaluate.gains import over_runs
from selfsown.msat.evaluate.matrix import TASKS, Matrix
from selfsown.study import average

MATRIX = Matrix(["dag"], ["digits"], ["2.4"], ["pretrained"], ["pretrained", "scratch"], ["own"])
Frames = dict[str, pd.DataFrame]


def answers(share: float, seed: int = 0, items: int = 120, group: int = 1) -> pd.DataFrame:
    """Counted answers in groups of `group`, right with probability `share`; every third is asked enlarged too."""
    rng = np.random.default_rng(seed)
    rows = []
    for index in range(items):
        for enlarged in (False, True) if index % 3 == 0 else (False,):
            rows.append({
                "id": f"p{index:03d}", "group": f"g{index // group:03d}", "problem_set": "own",
                "enlarged": enlarged, "correct": float(rng.random() < share), "majority": float(index % 4 == 0),
                "steps": 1 + index % 2, "operators": "+-"[: 1 + index % 2],
            })  # fmt: skip
    return pd.DataFrame(rows).assign(as_written=lambda frame: frame["correct"] * (frame.index % 5 > 0))


def asked(frames: Frames, matrix: Matrix) -> Frames:
    """The answers of each combination as those to its own set; of joined sets they say it themselves."""
    of = {each.name: each.problem_set for each in matrix.combinations()}
    return {name: x if "+" in of[name] else x.assign(problem_set=of[name]) for name, x in frames.items()}


def measured(frames: Frames, matrix: Matrix = MATRIX) -> dict[tuple[str, str, str], Row]:
    """Rows by measure, arm and part."""
    rows = measure(asked(frames, matrix), {"matrix": matrix._asdict()})
    found = {row[:3]: row for row in rows}
    assert len(found) == len(rows)
    return found


def frames(pretrained: pd.DataFrame, scratch: pd.DataFrame) -> Frames:
    tasks, *words = [each.name for each in MATRIX.combinations()]
    return asked({tasks: answers(0.9), **dict(zip(words, (pretrained, scratch), strict=True))}, MATRIX)


def test_a_clear_gain_is_clear_and_no_gain_is_not() -> None:
    found = measured(frames(answers(0.8, 1), answers(0.4, 2)))
    gain = found["mwp_gain", "dag_pretrained", "own"]
    ours, theirs = (found["mwp_accuracy", f"dag_{arm}", "own"] for arm in ("pretrained", "scratch"))
    assert gain.lo > 0.2 and gain.value == pytest.approx(ours.value - theirs.value)
    assert ours.n == 120 and found["mwp_accuracy_enlarged", "dag_pretrained", "own"].n == 40
    assert found["msat_accuracy", "dag", "msat"].value > 0.8
    found = measured(frames(answers(0.5, 1), answers(0.5, 2)))
    gain = found["mwp_gain", "dag_pretrained", "own"]
    assert gain.lo < 0 < gain.hi


def test_accuracy_is_told_by_steps_and_operators_of_problems_as_they_are() -> None:
    frame = answers(0.5).assign(correct=lambda rows: (rows["steps"] == 1) | rows["enlarged"])
    found = measured(frames(frame, frame))
    values = {
        end: found[f"mwp_accuracy{end}", "dag_scratch", "own"].value for end in ("_steps1", "_steps2", "_subtract")
    }
    assert values == {"_steps1": 1, "_steps2": 0, "_subtract": 0}
    assert found["mwp_accuracy_add", "dag_scratch", "own"].n == 120
    assert ("mwp_accuracy_divide", "dag_scratch", "own") not in found
    many = measured(frames(frame, frame.assign(steps=frame["steps"] + 5)))
    assert many["mwp_accuracy_steps5", "dag_scratch", "own"].n == 120, "five or more"


def test_the_mean_of_sets_is_of_their_gains_and_that_of_solvers_of_theirs() -> None:
    matrix = MATRIX._replace(solvers=["dag", "seq2seq"], sets=["own", "svamp"])
    given = {
        each.name: answers(0.1 * index, index, 120 if each.problem_set == "own" else 60)
        for index, each in enumerate(matrix.combinations())
    }
    found = measured(given, matrix)
    means = []
    for solver in matrix.solvers:
        gains = [found["mwp_gain", f"{solver}_pretrained", part].value for part in ("own", "svamp")]
        means.append(found["mwp_gain", f"{solver}_pretrained", "mean_of_sets"].value)
        assert means[-1] == pytest.approx(np.mean(gains))
    both = found["mwp_gain", "pretrained", "mean_of_sets"]
    assert both.value == pytest.approx(np.mean(means)) and both.n == 180
    assert not [place for place in measured(frames(answers(0.5), answers(0.4))) if place[2] == "mean_of_sets"]


def test_near_duplicates_do_not_narrow_an_interval() -> None:
    once = answers(0.5, items=100)
    copies = pd.concat([once.assign(id=once["id"] + f"-{copy}") for copy in range(4)])

    def width(frame: pd.DataFrame) -> float:
        row = measured(frames(frame, frame))["mwp_accuracy", "dag_scratch", "own"]
        return row.hi - row.lo

    assert width(copies) == pytest.approx(width(once))
    assert width(copies.assign(group=copies["id"])) < 0.6 * width(once)


def test_other_problems_cannot_be_paired() -> None:
    for other in (answers(0.5, items=90), answers(0.5, group=2), answers(0.5).query("not enlarged")):
        with pytest.raises(UserError, match=r"mwp_gain\w* of dag_pretrained: measured on other items"):
            measured(frames(answers(0.5), other))


def test_what_is_not_first_in_its_list_is_named_in_the_arm() -> None:
    matrix = Matrix(
        ["dag"], ["digits", "symbolic"], ["2.4", "2.0"], ["pretrained", "full"], ["full", "scratch"], ["own"]
    )
    given = {each.name: answers(0.06 * index, index) for index, each in enumerate(matrix.combinations())}
    found = measured(given, matrix)
    assert len(given) == 16 and len([p for p in found if p[0] in ("mwp_accuracy", "msat_accuracy")]) == 17  # majority

    def share(*labels: str) -> float:
        return float(given["-".join(("dag", *labels))].query("not enlarged")["correct"].mean())

    for representation, first in (("digits", ""), ("symbolic", "_symbolic")):
        for difficulty, second in (("2.4", ""), ("2.0", "_difficulty_2.0")):
            shared, end = (representation, difficulty), first + second
            for arm, named in (("pretrained", ""), ("full", "_full")):
                row = found["msat_accuracy", f"dag{named}{end}", "msat"]
                assert row.value == pytest.approx(share(*shared, arm, "msat"))
            shares = {arm: share(*shared, arm, "own") for arm in ("full", "scratch")}
            for arm, value in shares.items():
                assert found["mwp_accuracy", f"dag_{arm}{end}", "own"].value == pytest.approx(value)
            gain = found["mwp_gain", f"dag_full{end}", "own"]
            assert gain.value == pytest.approx(shares["full"] - shares["scratch"])
            assert found["mwp_gain_enlarged", f"dag_full{end}", "own"].lo is not None
    assert not [arm for _, arm, _ in found if "2.4" in arm or "digits" in arm]
    assert not [arm for name, arm, _ in found if "gain" in name and "scratch" in arm]


def test_folds_are_joined_and_their_mean_is_plain() -> None:
    """A fold of 30 problems counts as much as one of 120 in the mean, and a quarter of it in the accuracy."""
    matrix = MATRIX._replace(arms=["pretrained"], sets=["own-fold0", "own-fold1"])
    tasks, first, second = [each.name for each in matrix.combinations()]
    right = {first: answers(1.0), second: answers(0.0, items=30)}
    right[second]["id"] += "-second"
    right[second]["group"] += "-second"
    found = measured({tasks: answers(0.9), **right}, matrix)
    whole = found["mwp_accuracy", "dag_pretrained", "own"]
    assert whole.value == 0.8 and whole.n == 150
    ends = {
        end: found[f"mwp_accuracy_{end}", "dag_pretrained", "own"].value for end in ("mean_of_folds", "fold0", "fold1")
    }
    assert ends == {"mean_of_folds": 0.5, "fold0": 1, "fold1": 0}
    assert ("msat_accuracy_mean_of_folds", "dag", "msat") not in found


def test_joined_sets_are_measured_one_by_one() -> None:
    matrix = MATRIX._replace(arms=["pretrained"], sets=["own+svamp+plain"])
    tasks, joined = [each.name for each in matrix.combinations()]
    parts = {"own": answers(1.0), "svamp": answers(0.0, items=60), "plain": answers(1.0, items=8).assign(steps=0)}
    given = pd.concat([frame.assign(problem_set=name, id=name + frame["id"]) for name, frame in parts.items()])
    found = measured({tasks: answers(0.9), joined: given}, matrix)
    for name, value in {"own": 1, "svamp": 0, "plain": 1}.items():
        row = found["mwp_accuracy", "dag_pretrained", name]
        assert (row.value, row.n) == (value, (~parts[name]["enlarged"]).sum())
    assert found["mwp_accuracy", "majority", "plain"].n == 8
    assert ("mwp_accuracy_steps0", "dag_pretrained", "plain") not in found, "nobody says how many steps they take"


def test_seeds_are_averaged_per_problem(tmp_path: Path) -> None:
    files = [tmp_path / f"seed-{seed}.parquet" for seed in range(3)]
    runs = [frames(answers(0.8, seed), answers(0.4, 10 + seed)) for seed in range(3)]
    for file, run in zip(files, runs, strict=True):
        EVALUATION.write_items(run, file)
    rows = average(files, EVALUATION, {"matrix": MATRIX._asdict()})
    found = {(row["measure"], row["arm"], row["part"]): row for row in rows}
    ours = found["mwp_accuracy", "dag_pretrained", "own"]
    values = [measured(run)["mwp_accuracy", "dag_pretrained", "own"].value for run in runs]
    assert ours["seeds"] == pytest.approx(values) and len(set(values)) > 1
    assert ours["value"] == pytest.approx(np.mean(values)) and ours["sd"] == pytest.approx(np.std(values, ddof=1))
    widths = [row.hi - row.lo for row in (measured(run)["mwp_accuracy", "dag_pretrained", "own"] for run in runs)]
    assert ours["hi"] - ours["lo"] < min(widths), "what a problem's answer owes to the seed is averaged away"
    assert found["msat_accuracy", "dag", "msat"]["sd"] == 0
    majority = found["mwp_accuracy", "majority", "own"]
    assert majority["value"] == 0.25 and majority["sd"] == 0


def test_a_seq2seq_solver_that_reads_digits_is_scored_over_what_it_wrote_too() -> None:
    matrix = MATRIX._replace(solvers=["seq2seq", "dag"], representations=["digits", "symbolic"])
    given = {each.name: answers(0.1 * index + 0.1, index) for index, each in enumerate(matrix.combinations())}
    found = measured(given, matrix)
    frame, baseline = (given[f"seq2seq-digits-2.4-{arm}-own"] for arm in ("pretrained", "scratch"))
    for end, larger in (("", False), ("_enlarged", True)):
        of, less = (float(rows.loc[rows["enlarged"] == larger, "as_written"].mean()) for rows in (frame, baseline))
        assert found[f"mwp_accuracy{end}_as_written", "seq2seq_pretrained", "own"].value == pytest.approx(of)
        assert found[f"mwp_gain{end}_as_written", "seq2seq_pretrained", "own"].value == pytest.approx(of - less)
    assert found["msat_accuracy_as_written", "seq2seq", "msat"].value < found["msat_accuracy", "seq2seq", "msat"].value
    assert not [place for place in found if "as_written" in place[0] and ("dag" in place[1] or "symbolic" in place[1])]


def folded(gains: list[float], items: int = 60) -> tuple[Frames, Matrix]:
    """A solver that gains so much in each fold."""
    matrix = MATRIX._replace(sets=[f"own-fold{fold}" for fold in range(len(gains))])
    made = {}
    for each in matrix.combinations():
        if each.problem_set == TASKS:
            made[each.name] = answers(0.9)
            continue
        fold = int(each.problem_set[-1])
        frame = answers(0.4 + gains[fold] * (each.arm == "pretrained"), 10 * fold + (each.arm == "scratch"), items)
        made[each.name] = frame.assign(id=f"{fold}-" + frame["id"], group=f"{fold}-" + frame["group"])
    return asked(made, matrix), matrix


def test_a_gain_over_folds_is_the_same_with_an_interval_of_what_other_runs_would_give() -> None:
    given, matrix = folded([0.5, 0.0, 0.5, -0.3, 0.4])
    section = {"matrix": matrix._asdict()}
    (row,) = over_runs([given], section)
    gain = measured(given, matrix)["mwp_gain", "dag_pretrained", "own"]
    assert row[:3] == ("mwp_gain_over_runs", "dag_pretrained", "own")
    assert row.value == pytest.approx(gain.value) and row.n == gain.n == 300
    assert row.hi - row.lo > 1.5 * (gain.hi - gain.lo), "the folds disagree"
    assert over_runs([frames(answers(0.8, 1), answers(0.4, 2))], {"matrix": MATRIX._asdict()}) == []


def test_solvers_together_have_a_gain_on_the_only_set_and_over_runs() -> None:
    first, matrix = folded([0.3, 0.2])
    both = matrix._replace(solvers=["dag", "seq2seq"])
    given = {**first, **{name.replace("dag", "seq2seq"): frame for name, frame in first.items()}}
    found = measured(given, both)
    assert found["mwp_gain", "pretrained", "own"].value == pytest.approx(
        found["mwp_gain", "dag_pretrained", "own"].value
    )
    rows = {row[:3]: row for row in over_runs([given], {"matrix": both._asdict()})}
    arms = ("dag_pretrained", "seq2seq_pretrained", "pretrained")
    assert rows.keys() == {("mwp_gain_over_runs", arm, "own") for arm in arms}


def test_a_study_has_intervals_over_its_seeds(tmp_path: Path) -> None:
    files = [tmp_path / f"seed-{seed}.parquet" for seed in range(2)]
    for seed, file in enumerate(files):
        EVALUATION.write_items(frames(answers(0.8 - 0.4 * seed, seed), answers(0.4, 10 + seed)), file)
    rows = average(files, EVALUATION, {"matrix": MATRIX._asdict()})
    found = {(row["measure"], row["arm"], row["part"]): row for row in rows}
    gain, over = (found[name, "dag_pretrained", "own"] for name in ("mwp_gain", "mwp_gain_over_runs"))
    assert over["value"] == pytest.approx(gain["value"]) and over["hi"] - over["lo"] > 1.5 * (gain["hi"] - gain["lo"])


def test_seeds_that_were_kept_before_there_was_a_second_score_are_measured_by_the_first(tmp_path: Path) -> None:
    matrix = MATRIX._replace(solvers=["seq2seq"])
    made = {each.name: answers(0.5, index) for index, each in enumerate(matrix.combinations())}
    EVALUATION.write_items(asked(made, matrix), tmp_path / "now.parquet")
    pd.read_parquet(tmp_path / "now.parquet").drop(columns="as_written").to_parquet(tmp_path / "before.parquet")
    now, before = (
        average([tmp_path / f"{name}.parquet"], EVALUATION, {"matrix": matrix._asdict()}) for name in ("now", "before")
    )
    assert before == [row for row in now if "as_written" not in row["measure"]] != now
