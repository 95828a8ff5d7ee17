"""A step of DiffAug's stage 2: sentences per second of ours beside a plain re-implementation of the paper's step.

    python benchmarks/diffaug_step.py               after `make repro`: it reads the triplets and encoder of that run
    python benchmarks/diffaug_step.py --one-thread  the same in seconds of the processor, for a machine that others use
    python benchmarks/diffaug_step.py --smoke       a tiny encoder and made sentences; writes no result

The peer does what the paper's code does (DiffAug, arXiv 2210.16536): anchors, positives and hard negatives pass the
encoder one after another, each filled up to the full length; where the template is denoised, its state is worked out
for every length that there may be, in each pass. Ours puts all rows of a batch together, sorts them by length and cuts
them into passes; the template's state is worked out for the lengths that are there. Both do the same steps on the same
triplets, forward and backward; without dropout their losses must be equal, or nothing is written.
"""

from __future__ import annotations

import random
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from common import ratio, write_result
from torch import Tensor
from torch.nn.functional import cross_entropy, normalize
from transformers import BertConfig, BertModel

from selfsown.device import compute_device, compute_dtype
from selfsown.diffaug.embedding.description import EmbeddingParams, PrefixParams
from selfsown.diffaug.embedding.encoder import SentenceEncoder
from selfsown.diffaug.embedding.folder import new_encoder
from selfsown.diffaug.embedding.prefix import PrefixEncoder, Role
from selfsown.diffaug.embedding.template import Template
from selfsown.diffaug.training.batches import Collator, Item
from selfsown.diffaug.training.objective import Heads, Objective
from selfsown.diffaug.training.plan import plan
from selfsown.diffaug.training.triplets import Triplet, in_tokens, read_triplets

SEED = 1
TEMPERATURE = 0.05
TRIPLETS, ENCODER = Path("data/corpora/triplets"), Path("models/diffaug/encoder")
MAX_TOKENS = 32
PAPER = EmbeddingParams(
    pooling="mask", template='This sentence of "{sentence}" means {mask}.', max_tokens=MAX_TOKENS, denoise="always"
)
MEAN = EmbeddingParams(pooling="mean", template=None, max_tokens=MAX_TOKENS)
ARMS = ("ours", "peer")


class Peer:
    """The paper's step, written plainly over the same weights."""

    def __init__(self, objective: Objective) -> None:
        self.encoder, self.mlp = objective.encoder, objective.heads.mlp

    def __call__(self, triplets: Sequence[Triplet]) -> Tensor:
        """The loss of a batch."""
        columns = zip(*(triplet.sentences for triplet in triplets), strict=True)
        roles = (Role.ANCHOR, Role.PARTNER, Role.PARTNER)
        anchors, positives, negatives = (
            normalize(self.mlp(self._one_pass(list(column), role)).float(), dim=1)
            for column, role in zip(columns, roles, strict=True)
        )
        cosines = torch.cat([anchors @ positives.T, anchors @ negatives.T], dim=1)
        return cross_entropy(cosines / TEMPERATURE, torch.arange(len(anchors), device=anchors.device))

    def _one_pass(self, sentences: list[Sequence[int]], role: Role) -> Tensor:
        template, device = self.encoder.template, next(self.encoder.parameters()).device
        full = torch.full((len(sentences), MAX_TOKENS + template.size), template.pad)
        rows = template.lay(sentences)
        full[:, : rows["input_ids"].shape[1]] = rows["input_ids"]
        lengths = rows["lengths"].to(device)
        vectors = self.encoder(full.to(device), lengths, torch.full_like(lengths, role), denoise=False)
        if self.encoder.params.denoise == "never":
            return vectors
        every = torch.arange(MAX_TOKENS + 1, device=device)
        return vectors - self.encoder._noise(every, torch.full_like(every, role))[lengths]


def real(embedding: EmbeddingParams, count: int) -> tuple[SentenceEncoder, list[Triplet]]:
    """The encoder of the run, and triplets drawn at random."""
    encoder, tokenizer = new_encoder(ENCODER, embedding, PrefixParams(length=16, hidden=384, dropout=0.1))
    rows = random.Random(SEED).sample(read_triplets(TRIPLETS, "train"), count)
    return encoder, in_tokens(tokenizer, rows, MAX_TOKENS)


def made(embedding: EmbeddingParams, count: int) -> tuple[SentenceEncoder, list[Triplet]]:
    """A tiny encoder, and sentences of random tokens."""
    config = BertConfig(
        vocab_size=100, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64
    )
    around = (2, 5, 6), (7, 4, 3)
    mask = 4 if embedding.pooling == "mask" else None
    template = (
        Template(*around, mask=mask, pad=0, worded=True) if embedding.template else Template((2,), (3,), None, 0, False)
    )
    rng = random.Random(SEED)
    sentences = [[rng.randint(10, 99) for _ in range(rng.randint(3, MAX_TOKENS))] for _ in range(3 * count)]
    triplets = [Triplet(str(i), *sentences[3 * i : 3 * i + 3]) for i in range(count)]
    prefix = PrefixEncoder(PrefixParams(length=16, hidden=32, dropout=0.1), config)
    return SentenceEncoder(BertModel(config, add_pooling_layer=False), template, embedding, prefix), triplets


