"""The comparison: figures, paired differences, what is registered and when it must not be promoted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from tests.corpora.sentences_project import rating, triplet, write_ratings, write_triplets
from tests.diffaug.tiny_arms import ARMS, write_arms

from selfsown import evaluation
from selfsown.diffaug.evaluate import EVALUATION, EvaluateParams, evaluate
from selfsown.diffaug.evaluate.embedding import load_arm, serve
from selfsown.diffaug.evaluate.figures import auc_errors, measure, split_arm
from selfsown.diffaug.evaluate.items import COLUMNS
from selfsown.errors import UserError
from selfsown.evaluation import Row
from selfsown.params import read_yaml
from selfsown.report.paper import Paper
from selfsown.study import average

ROOT = Path(__file__).parents[2]
PARAMS: dict[str, Any] = {
    "data_seed": 1, "registered": "diffaug", "prefix": "main", "min_prefix_accuracy": 0.55, "pairs": 40,
    "dev_pairs": 20, "batch_size": 8, "tasks": [], "samples": 2,
}  # fmt: skip


@pytest.fixture(scope="module")
def arms(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_arms(tmp_path_factory.mktemp("models"))


@pytest.fixture
def project(arms: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory with products, and stage 1's record in `prefixes`."""
    monkeypatch.chdir(tmp_path)
    splits = ["test"] * 30 + ["dev"] * 12 + ["train"] * 3
    write_triplets(tmp_path / "triplets", [triplet(number, split) for number, split in enumerate(splits)])
    pairs = [rating(a * 20 + b, left=f"It {a}.", right=f"It {b}.") for a in range(9) for b in range(a)]
    sts = [{**rating(n), "id": f"sts/{n}", "set": "stsb-dev", "group": f"s{n}"} for n in range(15)]
    write_ratings(tmp_path / "ratings", [*pairs, *sts])
    learnt(tmp_path, 0.7)
    return tmp_path


def learnt(project: Path, best: float) -> None:
    for name, accuracy in (("main", best), ("tenth", 0.52)):
        folder = project / "prefixes" / name
        folder.mkdir(parents=True, exist_ok=True)
        curve = [{"step": step, "dev_accuracy": value} for step, value in ((5, 0.5), (10, accuracy), (15, 0.5))]
        (folder / "training.json").write_text(json.dumps(curve))
        (folder / "accuracy.json").write_text(json.dumps({"accuracy": accuracy, "chance": 0.5}))


def run(project: Path, models: Path, **changes: Any) -> dict[str, float]:
    return dict(
        evaluate(
            EvaluateParams.model_validate({**PARAMS, **changes}), models=models, prefixes=project / "prefixes",
            triplets=project / "triplets", ratings=project / "ratings", rows=project / "rows.json",
            items=project / "items.parquet", plots=project / "plots",
        )
    )  # fmt: skip


