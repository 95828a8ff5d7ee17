"""Pre-training: tokens per second and MFU of our trainer, beside the library's and litgpt's.

    python benchmarks/pretraining.py            about 15 minutes on two cores
    python benchmarks/pretraining.py --smoke    five steps of the laptop shape; writes no result

Ours is the trainer of the stage `tinyllama.pretrain`, with `torch_compile` and without. The peers are the library's
`Trainer` at its defaults on a plain `LlamaForCausalLM`, and litgpt's own loop, which compiles, and once more with
compiling switched off. All have the same shape, first weights, batches, optimizer settings, learning rates and threads.
Each run is a process of its own, all in turn, several times. A step is what lies between two ends of an optimizer's
step, so reading data, logging and clipping are in it. The losses of all must agree, or nothing is written.

On a machine that others use too, two threads wait for each other and time says little: with `--one-thread` each run has
one, and is measured in seconds of the processor. The result says which it was, and how many cores each arm got.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from common import ratio, write_result
from corpus import SEED, VOCABULARY, make_tokenizer, pack, write_documents, write_params
from peers.installed import installed
from peers.recorded import INITIAL, PACKED, SEQUENCES, TOKENIZER, Job

from selfsown.device import compute_device, compute_dtype
from selfsown.tinyllama.model.flops import flops_per_token
from selfsown.tinyllama.model.initialisation import fresh_model
from selfsown.tinyllama.model.llama import save_model
from selfsown.tinyllama.model.shapes import llama_config
from selfsown.tinyllama.packed.order import Order, Period
from selfsown.tinyllama.packed.streams import Packed
from selfsown.tinyllama.vocabulary.forms import load_tokenizer

JOBS = {
    "nano": (Job("nano", context=256, batch=16, steps=20, seed=SEED), 3),
    "50M": (Job("50M", context=512, batch=4, steps=7, seed=SEED), 2),
}
"""The laptop shape, as `conf/tinyllama/laptop.yaml` trains it, and one of 50 M weights; how often each is repeated."""
WARM = 2
"""Steps between the first ends that are not counted: they compile and wake threads."""
CHARACTERS = 4_000_000
TOLERANCE = 0.01
"""Of the loss of each step."""
HERE = Path(__file__).parent / "peers"
ARMS: dict[str, tuple[list[str], dict[str, str]]] = {
    "ours": (["run_ours.py", "plain"], {}),
    "ours, compiled": (["run_ours.py", "compiled"], {}),
    "Trainer": (["run_trainer.py"], {}),
    "litgpt, not compiled": (["run_litgpt.py"], {"TORCHDYNAMO_DISABLE": "1"}),
    "litgpt": (["run_litgpt.py"], {}),
}
PEERS = [name for name in ARMS if not name.startswith("ours")]
ALIKE = {"ours": ["Trainer", "litgpt, not compiled"], "ours, compiled": ["litgpt"]}
"""Like with like: compiled or not."""
ONE_THREAD = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def prepare(folder: Path, job: Job, packed: Path, tokenizer: Path) -> float:
    """What every run of a job is given, in `folder`; returns the operations that a token costs."""
    folder.mkdir()
    job.write(folder)
    (folder / PACKED).symlink_to(packed)
    (folder / TOKENIZER).symlink_to(tokenizer)
    words = load_tokenizer(tokenizer)
    config = llama_config(job.shape, VOCABULARY, job.context, bos=words.bos_token_id, eos=words.eos_token_id, pad=None)
    model = fresh_model(config, "paper", job.seed)
    save_model(model, words, folder / INITIAL)
    streams = Packed.open(packed).of("train", ["code"])
    counts = {name: stream.sequences(job.context + 1) for name, stream in streams.items()}
    order = Order(job.seed, (Period(steps=job.steps, mixture={"code": 1}),), job.batch, counts)
    places = [place for _, place in order.at(range(int(order.starts[-1])))]
    np.save(folder / SEQUENCES, streams["code"].read(places, job.context + 1))
    return flops_per_token(model, job.context)


def train(arm: str, job: Job, given: Path, peers: Path, one_thread: bool) -> dict[str, Any]:
    """One run of an arm: tokens per second of its median step, cores it got, losses, the peak found before it."""
    (script, *more), variables = ARMS[arm]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in given.iterdir():
            (folder / path.name).symlink_to(path)
        places = [*filter(None, [os.environ.get("PYTHONPATH")]), *([str(peers)] if "litgpt" in arm else [])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(places), "SELFSOWN_TRACKING": "false", **variables}
        environment |= ONE_THREAD if one_thread else {}
        environment |= (
            {"CUDA_VISIBLE_DEVICES": ""} if compute_device().type == "cpu" else {}
        )  # litgpt takes what it finds
        command = [sys.executable, str(HERE / script), str(folder), *more]
        done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(f"{arm}, {job.shape}:\n{done.stderr[-4000:]}")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    if len(found["losses"]) != job.steps or len(found["seconds"]) != job.steps - 1:
        sys.exit(f"{arm}, {job.shape}: {len(found['losses'])} losses, {len(found['seconds']) + 1} steps of {job.steps}")
    seconds, processor = (statistics.median(found[name][WARM:]) for name in ("seconds", "processor_seconds"))
    speed = job.batch * job.context / (processor if one_thread else seconds)
    cores = processor / seconds
    return {"tokens_per_second": speed, "cores": cores, "losses": found["losses"], "peak": found["peak"]}


def compare(job: Job, repeats: int, given: Path, flops: float, peers: Path, one_thread: bool) -> dict[str, Any]:
    """All arms in turn: their speeds, utilisations and losses, and ours against each peer."""
    runs: dict[str, list[dict[str, Any]]] = {arm: [] for arm in ARMS}
    for repeat in range(repeats):
        for arm in list(ARMS) if repeat % 2 == 0 else reversed(ARMS):
            run = train(arm, job, given, peers, one_thread)
            runs[arm].append(run)
            print(f"{job.shape}, repeat {repeat}, {arm}: {run['tokens_per_second']:,.0f} tokens/s", flush=True)
    peak = max(run["peak"] for found in runs.values() for run in found)
    losses = {arm: np.mean([run["losses"] for run in found], axis=0) for arm, found in runs.items()}
    apart = {arm: float(np.max(np.abs(losses[arm] / losses["ours"] - 1))) for arm in ARMS}
    if (worst := max(apart.values())) > TOLERANCE:
        sys.exit(f"{job.shape}: the losses are not alike, up to {worst:.1%} of a step's: {apart}")
    speeds = {arm: [run["tokens_per_second"] for run in found] for arm, found in runs.items()}
    middle = {arm: statistics.median(found) for arm, found in speeds.items()}
    best = max(ALIKE, key=middle.__getitem__)
    better = max(PEERS, key=middle.__getitem__)
    return {
        "job": {"context": job.context, "batch": job.batch, "steps": job.steps},
        "peak_flops": peak,
        "arms": {
            arm: {
                "tokens_per_second": middle[arm],
                "mfu": middle[arm] * flops / peak,
                "cores": statistics.median(run["cores"] for run in runs[arm]),
                "loss_of_last_step": float(losses[arm][-1]),
                "loss_apart": apart[arm],
            }
            for arm in ARMS
        },
        "alike": {
            f"{arm} / {peer}": ratio(speeds[arm], speeds[peer]) for arm, others in ALIKE.items() for peer in others
        },
        "what": f"ours: {best}; peer: the better of all, {better}",
        **ratio(speeds[best], speeds[better]),
    }


def table(shape: str, found: dict[str, Any]) -> None:
    """One shape's arms, and the ratios."""
    print(f"\n{shape}: {found['what']}: {found['ratio']:.2f}x ({found['spread'][0]:.2f} to {found['spread'][1]:.2f})")
    print(f"{'':>22} {'tokens/s':>9} {'MFU':>6} {'cores':>6} {'loss':>7} {'apart':>7}")
    for arm, row in found["arms"].items():
        speed = f"{row['tokens_per_second']:>9,.0f} {row['mfu']:>6.1%} {row['cores']:>6.2f}"
        print(f"{arm:>22} {speed} {row['loss_of_last_step']:>7.4f} {row['loss_apart']:>7.3%}")
    for name, pair in found["alike"].items():
        print(f"  {name}: {pair['ratio']:.2f}x ({pair['spread'][0]:.2f} to {pair['spread'][1]:.2f})")


def main() -> None:
    """Measure, print the tables, write the result."""
    smoke, one_thread = "--smoke" in sys.argv, "--one-thread" in sys.argv
    peers = installed(HERE / "litgpt.txt")
    parts = {}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_documents(folder / "documents", CHARACTERS)
        write_params(folder)
        make_tokenizer(folder)
        packed = pack(folder, "packed", 1)
        for shape, (job, repeats) in JOBS.items():
            if smoke and shape != "nano":
                continue
            job, repeats = (replace(job, steps=5), 1) if smoke else (job, repeats)
            flops = prepare(folder / shape, job, packed, folder / "tokenizer")
            parts[shape] = compare(job, repeats, folder / shape, flops, peers, one_thread)
            table(shape, parts[shape])
    if not smoke:
        clock = "seconds of the processor, one thread" if one_thread else "seconds"
        versions = {"litgpt_requirements": (HERE / "litgpt.txt").read_text().splitlines()[1:]}
        packages = ["accelerate", "numpy", "torch", "transformers"]
        write_result(
            "pretraining", seed=SEED, packages=packages, unit="tokens/s", precision=str(compute_dtype()), clock=clock,
            **versions, **parts,
        )  # fmt: skip


if __name__ == "__main__":
    main()
