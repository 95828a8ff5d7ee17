"""The encoder's folder is made of any folder that holds one, and holds it alone."""

from pathlib import Path

import pytest
from tests.msat.tiny_solver import tiny_encoder
from transformers import AutoModel, AutoTokenizer

from selfsown.errors import UserError
from selfsown.msat.encoder import EncoderParams, encoder
from selfsown.msat.solvers.encoder import load_encoder

PARAMS = EncoderParams(source="tiny")


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is fetched: the encoder stands somewhere in it."""
    folder = tmp_path / "source"
    tiny_encoder(folder / "some" / "place")
    monkeypatch.setattr("selfsown.sources.model.fetch", lambda _: folder)
    return folder


def test_it_is_the_same_encoder_and_a_second_run_changes_nothing(source: Path, tmp_path: Path) -> None:
    model = tmp_path / "models" / "encoder"
    before = load_encoder(source / "some" / "place").state_dict()
    for _ in range(2):
        assert encoder(PARAMS, model=model) == {"parameters": sum(weight.numel() for weight in before.values())}
        assert list(model.parent.iterdir()) == [model]
        after = load_encoder(model).state_dict()
        assert after.keys() == before.keys() and all((after[name] == before[name]).all() for name in before)
    assert AutoTokenizer.from_pretrained(model).is_fast


def test_two_encoders_or_none_are_refused(source: Path, tmp_path: Path) -> None:
    AutoModel.from_pretrained(source / "some" / "place").save_pretrained(source / "another")
    with pytest.raises(UserError, match="tiny: 2 folders with config"):
        encoder(PARAMS, model=tmp_path / "m")
    for file in source.rglob("*.safetensors"):
        file.unlink()
    with pytest.raises(UserError, match="tiny: 0 folders with config"):
        encoder(PARAMS, model=tmp_path / "m")
