"""What the tests of this pipeline share: plain settings, and a corpus of two collections."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.plainly import plainly as plainly
from tests.tinyllama.corpora import TEXTS, packed_folder


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `documents`, `tokenizer` and `packed`: text and code, which are the same."""
    folder = tmp_path_factory.mktemp("corpus")
    packed_folder(folder, TEXTS, TEXTS[:5], names=("text", "code"))
    return folder
