"""Curves through arms that differ in one thing, and the threshold that is read from dev."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest
from pydantic import ValidationError
from tests.profiles import composed
from tests.speech_bt.test_evaluate import frame

from selfsown.audio import UTTERANCE
from selfsown.errors import UserError
from selfsown.evaluation import Row
from selfsown.products import CardInfo
from selfsown.shards import write_product
from selfsown.speech_bt.evaluate import EVALUATION, EvaluateParams, measure, parts
from selfsown.speech_bt.gate import compared, norm_i, rates
from selfsown.speech_bt.sweeps import judged_items, threshold
from selfsown.study import average

POINT = {"synthetic": "synthetic", "minutes": 30.0, "share": 0.5}
SWEPT = {"mixed": POINT, "noisy": {**POINT, "synthetic": "qualities/noisy"}, "few": {**POINT, "minutes": 10.0}}
SWEEPS = {
    "norm_i": ["mixed", "noisy"],
    "minutes": ["real", "few", "mixed"],
    "real_share": ["synthetic", "mixed", "real"],
}
SECTION = {"matrix": {"swept": SWEPT}, "evaluate": {"sweeps": SWEEPS}}


def judged(real: int, made: int, texts: int = 12, voices: int = 2) -> pd.DataFrame:
    """What a judge heard: so many errors in each real utterance, and in each that says the same."""
    said = frame(0.5, items=texts, windows=(11.0,)).iloc[:texts]
    said = said.assign(split="seed", words=10, voice="jan", duration_s=1.0)
    said["reference"] = "text " + said["id"]
    others = [
        said.assign(id=said["id"] + f".{number}", split="matched", errors=made, voice=f"v{number}")
        for number in range(voices)
    ]
    rest = said.assign(id="s" + said["id"], split="synthetic", errors=9, reference="another", voice="v0")
    return pd.concat([said.assign(errors=real), *others, rest], ignore_index=True)


def world(noisy: float) -> dict[str, pd.DataFrame]:
    frames = {
        arm: frame(share, number, also=[frame(share, 10 + number, split="dev")])
        for number, (arm, share) in enumerate(
            {"untouched": 0.6, "real": 0.5, "synthetic": 0.45, "mixed": 0.3, "noisy": noisy, "few": 0.4}.items()
        )
    }
    for arm, errors in (("mixed", 3), ("noisy", 8)):
        frames[arm] = pd.concat([frames[arm], judged_items(judged(4, errors), 11.0)])
    return frames


def test_each_point_has_what_it_was_trained_with_beside_its_error_rate() -> None:
    rows = measure(world(0.5), SECTION)
    found = {row[:3]: row for row in rows}
    assert len(found) == len(rows)
    assert {arm: found["minutes", arm, ""].value for arm in SWEEPS["minutes"]} == {"real": 0, "few": 10, "mixed": 30}
    shares = {arm: found["real_share", arm, ""].value for arm in SWEEPS["real_share"]}
    assert shares == {"synthetic": 0, "mixed": 0.5, "real": 1}
    assert {arm for name, arm, _ in found if name == "wer_minus_real"} == {"mixed", "noisy", "few"}
    plain = {row[:3]: row for row in measure(world(0.5), {})}
    for name, arm, part in plain:  # nothing else has changed
        assert found[name, arm, part] == plain[name, arm, part]


def test_norm_i_is_the_gates_and_has_an_interval_over_texts() -> None:
    found = {row[:2]: row for row in measure(world(0.5), SECTION)}
    assert found["norm_i", "mixed"].value == pytest.approx(norm_i(0.4, 0.3))
    assert found["norm_i", "noisy"].value == pytest.approx(norm_i(0.4, 0.8))
    by_voice = compared(rates(judged(4, 8), ["cs"]), "exp_relative")
    assert by_voice["norm_i"].tolist() == pytest.approx([norm_i(0.4, 0.8)] * 2)
    uneven = judged(4, 3)
    uneven.loc[uneven["split"] == "matched", "errors"] = [*range(12), *range(12)]
    arms = world(0.5)
    arms["mixed"] = pd.concat([frame(0.3), judged_items(uneven, 11.0)])
    row = {row[:2]: row for row in measure(arms, SECTION)}["norm_i", "mixed"]
    assert row.lo is not None and row.hi is not None and row.lo < row.value < row.hi and row.lo < row.value - 0.05


@pytest.mark.parametrize(("noisy", "least"), [(0.3, "noisy"), (0.5, "mixed"), (0.7, "mixed")])
def test_the_threshold_is_the_last_quality_that_surely_helps_on_dev(noisy: float, least: str) -> None:
    found = {row[:2]: row for row in measure(world(noisy), SECTION)}
    (read,) = [row for (name, _), row in found.items() if name == "norm_i_threshold"]
    assert (read.arm, read.value) == (least, found["norm_i", least].value)
    change = found["dev_wer_minus_real", "noisy"]
    assert change.hi is not None and (change.hi < 0) == (least == "noisy")


def test_a_quality_that_helps_below_one_that_does_not_is_no_threshold() -> None:
    def point(value: float, hi: float) -> tuple[Row, Row]:
        return Row("norm_i", f"{value}", "", value), Row("dev_wer_minus_real", f"{value}", "", hi - 0.02, hi - 0.04, hi)

    points = [point(0.4, -0.01), point(1.1, -0.03), point(0.6, 0.01), point(0.9, -0.001)]
    assert (read := threshold(points)) is not None and read.value == 0.9
    assert threshold([point(1.1, 0.0), point(0.4, -0.1)]) is None and threshold([]) is None


def test_a_study_measures_the_same_from_what_it_kept(tmp_path: Path) -> None:
    frames = world(0.5)
    EVALUATION.write_items(frames, tmp_path / "seed-1.parquet")
    kept = average([tmp_path / "seed-1.parquet"], EVALUATION, SECTION)
    assert {(row["measure"], row["arm"], row["part"]): row["value"] for row in kept} == pytest.approx(
        {row[:3]: row.value for row in measure(frames, SECTION)}
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sweeps": {"minutes": ["untouched"]}}, "sweeps.minutes: 'untouched' must be an arm"),
        ({"sweeps": {"norm_i": ["real"]}}, "sweeps.norm_i: 'real' must be an arm"),
        ({"arms": [], "transcribed": ["untouched", *SWEPT], "sweeps": {"norm_i": ["mixed"]}}, "needs the arm 'real'"),
        ({"transcribed": ["untouched", "real", "mixed"]}, "transcribed: must be untouched, every arm"),
    ],
)
def test_a_sweep_is_of_arms_that_are_there(changes: dict[str, object], message: str) -> None:
    good = {
        "languages": ["cs"], "arms": ["real", "synthetic"], "swept": SWEPT, "registered": "mixed", "samples": 1,
        "transcribed": ["untouched", "real", "synthetic", *SWEPT], "sweeps": SWEEPS,
    }  # fmt: skip
    assert EvaluateParams.model_validate(good).at_measuring == SECTION | {"evaluate": {"sweeps": {
        name: tuple(arms) for name, arms in SWEEPS.items()}}}  # fmt: skip
    with pytest.raises(ValidationError, match=message):
        EvaluateParams.model_validate(good | changes)


def test_tiers_are_shown_where_they_say_more_than_a_language() -> None:
    paper = composed("profile=paper")["languages"]
    assert parts(paper)[-3:] == ["low-resource", "mid-resource", "high-resource"]
    arms = {"untouched": frame(0.5, languages=("cs", "hu", "nl")), "mixed": frame(0.4, 1, languages=("cs", "hu", "nl"))}
    found = {row[:3]: row for row in measure(arms, {})}
    assert {part for _, _, part in found} == {"", "30 s", "cs", "hu", "nl", "low-resource"}
    both = [found["wer", "mixed", part] for part in ("cs", "hu")]
    assert found["wer", "mixed", "low-resource"].n == sum(row.n for row in both if row.n is not None)


# --- what a point is trained on


def test_minutes_are_of_all_voices_and_fewer_are_the_beginning_of_more(tmp_path: Path) -> None:
    from tests.speech_bt.test_train import PARAMS

    from selfsown.speech_bt.train import TrainParams
    from selfsown.speech_bt.train_swept import TrainSweptParams, within

    rows = [
        {"id": f"u{i:03d}", "language": "cs", "speaker": "abc"[i % 3], "duration": 2.0 + i % 4, "split": "synthetic"}
        for i in range(240)
    ]
    card = CardInfo(name="made", licence="CC0-1.0", source="made here", seed=1)
    write_product(tmp_path, [pa.Table.from_pylist(rows, UTTERANCE)], schema=UTTERANCE, card=card)
    accepted = pa.table({"id": [row["id"] for row in rows if row["id"] != "u000"]})
    params = TrainSweptParams.model_validate(PARAMS)
    assert (
        TrainSweptParams.section == "train" and TrainSweptParams.model_fields.keys() == TrainParams.model_fields.keys()
    )
    seconds = {row["id"]: row["duration"] for row in rows}
    few, more = (within(tmp_path, accepted, params, minutes) for minutes in (2, 10))
    assert more[: len(few)] == few and "u000" not in more
    for kept, minutes in ((few, 2), (more, 10)):
        assert 0 <= sum(seconds[name] for name in kept) - 60 * minutes < 5.001
    voices = Counter(rows[int(name[1:])]["speaker"] for name in few)
    assert voices.keys() == set("abc") and max(voices.values()) - min(voices.values()) <= 1
    with pytest.raises(UserError, match=r"14\.0 minutes in cs are accepted, .* asks for 20"):
        within(tmp_path, accepted, params, 20)
