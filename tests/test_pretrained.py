"""Both pipelines' pre-trained models: a stage killed as it saves leaves nothing that the next start does not clear."""

import importlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.msat.tiny_solver import tiny_encoder
from tests.speech_bt.tiny_whisper import tiny_model, tiny_processor
from transformers import AutoConfig

SECTIONS: dict[str, dict[str, Any]] = {
    "msat": {"source": "tiny"},
    "speech_bt": {"source": "tiny", "languages": ["cs"]},
}


def start(pipeline: str, source: Path, model: Path, *, killed: bool) -> None:
    """The stage on a source at hand; `killed`: by the first rename, when all is saved."""
    module = importlib.import_module(f"selfsown.{pipeline}.pretrained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "fetch", lambda *_, **__: source)
        if killed:
            patch.setattr(Path, "rename", lambda *_: os._exit(9))
        module.pretrained(module.PretrainedParams.model_validate(SECTIONS[pipeline]), model=model)


@pytest.mark.parametrize("pipeline", SECTIONS)
def test_what_a_kill_left_is_cleared_by_the_next_start(pipeline: str, tmp_path: Path) -> None:
    source, model = tmp_path / "source", tmp_path / "models/pretrained"
    source.mkdir()
    if pipeline == "msat":
        tiny_encoder(source)
    else:
        tiny_model().save_pretrained(source)
        tiny_processor().save_pretrained(source)
    call = f"start({pipeline!r}, Path({str(source)!r}), Path({str(model)!r}), killed=True)"
    code = f"from tests.test_pretrained import Path, start; {call}"
    root = Path(__file__).parents[1]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(map(str, (root, root / "src")))}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == 9
    assert not model.exists() and list(model.parent.iterdir()), "killed when all was saved and nothing in its place"
    for _ in range(2):  # and again over a finished one
        start(pipeline, source, model, killed=False)
        assert list(model.parent.iterdir()) == [model]
    assert AutoConfig.from_pretrained(model).model_type in ("bert", "whisper")
