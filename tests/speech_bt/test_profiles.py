"""Every profile's voices, and the words it may use."""

import copy
from pathlib import Path
from typing import Any

import pytest
from tests.profiles import PROFILES, composed, write_params

from selfsown.params import ParamsError, load_params
from selfsown.stage import load_stage


@pytest.mark.parametrize("profile", PROFILES)
def test_every_language_has_voices(profile: str) -> None:
    params = composed(f"profile={profile}")
    assert all(params["speech_bt"]["synthesize"]["voices"].get(language) for language in params["languages"])


@pytest.mark.parametrize(
    ("step", "key", "value", "allowed"),
    [
        ("transcribe", "normalizer", "wisper", "'whisper_basic' or 'none'"),
        ("intelligibility", "normalizer", "wisper", "'whisper_basic' or 'none'"),
        ("train", "normalizer", "wisper", "'whisper_basic' or 'none'"),
        ("transcribe", "splits", ["tset"], "'test' or 'ood'"),
        ("intelligibility", "real_splits", ["test"], "'seed', 'text' or 'dev'"),
    ],
)
def test_a_word_that_means_nothing_is_refused_with_those_that_do(
    step: str, key: str, value: Any, allowed: str, tmp_path: Path
) -> None:
    config = copy.deepcopy(composed("profile=laptop"))
    config["speech_bt"][step][key] = value
    path, stage = write_params(tmp_path, config), f"speech_bt.{step}"
    with pytest.raises(ParamsError, match=rf"{stage}\.{key}.* is not allowed: .*{allowed}"):
        load_params(stage, load_stage(stage).params_model, path)
