"""A hub's folder becomes one whose generation config names the language, and changes no weight."""

from importlib import import_module
from pathlib import Path

import pytest
from tests.speech_bt.tiny_whisper import tiny_model, tiny_processor
from transformers import WhisperForConditionalGeneration, WhisperProcessor

from selfsown.speech_bt.untouched import UntouchedParams, untouched


def test_a_hub_folder_gets_the_language_and_a_second_run_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source, model = tmp_path / "source", tmp_path / "models" / "untouched"
    network = tiny_model()
    network.generation_config.language = "nl"
    network.save_pretrained(source)
    tiny_processor().save_pretrained(source)
    monkeypatch.setattr(import_module("selfsown.speech_bt.untouched"), "fetch", lambda _: source)
    for _ in range(2):
        made = untouched(UntouchedParams(languages=("cs", "nl"), source="tiny"), model=model)
        assert made == {"parameters": network.num_parameters()}
        assert list(model.parent.iterdir()) == [model]
        found = WhisperForConditionalGeneration.from_pretrained(model)
        assert found.generation_config.language == "cs" and found.generation_config.task == "transcribe"
        after, before = found.state_dict(), network.state_dict()
        assert after.keys() == before.keys() and all((after[name] == before[name]).all() for name in before)
    assert WhisperProcessor.from_pretrained(model).tokenizer.is_fast
