"""What smoke made of DiffAug: data that passed its gate, and every arm measured."""

import json
from pathlib import Path

import pytest

from selfsown.params import read_yaml
from selfsown.report.paper import read_paper

pytestmark = [pytest.mark.recipe, pytest.mark.usefixtures("smoke")]


def test_the_gate_saw_every_split() -> None:
    counts = json.loads(Path("metrics/diffaug.gate.json").read_text())
    assert counts["triplets_train"] == 400 and counts["prose"] >= 200 and counts["ratings_lee"] == 1225
    assert Path("reports/data_docs/diffaug/index.html").is_file()


def test_every_arm_is_measured_and_declared() -> None:
    rows = json.loads(Path("metrics/diffaug.rows.json").read_text())
    paper = read_paper(Path("pipelines/diffaug/paper.yaml"), read_yaml(Path("params.yaml")))
    paper.check_declared({row["measure"] for row in rows}, {row["arm"] for row in rows})
    arms = {path.name for path in Path("models/diffaug/arms").iterdir()}
    for measure in ("nli_auc", "lee", "alignment", "uniformity"):
        assert {row["arm"] for row in rows if row["measure"] == measure} - {"chance"} == arms
    assert {"nli_auc_over_simcse", "lee_over_untouched_mean"} <= {row["measure"] for row in rows}
