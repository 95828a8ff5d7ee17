"""What several tests of the solvers start from."""

from pathlib import Path

import pytest
from tests.msat.tiny_solver import tiny_encoder


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a tiny encoder."""
    return tiny_encoder(tmp_path_factory.mktemp("encoder"))
