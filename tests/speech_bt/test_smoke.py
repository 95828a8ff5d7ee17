"""What smoke made of speech back-translation, and figures that cannot be right by accident."""

import json
from pathlib import Path

import pytest
from transformers import WhisperForConditionalGeneration

from selfsown.products import read_card, read_product
from selfsown.speech_bt.interpolate import picked

pytestmark = [pytest.mark.recipe, pytest.mark.usefixtures("smoke")]

ARMS = ("real", "synthetic", "mixed", "other_text", "quality_noise_10", "share_25")
DECODED = ("untouched", *ARMS, "interpolated")


@pytest.mark.parametrize(
    ("product", "fewest"),
    [
        ("synthetic", 28),
        ("intelligibility", 30),
        ("accepted", 8),
        ("interpolations", 8),
        ("qualities/noise_10", 20),
        ("transcripts/qualities/noise_10", 8),
        *((f"transcripts/{arm}", 3) for arm in DECODED),
    ],
)
def test_product(product: str, fewest: int) -> None:
    assert read_card(Path("data/speech_bt", product)).rows >= fewest


@pytest.mark.parametrize("arm", ARMS)
def test_model(arm: str) -> None:
    folder = Path("models/speech_bt", arm)
    model = WhisperForConditionalGeneration.from_pretrained(folder)
    assert model.config.architectures == ["WhisperForConditionalGeneration"]
    assert model.generation_config.language == "cs" and model.generation_config.task == "transcribe"
    # Three clips after two steps: such a model may still repeat itself, and no decoder writes without end.
    assert 0 < json.loads((folder / "training.json").read_text())[-1]["dev_wer"] < 6


def test_the_registered_model_has_weights_that_the_dev_set_chose() -> None:
    rows = read_product(Path("data/speech_bt/interpolations"), ["split", "alpha", "errors", "words"]).to_pandas()
    sums = rows[rows["split"] == "dev"].groupby("alpha")[["errors", "words"]].sum()
    model = WhisperForConditionalGeneration.from_pretrained("models/speech_bt/interpolated")
    assert set(sums.index) == {0.5, 1.0} and model.config.interpolation_alpha == picked(
        (sums["errors"] / sums["words"]).to_dict(), 0.01
    )


def test_real_speech_is_understood_better_than_by_chance() -> None:
    rows = json.loads(Path("metrics/speech_bt.rows.json").read_text())
    figures = {(row["measure"], row["arm"]): row for row in rows if row["part"] == ""}
    for arm in DECODED:
        wer = figures["wer", arm]
        assert 0 < wer["lo"] <= wer["value"] <= wer["hi"]
    assert figures["cer", "untouched"]["value"] < 0.6, "a Whisper that was converted wrongly hears noise"


def test_every_sweep_has_points() -> None:
    rows = json.loads(Path("metrics/speech_bt.rows.json").read_text())
    found = {(row["measure"], row["arm"]): row for row in rows if row["part"] == ""}
    points = {
        "norm_i": ("share_25", "quality_noise_10"),
        "minutes": ("real", "share_25"),
        "real_share": ("share_25", "real"),
    }
    for x, arms in points.items():
        assert all((x, arm) in found and ("wer", arm) in found for arm in arms)
    assert found["norm_i", "share_25"]["value"] != found["norm_i", "quality_noise_10"]["value"]
    assert {"dev_wer_minus_real", "wer_minus_real"} <= {name for name, arm in found if arm == "quality_noise_10"}


def test_gate_measured_every_voice() -> None:
    gate = json.loads(Path("metrics/speech_bt.gate.json").read_text())
    assert len([key for key in gate if key.startswith("norm_i_cs_")]) == gate["voices"] == 3
    assert gate["utterances_kept"] + gate["utterances_dropped"] == gate["utterances"]


def test_the_model_is_a_candidate() -> None:
    from mlflow import MlflowClient

    from selfsown.tracking import tracking_uri

    assert MlflowClient(tracking_uri()).get_model_version_by_alias("selfsown-whisper", "candidate").tags["digest"]
