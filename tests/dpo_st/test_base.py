"""A base is the files of the one model in a source."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.dpo_st.tiny_samplers import write_model

from selfsown.dpo_st.base import BaseParams, base
from selfsown.errors import UserError


@pytest.fixture
def source(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is fetched: a repository with a model in it, and more."""
    folder = tmp_path / "fetched"
    write_model(folder / "inner", "groups")
    (folder / "inner" / "pytorch_model.bin").write_bytes(b"pickled")
    (folder / "inner" / "modeling.py").write_text("raise SystemExit")
    monkeypatch.setattr("selfsown.sources.model.fetch", lambda name: folder)
    return folder


def test_the_files_of_a_model_and_no_others(source: Path, tmp_path: Path) -> None:
    base(BaseParams(), source="made", model=tmp_path / "base")
    inner = source / "inner"
    names = {path.name for path in inner.iterdir()} - {"pytorch_model.bin", "modeling.py"}
    assert {path.name for path in (tmp_path / "base").iterdir()} == names
    assert all((tmp_path / "base" / name).read_bytes() == (inner / name).read_bytes() for name in names)


def test_a_source_with_several_models(source: Path, tmp_path: Path) -> None:
    write_model(source / "another", "groups")
    with pytest.raises(UserError, match="made: 2 folders with config"):
        base(BaseParams(), source="made", model=tmp_path / "base")


def test_a_source_without_a_fast_tokenizer(source: Path, tmp_path: Path) -> None:
    (source / "inner" / "tokenizer.json").unlink()
    with pytest.raises(UserError, match="made: no tokenizer"):
        base(BaseParams(), source="made", model=tmp_path / "base")
