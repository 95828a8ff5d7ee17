"""What the results page says of the solvers: every set of problems beside the paper's, and none that was not asked."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from tests.msat.test_evaluate import answers, asked
from tests.report.pages import ROOT, composed, row, said_of

from selfsown import bootstrap
from selfsown.arithmetic import members
from selfsown.msat.evaluate import measure
from selfsown.msat.evaluate.matrix import TASKS, Matrix
from selfsown.report.paper import read_paper

Rows = list[dict[str, Any]]
LAPTOP, SVAMP, MAWPS = "bigbench-elementary-math", "svamp", "mawps"


def solved(part: str) -> Rows:
    """Figures of both solvers on a set: some of each kind."""
    found: Rows = []
    for solver, rate in (("seq2seq", 0.31), ("dag", 0.42)):
        for arm, less in (("pretrained", 0.0), ("scratch", 0.04)):
            found.append(row(f"mwp_accuracy {solver}_{arm} {part}", rate - less, 0.03, 1000))
            found.append(row(f"mwp_accuracy_enlarged {solver}_{arm} {part}", rate - less - 0.1, 0.03, 900))
            for end, fewer, n in (("", 0.02, 1000), ("_enlarged", 0.12, 900)) if solver == "seq2seq" else ():
                place = f"mwp_accuracy{end}_as_written {solver}_{arm} {part}"
                found.append(row(place, rate - less - fewer, 0.03, n))
        found.append(row(f"mwp_gain {solver}_pretrained {part}", 0.04, 0.01, 1000))
        found.append(row(f"mwp_gain_enlarged {solver}_pretrained {part}", 0.03, 0.05, 900))
    return found


def test_every_set_of_problems_has_its_figures_beside_the_papers(tmp_path: Path) -> None:
    folds = [
        row(f"mwp_accuracy_{end} dag_pretrained mawps", value)
        for end, value in (("fold0", 0.5), ("mean_of_folds", 0.6))
    ]
    tasks = [row(f"msat_accuracy{end} msat", 0.95, 0.02, 500) for end in (" seq2seq", " dag")]
    tasks.append(row("msat_accuracy_as_written seq2seq msat", 0.9, 0.02, 500))
    mean = [row("mwp_gain pretrained mean_of_sets", 0.013, 0.008, 2500)]
    text = said_of("msat", tmp_path, [*solved(LAPTOP), *solved(SVAMP), *solved(MAWPS), *folds, *tasks, *mean],
                   "profile=study", "variant=published")  # fmt: skip
    for title in ("BIG-bench's elementary_math_qa", "SVAMP", "MAWPS"):
        table = text.split(f"**Accuracy on word problems, {title}**")[1].split("**")[0]
        assert "Accuracy, % (n\u00a0=\u00a01,000) | Larger numbers, % (n\u00a0=\u00a0900)" in table
        assert "| seq2seq, arithmetic first | 31.0 (28.0 to 34.0) | 21.0 (18.0 to 24.0) |" in table
        gains = text.split(f"**Gain of arithmetic first over none, {title}**")[1].split("**")[0]
        assert (
            "| DAG, arithmetic first | 4.0 (3.0 to 5.0) | 3.0 (−2.0 to 8.0) |" in gains and "no arithmetic" not in gains
        )
        for solver in ("seq2seq", "DAG"):
            claim = f"Arithmetic first makes the {solver} solver better at word problems, {title}. 4.0 points"
            assert f"**Established:** {claim}" in text
    both = "Arithmetic first makes the two solvers together better at word problems, mean of the sets. 1.3 points"
    assert f"**Established:** {both}" in text
    assert "| RoBERTaGen and DeductReasoner | 96.1 | 99.0 | 90.0 (88.0 to 92.0) | 95.0 (93.0 to 97.0) |" in text
    assert "| SVAMP | 39.8 | 48.9 | 29.0 (26.0 to 32.0) | 42.0 (39.0 to 45.0) |" in text
    assert "| SVAMP | 36.2 | 48.2 | 19.0 (16.0 to 22.0) | 32.0 (29.0 to 35.0) |" in text
    assert "| MAWPS | 84.1 | 91.6 | 25.0 (22.0 to 28.0) | 38.0 (35.0 to 41.0) |" in text
    assert "second-hand" in text
    assert "| DAG, arithmetic first | 60.0 | 50.0 |" in text.split("**Accuracy on word problems by fold, MAWPS**")[1]


def test_sets_that_were_not_measured_are_not_mentioned(tmp_path: Path) -> None:
    text = said_of("msat", tmp_path, solved(LAPTOP), "profile=laptop").split("### Conditions")[0]
    for name in ("SVAMP", "MAWPS", "ASDiv", "by fold", "Not measured", "the encoder too", "second-hand"):
        assert name not in text
    text = said_of("msat", tmp_path, [*solved(LAPTOP), *solved(SVAMP)], "profile=study", "variant=published")
    assert "| SVAMP | 39.8" in text and "| MAWPS |" not in text and "Not measured" not in text
    pretrained = [each for each in solved(LAPTOP) if "scratch" not in each["arm"] and "gain" not in each["measure"]]
    assert said_of("msat", tmp_path, pretrained, "profile=laptop").count("**Not measured:**") == 2


def test_a_set_stands_in_its_own_row_whichever_is_first(tmp_path: Path) -> None:
    text = said_of("msat", tmp_path, [*solved(SVAMP), *solved(MAWPS)], "profile=gpu")
    assert "| SVAMP | 39.8 | 48.9 | 29.0 (26.0 to 32.0)" in text and "BIG-bench" not in text.split("### Conditions")[0]
    text = said_of("msat", tmp_path, solved(MAWPS), "profile=gpu", "msat.matrix.sets=[mawps-fold2]")
    assert "| MAWPS | 91.6 | 94.3 | 29.0 (26.0 to 32.0)" in text and "| SVAMP |" not in text


VARIANTS = sorted(path.stem for path in (ROOT / "conf/variant").glob("*.yaml"))


@pytest.mark.parametrize("chosen", ["", *VARIANTS, ",".join(VARIANTS)])
def test_whatever_a_variant_measures_is_declared(chosen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "RESAMPLES", 10)
    parameters = composed("profile=study", f"variant=[{chosen}]")
    matrix = Matrix.of(parameters["msat"]["matrix"])
    frames: dict[str, pd.DataFrame] = {}
    for index, each in enumerate(matrix.combinations()):
        made = answers(0.5, index, 24).assign(operators="+-*/")
        larger, most = (False, 3) if each.problem_set == TASKS else (made.index % 2 == 0, 8)
        made = made.assign(enlarged=larger, steps=1 + made.index % most)
        frames[each.name] = pd.concat([made.assign(problem_set=name) for name in members(each.problem_set)])
    rows = measure(asked(frames, matrix), {"matrix": matrix._asdict()})
    paper = read_paper(ROOT / "pipelines/msat/paper.yaml", parameters)
    paper.check_declared({row.measure for row in rows}, {row.arm for row in rows})
    assert {row.part for row in rows} <= paper.parts.keys()
