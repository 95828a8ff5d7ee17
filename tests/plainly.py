"""How the tests of trainers and models run, and how they kill a training."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from transformers import Trainer

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


def kill_at_checkpoints(patch: pytest.MonkeyPatch, kind: type[Trainer] = Trainer) -> None:
    """From now on a trainer ends with a KeyboardInterrupt as soon as it has written a checkpoint."""
    save = kind._save_checkpoint

    def killed(self: Trainer, *args: object, **kwargs: object) -> None:
        save(self, *args, **kwargs)
        raise KeyboardInterrupt

    patch.setattr(kind, "_save_checkpoint", killed)
