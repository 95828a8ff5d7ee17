"""Weights between two models: exactly each of them at the ends, chosen by the dev set alone, kept as a stock model."""

import copy
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from safetensors.torch import load_file
from tests.speech_bt.test_train import clips
from tests.speech_bt.tiny_whisper import tiny_model, tiny_processor
from transformers import WhisperForConditionalGeneration

from selfsown.audio import UTTERANCE
from selfsown.identity import Identity
from selfsown.products import CardInfo, read_product
from selfsown.shards import write_product
from selfsown.speech_bt.interpolate import Between, InterpolateParams, interpolate, picked
from selfsown.speech_bt.whisper.decoding import Transcriber, chosen_clips

PARAMS: dict[str, Any] = {
    "data_seed": 1, "arm": "mixed", "alphas": [0, 0.5, 1], "tolerance": 0.01, "splits": ["dev", "test"], "limit": 3,
    "batch_size": 2, "shard_size": 2, "normalizer": "whisper_basic",
}  # fmt: skip
IDENTITY = Identity("interpolate", params=PARAMS, arguments={}, inputs={}, code="here")
WINDOWS = (2, 4)


@pytest.fixture(scope="module")
def inputs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("inputs")
    paths = {name: folder / name for name in ("untouched", "trained", "speech")}
    untouched = tiny_model()
    trained = copy.deepcopy(untouched)
    torch.manual_seed(5)
    with torch.no_grad():
        for weight in trained.model.decoder.layers.parameters():
            weight.add_(0.3 * torch.randn_like(weight))
    trained.config.trained_windows = list(WINDOWS)
    for name, model in (("untouched", untouched), ("trained", trained)):
        model.export(paths[name])
        tiny_processor().save_pretrained(paths[name])
    rows = pa.Table.from_pylist(clips(5, "dev") + clips(4, "test"), UTTERANCE)
    card = CardInfo(name="clips", licence="CC0-1.0", source="made here", seed=1)
    write_product(paths["speech"], [rows], schema=UTTERANCE, card=card)
    return paths


def run(inputs: dict[str, Path], folder: Path, **changes: Any) -> dict[str, float]:
    params = InterpolateParams.model_validate(PARAMS | changes)
    return dict(interpolate(params, **inputs, rows=folder / "rows", model=folder / "model", identity=IDENTITY))


def test_the_ends_are_the_two_models_and_every_alpha_hears_the_same_clips(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    run(inputs, tmp_path)
    rows = read_product(tmp_path / "rows")
    columns = ["id", "split", "errors", "hypothesis"]
    asked = chosen_clips(inputs["speech"], ["dev", "test"], None, 3, 1)
    heard = {}
    for alpha, name in ((0.0, "untouched"), (1.0, "trained")):
        transcriber = Transcriber(inputs[name], 2, "whisper_basic")
        parts = [transcriber((WINDOWS, [clip])).kept for clip in asked]
        expected = pa.concat_tables(parts).select(columns).sort_by("id")
        heard[alpha] = rows.filter(pc.field("alpha") == alpha).select(columns).sort_by("id")
        assert heard[alpha].equals(expected)
    assert heard[0.0]["hypothesis"] != heard[1.0]["hypothesis"]
    assert rows.filter(pc.field("alpha") == 0.5).num_rows == 6


@pytest.mark.parametrize("alpha", [0.5, 0, 1])
def test_what_is_picked_is_a_stock_model_with_these_weights(
    alpha: float, inputs: dict[str, Path], tmp_path: Path
) -> None:
    assert run(inputs, tmp_path, alphas=[alpha])["alpha"] == alpha
    one, two, found = (
        load_file(path / "model.safetensors") for path in (*list(inputs.values())[:2], tmp_path / "model")
    )
    for key, weight in found.items():
        torch.testing.assert_close(weight, (1 - alpha) * one[key] + alpha * two[key], msg=key)
        assert alpha == 0.5 or torch.equal(weight, (one, two)[alpha][key]), key
    model = WhisperForConditionalGeneration.from_pretrained(tmp_path / "model")
    assert type(model) is WhisperForConditionalGeneration and model.config.trained_windows == list(WINDOWS)
    assert model.config.interpolation_alpha == alpha and model.generation_config.language == "cs"


def test_the_dev_set_alone_chooses(inputs: dict[str, Path], tmp_path: Path) -> None:
    both = run(inputs, tmp_path / "both")
    assert both == run(inputs, tmp_path / "dev", splits=["dev"])
    rows = read_product(tmp_path / "both" / "rows").filter(pc.field("split") == "dev").to_pandas()
    sums = rows.groupby("alpha")[["errors", "words"]].sum()
    wer = (sums["errors"] / sums["words"]).to_dict()
    assert both == {"alpha": picked(wer, 0.01), **{f"dev_wer_alpha_{alpha:g}": value for alpha, value in wer.items()}}
    assert len(set(wer.values())) > 1


@given(st.dictionaries(st.floats(0, 1), st.floats(0, 2), min_size=1), st.floats(0, 0.5))
def test_no_smaller_alpha_would_do(wer: dict[float, float], tolerance: float) -> None:
    alpha = picked(wer, tolerance)
    assert wer[alpha] <= min(wer.values()) + tolerance
    assert all(value > min(wer.values()) + tolerance for other, value in wer.items() if other < alpha)


def test_weights_between_are_between(inputs: dict[str, Path]) -> None:
    between = Between(inputs["untouched"], inputs["trained"])
    for alpha, end in ((0, between.untouched), (1, between.trained)):
        weights = end.state_dict()
        assert all(torch.equal(weight, weights[key]) for key, weight in between(alpha).items())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"splits": ["test"]}, "dev must be among them"),
        ({"alphas": [0.25]}, "must be tenths"),
        ({"alphas": [1.1]}, "1"),
    ],
)
def test_what_could_not_choose_is_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        InterpolateParams.model_validate(PARAMS | change)
