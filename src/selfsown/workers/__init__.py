"""Where shards are worked on: processes of this machine, or actors of a Ray cluster.

Both build a worker once per process and give results back as they come; what a worker makes of an item depends on
nothing else, so neither does the order or number of processes.
"""

from __future__ import annotations

import ctypes
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from itertools import takewhile
from multiprocessing import get_context, parent_process
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from selfsown.settings import settings
from selfsown.workers.cluster import work_on_cluster

if TYPE_CHECKING:
    from multiprocessing.queues import SimpleQueue

Item = TypeVar("Item")
Result = TypeVar("Result")
Worker: TypeAlias = Callable[[Item], Result]

THREAD_COUNTS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")


def work(
    make_worker: Callable[[], Worker[Item, Result]], items: Sequence[tuple[int, Item]]
) -> Iterator[tuple[int, Result]]:
    """Results of numbered items in the order they are done, on the engine the settings name.

    Args:
        make_worker: picklable; called once per process, so a worker may hold a loaded model.
    """
    if items:
        engine = work_on_cluster if settings().engine == "ray" else _on_processes
        yield from engine(make_worker, items)


def _on_processes(
    make_worker: Callable[[], Worker[Item, Result]], items: Sequence[tuple[int, Item]]
) -> Iterator[tuple[int, Result]]:
    """Spawned processes, so that no thread or lock of this one is inherited half-way; a single one need not start."""
    workers = min(local_worker_count(), len(items))
    if workers == 1:
        yield from _in_this_process(make_worker, items)
        return
    context = get_context("spawn")
    gpus, turns = visible_gpus(), context.SimpleQueue()
    for worker in range(workers if gpus else 0):
        turns.put(gpus[worker % len(gpus)])
    pool = ProcessPoolExecutor(
        workers, mp_context=context, initializer=_start_worker, initargs=(make_worker, turns if gpus else None)
    )
    with pool:
        futures = {pool.submit(_work_on, item): index for index, item in items}
        try:
            for future in as_completed(futures):
                yield futures[future], future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def local_worker_count() -> int:
    """Processes of the local engine: what the settings say, else one per GPU (two would load a model each), or core."""
    return settings().workers or len(visible_gpus()) or settings().worker_count


def visible_gpus() -> list[str]:
    """The GPUs this process may use, as `CUDA_VISIBLE_DEVICES` names them; none where the settings say CPU."""
    import pynvml

    if settings().device == "cpu":
        return []
    try:
        pynvml.nvmlInit()
        there = [str(index) for index in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:
        return []
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None or not there:
        return there
    # CUDA reads as far as a name that is none: -1, which hides all GPUs, or an empty one.
    return list(takewhile(lambda name: name not in ("", "-1"), map(str.strip, named.split(","))))


def _in_this_process(
    make_worker: Callable[[], Worker[Item, Result]], items: Sequence[tuple[int, Item]]
) -> Iterator[tuple[int, Result]]:
    """Here, as a process of the pool would: on one thread."""
    before = {name: os.environ.get(name) for name in THREAD_COUNTS}
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch else 0
    try:
        single_thread()
        worker = make_worker()
        for index, item in items:
            yield index, worker(item)
    finally:
        for name, value in before.items():
            os.environ.pop(name) if value is None else os.environ.update({name: value})
        if torch:
            torch.set_num_threads(threads)


_PR_SET_PDEATHSIG = 1  # <linux/prctl.h>


def die_with_parent() -> None:
    """From now on this process is killed when its parent ends: a killed stage leaves no orphan at work."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


_worker: Worker[Any, Any] | None = None


def _start_worker(make_worker: Callable[[], Worker[Any, Any]], gpus: SimpleQueue[str] | None) -> None:
    """Runs first in every process: one thread each, because sums in another order give other bytes; and one GPU."""
    global _worker
    die_with_parent()
    parent = parent_process()
    if parent is not None and not parent.is_alive():  # killed before the line above: nobody would tell us any more
        os._exit(1)
    single_thread()
    if gpus is not None:
        os.environ["CUDA_VISIBLE_DEVICES"] = gpus.get()
    _worker = make_worker()
    gc.freeze()  # as in `load_stage`


def _work_on(item: Any) -> Any:
    if _worker is None:
        raise RuntimeError("the worker process was not initialised")
    return _worker(item)


def single_thread() -> None:
    """For libraries that are loaded from now on, and for torch if it is here already: not every worker needs it."""
    os.environ.update(dict.fromkeys(THREAD_COUNTS, "1"))
    if "torch" in sys.modules:
        sys.modules["torch"].set_num_threads(1)
