"""Tokenising and packing: tokens per second with one and two workers, the same bytes; and what reading them costs.

    python benchmarks/packing.py

Packing: each repeat runs the stage as DVC does, in a process of its own, so the time holds the start of the interpreter
and of the workers. Ours is two workers, the peer one worker on one core. A single worker of a default run is measured
too: the tokenizer has threads of its own, which use the cores that no worker does.

Reading: the seconds that a batch of the laptop shape takes from the memory maps, as a share of its training step.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from common import ratio, write_result
from corpus import SEED, VOCABULARY, make_tokenizer, pack, write_documents, write_params
from torch.nn.utils import clip_grad_norm_

from selfsown.products import read_card
from selfsown.tinyllama.model.initialisation import fresh_model
from selfsown.tinyllama.model.shapes import llama_config
from selfsown.tinyllama.packed.order import Order, Period
from selfsown.tinyllama.packed.streams import Packed
from selfsown.tinyllama.training.data import Sequences, Shifted

REPEATS = 3
CHARACTERS = 24_000_000
ARMS: dict[str, tuple[int, dict[str, str]]] = {
    "one worker, one core": (1, {"RAYON_NUM_THREADS": "1"}),
    "one worker": (1, {}),
    "two workers": (2, {}),
}
SHAPE, CONTEXT, BATCH = "nano", 256, 8
"""As `conf/tinyllama/laptop.yaml` trains."""
READ, STEPS = 400, 12


def measure_packing(folder: Path) -> tuple[dict[str, list[float]], str]:
    """Seconds of every arm, and the digest that all of them made."""
    seconds: dict[str, list[float]] = {name: [] for name in ARMS}
    digests = set()
    for repeat in range(REPEATS):
        for name in list(ARMS) if repeat % 2 == 0 else reversed(ARMS):
            workers, variables = ARMS[name]
            start = time.perf_counter()
            out = pack(folder, f"packed-{workers}", workers, **variables)
            seconds[name].append(time.perf_counter() - start)
            digests.add(read_card(out).digest)
            shutil.rmtree(out)
    if len(digests) != 1:
        sys.exit(f"the bytes depend on the number of workers: {sorted(digests)}")
    return seconds, digests.pop()


def measure_reading(packed: Packed) -> dict[str, Any]:
    """Seconds to read a batch, seconds of a training step on it, in turn, and the one as a share of the other."""
    streams = packed.of("train", ["code"])
    sequences = {name: stream.sequences(CONTEXT + 1) for name, stream in streams.items()}
    order = Order(SEED, (Period(steps=READ, mixture={"code": 1}),), BATCH, sequences)
    data = Sequences(order, streams, CONTEXT, 0, READ)
    collate = Shifted(None)
    model = fresh_model(llama_config(SHAPE, VOCABULARY, CONTEXT, bos=0, eos=1, pad=None), "paper", SEED).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-4, fused=True)
    reads: list[float] = []
    steps: list[float] = []
    for step in range(READ):
        start = time.perf_counter()
        batch = collate(data.__getitems__(range(step * BATCH, (step + 1) * BATCH)))
        reads.append(time.perf_counter() - start)
        if step % (READ // STEPS) == 0:
            start = time.perf_counter()
            model(**batch)["loss"].backward()
            clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad()
            steps.append(time.perf_counter() - start)
    read, trained = statistics.median(reads), statistics.median(steps)
    return {
        "read_seconds": read,
        "read_seconds_95": float(np.quantile(reads, 0.95)),
        "step_seconds": trained,
        "share": read / trained,
    }


def main() -> None:
    """Measure, print the tables, write the result."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        size = write_documents(folder / "documents", CHARACTERS)
        write_params(folder)
        make_tokenizer(folder)
        seconds, digest = measure_packing(folder)
        packed = Packed.open(pack(folder, "packed", 2))
        tokens = sum(stream.tokens for split in packed.streams.values() for stream in split.values())
        reading = measure_reading(packed)
    rates = {name: [tokens / taken for taken in times] for name, times in seconds.items()}
    print(f"{size / 1e6:.1f} MB, {tokens:,} tokens, same bytes: {digest}")
    print(f"{'':>22} {'seconds':>14} {'tokens/s':>10}")
    for arm, times in seconds.items():
        print(f"{arm:>22} {f'{min(times):.1f} to {max(times):.1f}':>14} {statistics.median(rates[arm]):>10,.0f}")
    print(
        f"reading a batch of {BATCH} x {CONTEXT + 1} tokens: {reading['read_seconds'] * 1e3:.2f} ms, "
        f"{reading['share']:.2%} of a training step of {reading['step_seconds']:.2f} s"
    )
    write_result(
        "packing",
        seed=SEED,
        packages=["numpy", "pyarrow", "tokenizers", "torch", "transformers"],
        unit="tokens/s",
        tokens=tokens,
        bytes=size,
        seconds=seconds,
        same_bytes=True,
        reading={"shape": SHAPE, "batch": [BATCH, CONTEXT + 1], **reading},
        what="ours: two workers; peer: one worker on one core; process start included",
        one_worker=ratio(rates["one worker"], rates["one worker, one core"]),
        **ratio(rates["two workers"], rates["one worker, one core"]),
    )


if __name__ == "__main__":
    main()