@pytest.mark.usefixtures("plainly")
def test_the_stage_compares_every_arm_and_says_what_promotion_asks(
    project: Path, arms: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    registered: list[dict[str, Any]] = []
    monkeypatch.setattr(
        evaluation, "register", lambda name, folder, **said: registered.append({"folder": folder, **said}) or []
    )
    headline = run(project, arms)
    rows = [Row(**row) for row in json.loads((project / "rows.json").read_text())]
    values = {row[:3]: row for row in rows}
    for arm in ARMS:
        for name in ("nli_auc", "lee", "stsb_dev", "alignment", "uniformity"):
            row = values[name, arm, ""]
            assert row.lo is not None and row.hi is not None and row.lo <= row.value <= row.hi, (name, arm)
    assert (values["nli_auc", "diffaug", ""].n, values["lee", "diffaug", ""].n) == (20, 9), "triplets; documents"
    for name in ("nli_auc", "lee"):
        gain = values[f"{name}_over_simcse", "diffaug", ""]
        assert gain.value == pytest.approx(values[name, "diffaug", ""].value - values[name, "simcse", ""].value)
        low = values[f"{name}_over_simcse", "diffaug_tenth", ""].value
        tenths = (values[name, f"{arm}_tenth", ""].value for arm in ("diffaug", "simcse"))
        assert low == pytest.approx(next(tenths) - next(tenths)), "as few labels on both sides"
    assert values["prefix_accuracy", "prefix", "main"].value == 0.7
    on_dev = {arm: values["dev_auc", arm, ""].value for arm in ARMS if arm.startswith("untouched")}
    best = max(on_dev, key=on_dev.__getitem__)
    assert headline["nli_auc_untouched"] == values["nli_auc", best, ""].value
    assert len(headline) == 6 and headline["lee_diffaug"] == values["lee", "diffaug", ""].value

    (said,) = registered
    assert said["folder"] == arms / "diffaug" and said["refused"] == ""
    assert said["counts"].errors.sum() / said["counts"].units.sum() == pytest.approx(1 - headline["nli_auc_diffaug"])
    assert said["baseline"].errors.sum() / 20 == pytest.approx(1 - headline["nli_auc_untouched"])
    assert "Made here." in said["about"], "the card says what it learnt from"
    embedded = serve(str(said["folder"]))(said["example"])
    assert np.shape(embedded) == np.shape(said["output"]) and np.linalg.norm(embedded[0]) == pytest.approx(1)

    plots = {path.stem: json.loads(path.read_text()) for path in (project / "plots").iterdir()}
    assert set(plots) == {
        "nli_auc",
        "lee",
        "stsb_dev",
        "geometry",
        "dev",
        "prefix_dev",
        "low_label",
        "samples",
        "contaminated",
    }
    assert {(point["arm"], point["labels"]) for point in plots["low_label"]} == {
        (arm, share) for arm in ("simcse", "diffaug") for share in (100, 10)
    }
    for sample in plots["samples"]:
        right = tuple(float(sample[arm]) > 0 for arm in ("diffaug", "simcse"))
        assert right == {"gained": (1, 0), "lost": (0, 1), "right": (1, 1), "wrong": (0, 0)}[sample["kind"]]
    paper = Paper.model_validate(read_yaml(ROOT / "pipelines/diffaug/paper.yaml"))
    paper.check_declared({row.measure for row in rows}, {row.arm for row in rows} - {"untouched_cls"})

    learnt(project, 0.54)
    run(project, arms)
    assert registered[-1]["refused"] == (
        "its stage 1 (main) learnt nothing: dev accuracy 0.540, chance is 0.5, at least 0.55 is asked for"
    )


@pytest.mark.usefixtures("plainly")
def test_what_is_missing_is_named(project: Path, arms: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"registered: no arm 'best' in .*simcse_tenth"):
        run(project, arms, registered="best")
    with pytest.raises(UserError, match=r"prefix: 'half' is not in .*\['main', 'tenth'\]"):
        run(project, arms, prefix="half")
    only = tmp_path / "only"
    (only / "diffaug").mkdir(parents=True)
    with pytest.raises(UserError, match="no untouched encoder is there"):
        run(project, only)
    with pytest.raises(UserError, match=r"only/diffaug: no model that SentenceTransformer loads"):
        load_arm(only / "diffaug")
    (project / "prefixes/main/accuracy.json").write_text("[]")
    with pytest.raises(UserError, match=r"prefixes/main: no accuracy in accuracy\.json"):
        run(project, arms)


def items(seed: int, lift: float, count: int = 200) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    values = rng.normal(0.6 + lift, 0.2, count)
    made = [("nli_auc", "", f"t{n:03d}", f"g{n // 4:03d}", value) for n, value in enumerate(values)]
    return pd.DataFrame([*made, ("mteb", "STS12", "STS12", "STS12", 0.7 + lift)], columns=COLUMNS)


def test_seeds_are_averaged_exactly_and_differences_are_paired(tmp_path: Path) -> None:
    files = []
    for seed in range(3):
        files.append(tmp_path / f"{seed}.parquet")
        arms = {"untouched_mean": items(9, 0.0), "simcse": items(seed, 0.02), "diffaug": items(seed, 0.1)}
        EVALUATION.write_items(arms, files[-1])
    found = {(row["measure"], row["arm"], row["part"]): row for row in average(files, EVALUATION, {})}
    gain = found["nli_auc_over_simcse", "diffaug", ""]
    assert gain["value"] == pytest.approx(0.08) and gain["value"] == pytest.approx(np.mean(gain["seeds"]))
    assert gain["hi"] - gain["lo"] < 1e-9, "the same items, moved by the same"
    auc = found["nli_auc", "diffaug", ""]
    assert auc["value"] == pytest.approx(np.mean(auc["seeds"])) and auc["n"] == 200
    assert found["mteb", "diffaug", "STS12"]["lo"] is None
    assert ("nli_auc_over_simcse", "untouched_mean", "") not in found
    with pytest.raises(UserError, match="measured on other items"):
        measure({"simcse": items(0, 0.0, 190), "diffaug": items(0, 0.0)}, {})


def test_evidence_is_what_the_area_lacks_by_group() -> None:
    frame = items(0, 0.0)
    lacks = auc_errors(frame)
    assert len(lacks.ids) == 50 and lacks.units.tolist() == [4.0] * 50
    assert lacks.errors.sum() / lacks.units.sum() == pytest.approx(1 - frame["value"][:200].mean())


@pytest.mark.parametrize(
    ("arm", "expected"),
    [("diffaug_tenth", ("diffaug", 10)), ("simcse_5", ("simcse", 5)), ("diffaug_semi", ("diffaug_semi", 100))],
)
def test_arms_of_few_labels_are_told_by_their_names(arm: str, expected: tuple[str, int]) -> None:
    assert split_arm(arm) == expected
