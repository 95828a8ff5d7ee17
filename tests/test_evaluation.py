"""What every comparison shares: counts become rows, and other items are refused."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from dvc.compare import show_metrics
from tests.profiles import PIPELINES, ROOT

from selfsown import evaluation
from selfsown import params as params_module
from selfsown.errors import UserError
from selfsown.evaluation import (
    HEADLINE,
    HEADLINE_CHARACTERS,
    ComparisonParams,
    Counts,
    Evaluation,
    Row,
    difference,
    mean_counts,
    write_rows,
)
from selfsown.params import ParamsError, load_params
from selfsown.study import average

FRAME = pd.DataFrame(
    {"id": ["c", "a", "b"], "group": ["y", "x", "x"], "errors": [3, 0, 1], "words": [6, 2, 4], "text": ["C", "A", "B"]}
)


def counts(errors: list[float], units: list[float] | None = None, start: int = 0) -> Counts:
    ids = tuple(f"i{start + index:03d}" for index in range(len(errors)))
    return Counts(ids, np.array(errors, float), np.array(units or [1] * len(errors), float), len(errors))


def test_counts_are_ordered_by_item_and_summed_by_group() -> None:
    each = Counts.of(FRAME, "errors", "words")
    assert each.ids == ("a", "b", "c") and each.errors.tolist() == [0, 1, 3] and each.units.tolist() == [2, 4, 6]
    grouped = Counts.of(FRAME, "errors", "words", by="group")
    assert grouped.ids == ("x", "y") and grouped.errors.tolist() == [1, 3] and grouped.units.tolist() == [6, 6]
    assert each.n == grouped.n == 3, "items, not groups"
    assert Counts.of(FRAME, "errors", by="group").units.tolist() == [2, 1], "without units each row is one"
    assert each.others().errors.tolist() == [2, 3, 3] and each.others().others().errors.tolist() == [0, 1, 3]


def test_a_rate_is_of_sums_and_says_where_it_was_measured() -> None:
    row = Counts.of(FRAME, "errors", "words").rate("wer", "mine", "cs")
    assert row[:4] == ("wer", "mine", "cs", pytest.approx(4 / 12)) and row.n == 3
    assert row.lo is not None and row.hi is not None and row.lo <= row.value <= row.hi


def test_items_of_one_group_are_resampled_together() -> None:
    right = np.random.default_rng(0).integers(0, 2, 60).repeat(4)
    frame = pd.DataFrame({"id": [f"{i:03d}" for i in range(240)], "right": right})
    together = Counts.of(frame.assign(group=frame.index // 4), "right", by="group").rate("m", "a", "")
    apart = Counts.of(frame, "right").rate("m", "a", "")
    assert together.value == apart.value and together.n == apart.n == 240
    assert together.hi - together.lo > 1.6 * (apart.hi - apart.lo)


def test_comparisons_are_paired() -> None:
    rng = np.random.default_rng(1)
    before = rng.integers(0, 10, 200)
    after = np.maximum(before - 1, 0)
    units = [10.0] * 200
    ours, baseline = counts(list(after), units), counts(list(before), units)
    reduction = ours.reduction("reduction", "mine", "", baseline)
    assert reduction.value == pytest.approx(1 - after.sum() / before.sum()) and reduction.lo > 0
    row = difference("change", "mine", "", [(ours, baseline)])
    assert row.value == pytest.approx((after.sum() - before.sum()) / 2000)
    assert row.hi - row.lo < 0.02, "each item changes by about as much, however many errors it had"


def test_sets_weigh_the_same_in_a_difference_and_arms_on_an_item() -> None:
    small, large = (counts([1] * 10), counts([0] * 10)), (counts([1] * 90), counts([1] * 90))
    row = difference("gain", "mine", "both", [small, large])
    assert row.value == 0.5 and row.n == 100
    mean = mean_counts([counts([1, 0]), counts([0, 0])])
    assert mean.errors.tolist() == [0.5, 0] and mean.n == 2


@pytest.mark.parametrize("other", [counts([1, 0, 1]), counts([1, 0], start=1), counts([1, 0], [2, 2])])
def test_other_items_are_no_comparison(other: Counts) -> None:
    ours = counts([0, 1])
    for compare in (
        lambda: ours.reduction("m", "mine", "", other),
        lambda: difference("m", "mine", "", [(ours, ours), (ours, other)]),
        lambda: mean_counts([ours, ours, other]),
    ):
        with pytest.raises(UserError, match="measured on other items than what it is compared with"):
            compare()


ROWS = [Row("wer", "mine", "", 0.25, 0.2, 0.3, 7), Row("wer", "mine", "cs", 0.5), Row("cer", "mine", "", 0.125)]


def test_all_rows_are_written_and_the_headline_is_picked_from_them(tmp_path: Path) -> None:
    file = tmp_path / "new/rows.json"
    chosen = {"wer": ("wer", "mine", ""), "wer_cs": ("wer", "mine", "cs"), "wer_nl": ("wer", "mine", "nl")}
    assert write_rows(ROWS, chosen, file) == {"wer": 0.25, "wer_cs": 0.5}, "what was not measured is left out"
    assert [Row(**row) for row in json.loads(file.read_text())] == ROWS


def test_a_headline_that_no_terminal_shows_is_refused(tmp_path: Path) -> None:
    place = ("wer", "mine", "")
    write_rows(ROWS, {f"wer_{index:012d}": place for index in range(6)}, tmp_path / "rows.json")
    for names in ([f"w{index}" for index in range(7)], ["w" * 50, "x" * 51]):
        with pytest.raises(ValueError, match="headline: at most 6 figures of 100 characters together: w"):
            write_rows(ROWS, dict.fromkeys(names, place), tmp_path / "rows.json")


def test_two_figures_of_one_place_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="two rows have one measure, arm and part"):
        write_rows([*ROWS, Row("cer", "mine", "", 0.3)], {}, tmp_path / "rows.json")
    assert not (tmp_path / "rows.json").exists()


def test_items_that_are_kept_measure_the_same(tmp_path: Path) -> None:
    shared = Evaluation(
        ("id", "group"),
        ("errors", "words"),
        lambda frames, section: [
            Counts.of(frame, "errors", section["units"]).rate("wer", arm, "") for arm, frame in frames.items()
        ],
    )
    frames = {"mine": FRAME, "theirs": FRAME.assign(errors=[6, 2, 4])}
    shared.write_items(frames, tmp_path / "data/items.parquet")
    kept = pd.read_parquet(tmp_path / "data/items.parquet")
    assert list(kept) == ["id", "group", "errors", "words", "arm"] and len(kept) == 6
    found = average([tmp_path / "data/items.parquet"], shared, {"units": "words"})
    assert found == [row._asdict() for row in shared.measure(frames, {"units": "words"})]


def test_bars_have_a_panel_for_each_measure_and_part() -> None:
    found = evaluation.bars(ROWS, "wer")
    assert [bar["panel"] for bar in found] == ["wer", "wer cs"]
    assert found[0] == {"panel": "wer", **ROWS[0]._asdict()}


def test_plots_are_json_and_curves_come_from_training(tmp_path: Path) -> None:
    for arm, value in (("a", 0.5), ("b", 0.25)):
        (tmp_path / arm).mkdir()
        (tmp_path / arm / "training.json").write_text(json.dumps([{"step": 1, "dev": value}, {"step": 2, "dev": 0}]))
    curves = evaluation.dev_curves({arm: tmp_path / arm for arm in "ab"})
    assert curves[0] == {"arm": "a", "step": 1, "dev": 0.5} and [point["arm"] for point in curves] == list("aabb")
    evaluation.write_plots(tmp_path / "plots", dev=curves, none=[])
    assert json.loads((tmp_path / "plots/dev.json").read_text()) == curves
    assert json.loads((tmp_path / "plots/none.json").read_text()) == []


def test_samples_can_be_read() -> None:
    frame = FRAME.assign(numbers=[np.array([1, 2]), np.array(["3"]), np.array([])])
    found = evaluation.samples({"odd": frame.head(2), "none": frame.head(0)}, ["id", "numbers"], run="x")
    assert found == [
        {"kind": "odd", "run": "x", "id": "c", "numbers": "1 2"},
        {"kind": "odd", "run": "x", "id": "a", "numbers": "3"},
    ]
    json.dumps(found)


def test_the_worst_and_those_in_the_middle_are_shown() -> None:
    frame = pd.DataFrame({"id": [f"i{index}" for index in range(9)], "wer": [0, 5, 1, 7, 2, 8, 3, 6, 4]})
    found = evaluation.worst_and_median(frame, ["wer"], 3, ["wer"])
    assert [(sample["kind"], sample["wer"]) for sample in found] == [
        ("worst", 8), ("worst", 7), ("worst", 6), ("median", 5), ("median", 4), ("median", 3),
    ]  # fmt: skip
    assert len(evaluation.worst_and_median(frame.head(2), ["wer"], 3, ["wer"])) == 4


def test_the_model_to_register_is_one_of_the_arms(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(params_module, "stage_names", lambda: ["toys.toy"])
    text = "toys: {matrix: {arms: [real, mixed]}, toy: {registered: mixed}}"
    Path("params.yaml").write_text(text)
    assert load_params("toys.toy", ComparisonParams).registered == "mixed"
    Path("params.yaml").write_text(text.replace("mixed}", "mixd}"))
    with pytest.raises(ParamsError, match=r"params\.yaml: toys\.toy: .*registered: 'mixd' is no arm .*: real, mixed$"):
        load_params("toys.toy", ComparisonParams)


MEASURED = [name for name in PIPELINES if (ROOT / f"metrics/{name}.json").is_file()]
WIDEST = {f"{letter * (HEADLINE_CHARACTERS // HEADLINE)}": 12345.678901 for letter in "abcdef"[:HEADLINE]}


@pytest.mark.parametrize("pipeline", [*MEASURED, None])
def test_the_headline_figures_of_a_pipeline_fit_160_characters(
    pipeline: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    """As `dvc metrics show metrics/<pipeline>.json` prints them; None: the longest names that are allowed."""
    path = f"metrics/{pipeline or max(MEASURED, key=len)}.json"
    figures = json.loads((ROOT / path).read_text()) if pipeline else WIDEST
    show_metrics({"": {"data": {path: {"data": figures}}}}, precision=5, round_digits=True)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split()[1:] == sorted(figures) and max(map(len, lines)) <= 160
