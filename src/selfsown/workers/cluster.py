"""The Ray engine: an existing cluster (`RAY_ADDRESS`), or one of this machine.

An actor has one item at a time and gets the next when it is done. Where one is lost, alone or with its node, its item
goes to another, and those that are left finish the work: what is made of an item depends on nothing else.
"""

from __future__ import annotations

import logging
import os
import sys
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from selfsown.errors import UserError, first_line
from selfsown.settings import settings

if TYPE_CHECKING:
    from selfsown.workers import Item, Result, Worker

log = logging.getLogger(__name__)

MOST_LOSSES = 3
"""Actors that may be lost over one item; with so many it is the item that takes them down."""


class Actor:
    """A process of the cluster. It makes its worker at the first item, so that an error in that is the item's."""

    def __init__(self, make_worker: Callable[[], Worker[Any, Any]], folder: str) -> None:
        from selfsown.workers import single_thread

        os.chdir(folder)  # a stage's paths are relative, and Ray starts processes elsewhere
        single_thread()
        self.make_worker = make_worker
        self.worker: Worker[Any, Any] | None = None

    def ready(self) -> None:
        """Answers once the process is there: until then it is given no item, which another could be at work on."""

    def work(self, item: Any) -> Any:
        """What the worker makes of an item."""
        if self.worker is None:
            self.worker = self.make_worker()
        return self.worker(item)


def work_on_cluster(
    make_worker: Callable[[], Worker[Item, Result]], items: Sequence[tuple[int, Item]]
) -> Iterator[tuple[int, Result]]:
    """Results of numbered items in the order they are done.

    Raises:
        UserError: every actor was lost, or so many over one item that it must be the item.
    """
    import ray

    actors = _start_actors(make_worker, len(items))
    asked: dict[Any, tuple[Any, tuple[int, Item] | None]] = {actor.ready.remote(): (actor, None) for actor in actors}
    waiting, idle, losses = deque(items), list[Any](), Counter[int]()
    try:
        while waiting or any(item for _, item in asked.values()):
            (answer, *_), _ = ray.wait(list(asked))
            actor, item = asked.pop(answer)
            made = []
            try:
                result = ray.get(answer)
            except _lost() as error:
                ray.kill(actor)
                log.warning("ray: an actor was lost, %d are left: %s", len(asked) + len(idle), first_line(error))
                if item is not None:
                    waiting.appendleft(item)
                    losses[item[0]] += 1
                _check_hope(losses, len(asked) + len(idle), error)
            else:
                idle.append(actor)
                if item is not None:
                    made.append((item[0], result))
            while waiting and idle:  # before the result is written, which takes a while
                free, following = idle.pop(), waiting.popleft()
                asked[free.work.remote(following[1])] = (free, following)
            yield from made
    finally:
        for actor in actors:
            ray.kill(actor)


def _start_actors(make_worker: Callable[[], Worker[Any, Any]], items: int) -> list[Any]:
    """As many as there are GPUs, cores or `SELFSOWN_WORKERS`, and no more than items."""
    import ray

    if not ray.is_initialized():
        path = os.pathsep.join(part for part in sys.path if part)
        variables = {**settings().environment, "PYTHONPATH": path}  # another node has no `.env`
        ray.init(log_to_driver=False, include_dashboard=False, runtime_env={"env_vars": variables})
    gpus = 1 if ray.cluster_resources().get("GPU", 0) >= 1 and settings().device != "cpu" else 0
    slots = int(ray.cluster_resources().get("GPU" if gpus else "CPU", 1))
    count = max(1, min(settings().workers or slots, items))
    made = ray.remote(num_cpus=0 if gpus else 1, num_gpus=gpus)(Actor)
    return [made.remote(make_worker, str(Path.cwd())) for _ in range(count)]


def _lost() -> tuple[type[Exception], ...]:
    """What Ray raises where an actor or its node is gone, and not what the worker itself raises."""
    from ray import exceptions as of

    return (of.RayActorError, of.NodeDiedError, of.WorkerCrashedError, of.ObjectLostError, of.OutOfMemoryError)


def _check_hope(losses: Counter[int], left: int, error: Exception) -> None:
    shard, most = max(losses.items(), key=lambda item: item[1], default=(0, 0))
    why = f"{first_line(error)}; what is finished is kept, and goes on when the stage is started again"
    if most >= MOST_LOSSES:
        raise UserError(f"SELFSOWN_ENGINE=ray: {most} actors were lost at work on shard {shard}: {why}") from error
    if not left:
        raise UserError(f"SELFSOWN_ENGINE=ray: no actor is left: {why}") from error
