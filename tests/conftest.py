"""What tests of every folder share."""

import os
from pathlib import Path

import hypothesis
import pytest
import yaml

ROOT = Path(__file__).parents[1]

# Cores are shared, so that an example is slow says nothing.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.load_profile("unhurried")

# Tests run side by side as it is, and each process of a stage's pool would import torch again.
os.environ.setdefault("SELFSOWN_WORKERS", "1")


@pytest.fixture
def smoke(monkeypatch: pytest.MonkeyPatch) -> None:
    """In a checkout where smoke has run."""
    monkeypatch.chdir(ROOT)
    if yaml.safe_load(Path("params.yaml").read_text())["composed_from"] != "smoke":
        pytest.skip("smoke is not the active profile: make repro PROFILE=smoke")
