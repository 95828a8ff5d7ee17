"""The Ray engine on two nodes: the same bytes though one is lost half-way, and errors that name what is wrong."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster
from tests.test_shards import make, workers  # noqa: F401 - a fixture

from selfsown import workers as engine
from selfsown.errors import UserError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("workers")]

Setting = Callable[..., None]


@pytest.fixture
def two_nodes(monkeypatch: pytest.MonkeyPatch, workers: Setting) -> Iterator[tuple[Cluster, Any]]:  # noqa: F811
    """A cluster with a core on each of its two nodes, and the second one."""
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    second = cluster.add_node(num_cpus=1)
    cluster.wait_for_nodes()
    monkeypatch.setenv("RAY_ADDRESS", cluster.address)
    workers(2, "ray")
    yield cluster, second
    ray.shutdown()
    cluster.shutdown()


@pytest.mark.parametrize("graceful", [True, False])
def test_the_same_bytes_though_a_node_is_lost_half_way(
    graceful: bool, tmp_path: Path, two_nodes: tuple[Cluster, Any], caplog: pytest.LogCaptureFixture
) -> None:
    cluster, second = two_nodes
    out, log = tmp_path / "lost", tmp_path / "log"

    def lose() -> None:
        while len(list(out.glob(".work/0*.json"))) < 5:
            time.sleep(0.05)
        cluster.remove_node(second, allow_graceful=graceful)

    threading.Thread(target=lose, daemon=True).start()
    card = make(out, log, pause=0.5, count=16)
    assert "an actor was lost, 1 are left" in caplog.text
    assert card.digest == make(tmp_path / "here", count=16).digest
    assert len(log.read_text().split()) > 16, "the item of the lost actor was made again"


def dies_at(shard: int) -> Callable[[int], int]:
    """Work that ends its process at one item."""

    def work(item: int) -> int:
        if item == shard:
            os.kill(os.getpid(), signal.SIGKILL)
        return item

    return work


def dies_at_two() -> Callable[[int], int]:
    return dies_at(2)


def raises() -> Callable[[int], int]:
    raise ZeroDivisionError


def test_what_no_other_actor_can_mend_is_an_error(two_nodes: tuple[Cluster, Any]) -> None:
    """An item that ends its process takes both actors; what a worker raises is raised, and takes none."""
    with pytest.raises(UserError, match=r"SELFSOWN_ENGINE=ray: no actor is left: .* goes on when"):
        list(engine.work(dies_at_two, [(item, item) for item in range(6)]))
    with pytest.raises(ZeroDivisionError):
        list(engine.work(raises, [(0, 0)]))
