"""What the tests of this pipeline share: plain settings, and a corpus of two collections."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.tinyllama.corpora import TEXTS, packed_folder

from selfsown.settings import settings


@pytest.fixture(scope="module")
def plainly() -> Iterator[None]:
    """On the processor, in fp32, in one process, untracked."""
    plain = {"DEVICE": "cpu", "PRECISION": "fp32", "WORKERS": "1", "TRACKING": "false"}
    with pytest.MonkeyPatch.context() as patch:
        for name, value in plain.items():
            patch.setenv(f"SELFSOWN_{name}", value)
        settings.cache_clear()
        yield
    settings.cache_clear()


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `documents`, `tokenizer` and `packed`: text and code, which are the same."""
    folder = tmp_path_factory.mktemp("corpus")
    packed_folder(folder, TEXTS, TEXTS[:5], names=("text", "code"))
    return folder
