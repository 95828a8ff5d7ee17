"""Every stage that makes shards, on two Ray nodes of which one is lost: the bytes that smoke's run made without Ray."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from dvc.repo import Repo
from ray.cluster_utils import Cluster
from tests.conftest import ROOT

from selfsown import shards
from selfsown.cli import stage_command
from selfsown.settings import settings
from selfsown.sources.tree import tree_sha256

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

SOURCES = ROOT / "src/selfsown"


def makers() -> list[str]:
    """The stages whose own module asks for shards."""
    files = [file for file in SOURCES.glob("*/**/*.py") if " map_shards(" in file.read_text()]
    names = (file.relative_to(SOURCES).with_suffix("").parts for file in files)
    return sorted(".".join(parts).removesuffix(".__init__") for parts in names if parts[0] != "shards")


Losing = Callable[[], list[object]]


@pytest.fixture
def losing_a_node(monkeypatch: pytest.MonkeyPatch) -> Iterator[Losing]:
    """Called, the engine is a cluster of two nodes with a core each, and the second goes at the first shard written.

    Gives back the list of the shards that are written.
    """
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    monkeypatch.setenv("SELFSOWN_ENGINE", "ray")
    monkeypatch.setenv("SELFSOWN_WORKERS", "2")
    settings.cache_clear()
    write = shards._write_shard

    def lose() -> list[object]:
        second = cluster.add_node(num_cpus=1)
        cluster.wait_for_nodes()
        written: list[object] = []

        def write_and_lose(*arguments: Any) -> None:
            write(*arguments)
            written.append(arguments[1])
            if len(written) == 1:
                cluster.remove_node(second, allow_graceful=False)

        monkeypatch.setattr(shards, "_write_shard", write_and_lose)
        return written

    yield lose
    ray.shutdown()
    cluster.shutdown()
    monkeypatch.undo()
    settings.cache_clear()


@pytest.mark.usefixtures("smoke")
@pytest.mark.parametrize("stage", makers())
def test_a_lost_node_changes_no_byte(
    stage: str, tmp_path: Path, losing_a_node: Losing, caplog: pytest.LogCaptureFixture
) -> None:
    with Repo(str(ROOT)) as repo:
        found = [made for made in repo.index.stages if made.cmd and made.cmd.startswith(f"selfsown {stage} ")]
    if not found:
        pytest.skip(f"smoke has no {stage}: the pipeline's own tests have it")
    for made in found:
        outputs = [out.def_path for out in made.outs]
        written = losing_a_node()
        words = [str(tmp_path / word) if word in outputs else word for word in shlex.split(made.cmd)[2:]]
        caplog.clear()
        stage_command(stage).main(words, standalone_mode=False)
        assert written
        if len(written) > 7:  # of fewer, it may be done with its last
            assert "an actor was lost, 1 are left" in caplog.text
        for out in outputs:
            assert tree_sha256(tmp_path / out) == tree_sha256(ROOT / out), out