class Bench:
    """Both arms over the same weights and batches."""

    def __init__(
        self, encoder: SentenceEncoder, triplets: Sequence[Triplet], batch: int, steps: int, pass_rows: int
    ) -> None:
        heads = Heads(encoder.width, mlp=True)
        heads.classifier = None
        denoise = encoder.params.denoise != "never"
        self.objective = Objective(encoder, heads, temperature=TEMPERATURE, denoise=denoise).to(compute_device())
        self.peer = Peer(self.objective)
        self.collate = Collator(encoder.template, pass_rows)
        order = plan([each.group for each in triplets], [each.length for each in triplets], batch, steps, SEED)
        self.batches = [
            [triplets[index] for index in order[start : start + batch]] for start in range(0, len(order), batch)
        ]
        self.device = next(encoder.parameters()).device

    def loss(self, arm: str, triplets: Sequence[Triplet], half: bool) -> Tensor:
        """Of one batch."""
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            if arm == "peer":
                return self.peer(triplets)
            given: dict[str, Any] = self.collate([Item(contrasted=each.sentences) for each in triplets])
            passes = [{name: each.to(self.device) for name, each in rows.items()} for rows in given["passes"]]
            return self.objective(passes, given["contrasted"].to(self.device))["loss"]

    def difference(self) -> float:
        """The greatest between both losses of a batch, in fp32 without dropout."""
        self.objective.eval()
        with torch.no_grad():
            losses = [[self.loss(arm, batch, False).item() for arm in ARMS] for batch in self.batches[:3]]
        self.objective.train()
        return max(abs(ours - peer) for ours, peer in losses)

    def positions(self, arm: str) -> int:
        """Tokens that the encoder passes in all batches, what rows are filled up with too; the template's state not."""
        if arm == "peer":
            return sum(map(len, self.batches)) * 3 * (MAX_TOKENS + self.objective.encoder.template.size)
        given = (self.collate([Item(contrasted=each.sentences) for each in batch]) for batch in self.batches)
        return sum(rows["input_ids"].numel() for each in given for rows in each["passes"])

    def speed(self, arm: str, half: bool, clock: Callable[[], float]) -> float:
        """Sentences per second over all batches, forward and backward."""
        start = clock()
        for batch in self.batches:
            self.loss(arm, batch, half).backward()
            self.objective.zero_grad()
        if self.device.type == "cuda":
            torch.cuda.synchronize()
        return 3 * sum(map(len, self.batches)) / (clock() - start)


def main() -> None:
    """Measure, print the table, write the result."""
    smoke, one_thread = "--smoke" in sys.argv, "--one-thread" in sys.argv
    batch, steps, repeats, pass_rows = (4, 2, 1, 6) if smoke else (32, 4, 3, 32)
    if one_thread:
        torch.set_num_threads(1)
    clock = time.process_time if one_thread else time.perf_counter
    half = compute_dtype() == torch.bfloat16
    torch.manual_seed(SEED)
    print(f"{'pooling':>8} {'ours':>8} {'peer':>8} {'ratio':>6} {'tokens':>6}  sentences/s; the peer's tokens to ours")
    found: dict[str, dict[str, Any]] = {}
    for name, embedding in (("mask", PAPER), ("mean", MEAN)):
        encoder, triplets = (made if smoke else real)(embedding, 40 if smoke else 2000)
        bench = Bench(encoder, triplets, batch, steps, pass_rows)
        if (apart := bench.difference()) > 1e-4:
            sys.exit(f"{name}: the losses of a batch are {apart:g} apart")
        speeds: dict[str, list[float]] = {arm: [] for arm in ARMS}
        for repeat in range(repeats + 1):  # the first is not counted
            for arm in ARMS if repeat % 2 == 0 else reversed(ARMS):
                measured = bench.speed(arm, half, clock)
                if repeat or smoke:
                    speeds[arm].append(measured)
        fewer = bench.positions("peer") / bench.positions("ours")
        found[name] = {**ratio(speeds["ours"], speeds["peer"]), "fewer_tokens": fewer, "loss_difference": apart}
        ours, peer, times = (found[name][key] for key in ("ours", "peer", "ratio"))
        print(f"{name:>8} {ours:>8.1f} {peer:>8.1f} {times:>6.2f} {fewer:>6.2f}", flush=True)
    if smoke:
        return
    write_result(
        "diffaug_step",
        seed=SEED,
        packages=["torch", "transformers"],
        unit="sentences/s",
        clock="seconds of the processor, one thread" if one_thread else "seconds",
        precision="bf16" if half else "fp32",
        batch=batch,
        pass_rows=pass_rows,
        max_tokens=MAX_TOKENS,
        poolings=found,
        what="pooling at [MASK], denoised; ours: rows of a batch together, by length; peer: three full passes",
        **{key: found["mask"][key] for key in ("ours", "peer", "ratio", "spread", "repeats")},
    )


if __name__ == "__main__":
    main()
