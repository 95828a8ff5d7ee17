"""The stages of voices that imitate, which smoke has not, on a Ray cluster that loses a node: one process's bytes."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.speech_bt.test_adapt_tts import write_speech
from tests.speech_bt.test_prompts import PARAMS
from tests.speech_bt.tiny_whisper import tiny_model, tiny_processor
from tests.speech_bt.tiny_xtts import write_tiny_xtts
from tests.test_cluster_stages import Losing, losing_a_node

from selfsown.settings import settings
from selfsown.sources.tree import tree_sha256
from selfsown.speech_bt.codes import CodesParams, codes
from selfsown.speech_bt.prompts import PromptsParams, prompts

__all__ = ["losing_a_node"]

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CODES = {"languages": ["vi"], "seconds": {"low": 0.5, "high": 2}, "shard_size": 1}


def test_a_lost_node_changes_no_byte_of_codes_and_prompts(
    tmp_path: Path, losing_a_node: Losing, monkeypatch: pytest.MonkeyPatch
) -> None:
    judge, tts, speech = (tmp_path / name for name in ("judge", "tts", "speech"))
    tiny_model().export(judge)
    tiny_processor().save_pretrained(judge)
    tts.mkdir()
    write_tiny_xtts(tts)
    write_speech(speech)

    def make(place: str) -> str:
        made = tmp_path / place
        codes(CodesParams.model_validate(CODES), tts=tts, speech=speech, codes=made / "codes")
        wanted = PromptsParams.model_validate(PARAMS | {"shard_size": 1})
        prompts(wanted, judge=judge, tts=tts, speech=speech, measured=made / "measured", prompts=made / "prompts")
        return tree_sha256(made)

    written = losing_a_node()
    on_two_nodes = make("cluster")
    assert len(written) > 7
    monkeypatch.setenv("SELFSOWN_ENGINE", "local")
    monkeypatch.setenv("SELFSOWN_WORKERS", "1")
    settings.cache_clear()
    assert make("here") == on_two_nodes
