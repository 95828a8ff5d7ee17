"""What the tests of this pipeline's training share."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

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
