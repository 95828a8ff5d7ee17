"""How many processes the local engine starts, and on which GPU each works. The GPUs are pretended: none is touched."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pynvml
import pytest

from selfsown import workers
from selfsown.settings import settings

Setting = Callable[..., None]


def seen() -> Callable[[int], tuple[int, str | None]]:
    """A worker that tells its process and GPU, slowly enough that every process gets an item."""

    def work(_: int) -> tuple[int, str | None]:
        time.sleep(0.5)
        return os.getpid(), os.environ.get("CUDA_VISIBLE_DEVICES")

    return work


def gpus_of_processes(items: int = 6) -> list[str | None]:
    """The GPU of each process that worked."""
    found = dict(result for _, result in workers.work(seen, [(item, item) for item in range(items)]))
    return sorted(found.values(), key=str)


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Four cores and so many GPUs, with these SELFSOWN_ and CUDA_ variables."""

    def set_to(gpus: int, **variables: str) -> None:
        monkeypatch.chdir(tmp_path)
        monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(4)))
        monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
        monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: gpus)
        for name in ("SELFSOWN_WORKERS", "SELFSOWN_DEVICE", "SELFSOWN_ENGINE", "CUDA_VISIBLE_DEVICES"):
            monkeypatch.delenv(name, raising=False)
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        settings.cache_clear()

    yield set_to
    settings.cache_clear()


@pytest.mark.parametrize(
    ("gpus", "variables", "count", "chosen"),
    [
        (0, {}, 4, []),
        (1, {}, 1, ["0"]),
        (2, {}, 2, ["0", "1"]),
        (2, {"SELFSOWN_DEVICE": "cpu"}, 4, []),
        (2, {"SELFSOWN_WORKERS": "3"}, 3, ["0", "1"]),
        (4, {"CUDA_VISIBLE_DEVICES": "1,3"}, 2, ["1", "3"]),
        (4, {"CUDA_VISIBLE_DEVICES": "GPU-4c21"}, 1, ["GPU-4c21"]),
        (4, {"CUDA_VISIBLE_DEVICES": ""}, 4, []),
        (4, {"CUDA_VISIBLE_DEVICES": "-1"}, 4, []),
        (4, {"CUDA_VISIBLE_DEVICES": "1,-1,3"}, 1, ["1"]),
    ],
)
def test_one_process_per_gpu_unless_told_otherwise(
    machine: Setting, gpus: int, variables: dict[str, str], count: int, chosen: list[str]
) -> None:
    machine(gpus, **variables)
    assert (workers.local_worker_count(), workers.visible_gpus()) == (count, chosen)


def test_each_process_has_a_gpu_of_its_own(machine: Setting) -> None:
    machine(4, CUDA_VISIBLE_DEVICES="1,3")
    assert gpus_of_processes() == ["1", "3"]


def test_more_processes_share_the_gpus_evenly(machine: Setting) -> None:
    machine(2, SELFSOWN_WORKERS="4")
    assert gpus_of_processes(12) == ["0", "0", "1", "1"]
