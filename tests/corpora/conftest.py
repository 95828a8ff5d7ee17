"""What the tests of `selfsown source add` share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from selfsown.settings import settings


@pytest.fixture
def empty_registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The working directory: an empty registry, and a cache of its own."""
    (tmp_path / "conf").mkdir()
    (tmp_path / "conf/sources.yaml").write_text("# nothing yet\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SELFSOWN_CACHE", str(tmp_path / "cache"))
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()
