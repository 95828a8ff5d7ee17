"""Sampling with the calculator: tokens per second beside a calculator that decodes every row anew, and beside none.

    python benchmarks/sampling.py                 about 10 minutes on two cores
    python benchmarks/sampling.py --one-thread    the same in seconds of the processor, for a machine that others use
    python benchmarks/sampling.py --smoke         a few tokens; writes no result

The model has the shape `micro` and random weights. So that calculations come as often as in rationales, a
first processor makes it say rationales written here; it is part of every arm. All arms must write the same tokens, or
nothing is written. The peer is a plain re-implementation of what the paper's code does (DPO-ST, arXiv 2407.18248): in
each step it decodes each row from the prompt's end, looks for an open calculation, evaluates it, and forces the next
token of its result. It uses our exact arithmetic: what is measured is how often it works, not how it calculates.

A processor alone is measured on the same tokens, without a model.
"""

from __future__ import annotations

import random
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from common import ratio, write_result
from torch import Tensor
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList

from selfsown.dpo_st.sampling.calculator import CalculatorProcessor, Spelling
from selfsown.reasoning.calculator import calculate
from selfsown.tinyllama.model.initialisation import fresh_model
from selfsown.tinyllama.model.shapes import llama_config
from selfsown.tinyllama.tokenizer import as_transformers, train

SEED = 1
PROMPT = 64
"""Tokens before what is written."""


@dataclass(frozen=True)
class Work:
    """What is measured: shape, vocabulary, tokens written a row, and how often each batch size is repeated."""

    shape: str
    vocabulary: int
    new_tokens: int
    repeats: dict[int, int]


WORK = Work("micro", 4096, 160, {1: 5, 16: 5, 64: 5})
SMOKE = Work("pico", 512, 40, {1: 1, 4: 1})
ARMS = ("none", "ours", "re-decoding")


def rationales(seed: int) -> Iterator[str]:
    """Rationales as GSM8K has them, about numbers drawn at random."""
    rng = random.Random(seed)
    names, things = ("Anna", "Ben", "Carla", "Dmitri", "Elif"), ("clips", "apples", "stamps", "books", "marbles")
    while True:
        a, b, c = rng.randint(2, 900), rng.randint(2, 40), rng.choice((0.5, 1.25, 2, 3, 12))
        name, thing = rng.choice(names), rng.choice(things)
        lines = []
        for text, said in (
            (f"{a}*{b}", f"{name} has {{}} {thing} in all the boxes."),
            (f"{a}+{a * b}", f"Together with those on the table that makes {{}} {thing}."),
            (f"{a * b}*{c}", f"At ${c} each, {name} gets {{}} dollars for the {thing} from the boxes."),
        ):
            result = calculate(text)
            lines.append(said.format(f"{text} = <<{text}={result}>>{result}"))
        yield "\n".join([*lines, f"#### {result}\n"])


class Script(LogitsProcessor):
    """Makes the model say these tokens `[rows, steps]`."""

    def __init__(self, tokens: Tensor) -> None:
        self._tokens = tokens
        self._step = 0

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Lifts the score of each row's next token above all others."""
        scores.scatter_(1, self._tokens[:, self._step, None], 1e4)
        self._step += 1
        return scores


class Redecoding(LogitsProcessor):
    """A calculator that keeps nothing from step to step."""

    OPEN = re.compile(r"<<([^>]+)=([^>=]*)$")

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer

    def __call__(self, input_ids: Tensor, scores: Tensor) -> Tensor:
        """Decodes every row's answer and forces what must follow it."""
        for row, ids in enumerate(input_ids[:, PROMPT:]):
            found = self.OPEN.search(self._tokenizer.decode(ids, skip_special_tokens=True))
            result = calculate(found[1]) if found else None
            if found and result is not None and result.startswith(found[2]):
                due = self._tokenizer.encode(f"={result}>>", add_special_tokens=False)[1:]
                said = next(n for n in range(len(due)) if self._tokenizer.decode(due[:n]) == found[2])
                scores[row] = -torch.inf
                scores[row, due[said]] = 0.0
        return scores


class Bench:
    """The model, the tokenizer and the tokens that all arms write."""

    def __init__(self, work: Work) -> None:
        self.work = work
        texts = rationales(SEED)
        trained = train((next(texts) for _ in range(2000)), work.vocabulary, 3)
        self.tokenizer = as_transformers(trained)
        config = llama_config(
            work.shape, len(self.tokenizer), PROMPT + work.new_tokens, bos=self.tokenizer.bos_token_id,
            eos=self.tokenizer.eos_token_id, pad=self.tokenizer.pad_token_id,
        )  # fmt: skip
        self.model = fresh_model(config, "paper", SEED).eval()
        self.spelling = Spelling(self.tokenizer)
        self.script = torch.tensor([self._row(row) for row in range(max(work.repeats))])
        self.prompt = torch.randint(10, len(self.tokenizer), (max(work.repeats), PROMPT))

    def _row(self, row: int) -> list[int]:
        """Rationales one after another, tokenised as a whole, so that results stand as they do in training."""
        texts = rationales(1000 + row)
        ids: list[int] = []
        while len(ids) < self.work.new_tokens:
            ids += self.tokenizer.encode(next(texts), add_special_tokens=False)
        return ids[: self.work.new_tokens]

    def processor(self, arm: str) -> list[LogitsProcessor]:
        """The arm's own."""
        makers: dict[str, Callable[[], LogitsProcessor]] = {
            "ours": lambda: CalculatorProcessor(self.spelling),
            "re-decoding": lambda: Redecoding(self.tokenizer),
        }
        return [makers[arm]()] if arm in makers else []

    @torch.inference_mode()
    def generate(self, arm: str, batch: int) -> Tensor:
        """The tokens `[batch, steps]` that an arm writes."""
        prompt = self.prompt[:batch]
        settings = GenerationConfig(
            max_new_tokens=self.work.new_tokens, do_sample=False,
            eos_token_id=self.tokenizer.eos_token_id, pad_token_id=self.tokenizer.pad_token_id,
        )  # fmt: skip
        processors = LogitsProcessorList([Script(self.script[:batch]), *self.processor(arm)])
        made = self.model.generate(
            input_ids=prompt, attention_mask=torch.ones_like(prompt), generation_config=settings,
            logits_processor=processors,
        )  # fmt: skip
        return made[:, PROMPT:]

    def alone(self, arm: str, batch: int, clock: Callable[[], float]) -> float:
        """Seconds of the arm's processor over all steps of a batch."""
        (processor,) = self.processor(arm)
        ids = torch.cat([self.prompt, self.script], 1)[:batch]
        scores = torch.zeros(batch, len(self.tokenizer))
        seconds = 0.0
        for step in range(self.work.new_tokens):
            scores.zero_()
            start = clock()
            processor(ids[:, : PROMPT + step], scores)
            seconds += clock() - start
        return seconds


def measure(bench: Bench, batch: int, repeats: int, clock: Callable[[], float]) -> dict[str, list[float]]:
    """Tokens per second of each arm, all in turn."""
    speeds: dict[str, list[float]] = {arm: [] for arm in ARMS}
    for repeat in range(repeats + 1):  # the first is not counted
        for arm in ARMS if repeat % 2 == 0 else reversed(ARMS):
            start = clock()
            made = bench.generate(arm, batch)
            seconds = clock() - start
            if not torch.equal(made, bench.script[:batch]):
                sys.exit(f"{arm}, batch {batch}: it does not write what it was made to say")
            if repeat:
                speeds[arm].append(made.numel() / seconds)
    return speeds


def compared(speeds: dict[str, Sequence[float]]) -> dict[str, Any]:
    """Ours against both others, and what the calculators cost, as a share of `generate` without one."""
    middle = {arm: statistics.median(found) for arm, found in speeds.items()}
    return {
        "tokens_per_second": middle,
        "overhead": 1 - middle["ours"] / middle["none"],
        "overhead_of_re_decoding": 1 - middle["re-decoding"] / middle["none"],
        "without_calculator": ratio(speeds["ours"], speeds["none"]),
        **ratio(speeds["ours"], speeds["re-decoding"]),
    }


def main() -> None:
    """Measure, print the table, write the result."""
    smoke, one_thread = "--smoke" in sys.argv, "--one-thread" in sys.argv
    work = SMOKE if smoke else WORK
    if one_thread:
        torch.set_num_threads(1)
    clock = time.process_time if one_thread else time.perf_counter
    bench = Bench(work)
    print(f"{'batch':>6} {'none':>9} {'ours':>9} {'re-decoding':>12} {'overhead':>9} {'of re-decoding':>15}  tokens/s")
    batches = {}
    for batch, repeats in work.repeats.items():
        found = batches[batch] = compared(measure(bench, batch, repeats, clock))
        none, ours, peer = (found["tokens_per_second"][arm] for arm in ARMS)
        costs = f"{found['overhead']:>9.1%} {found['overhead_of_re_decoding']:>15.1%}"
        print(f"{batch:>6} {none:>9,.0f} {ours:>9,.0f} {peer:>12,.0f} {costs}", flush=True)
    largest = max(work.repeats)
    alone: dict[str, list[float]] = {arm: [] for arm in ARMS[1:]}
    for _ in range(work.repeats[largest]):
        for arm, seconds in alone.items():
            seconds.append(bench.alone(arm, largest, clock) / work.new_tokens)
    cheaper = ratio(alone["re-decoding"], alone["ours"])
    print(
        f"the processor alone, batch {largest}: ours {1e3 * cheaper['peer']:.3f} ms a step, re-decoding "
        f"{1e3 * cheaper['ours']:.3f} ms: {cheaper['ratio']:.1f}x ({cheaper['spread'][0]:.1f} to "
        f"{cheaper['spread'][1]:.1f})"
    )
    if smoke:
        return
    write_result(
        "sampling",
        seed=SEED,
        packages=["tokenizers", "torch", "transformers"],
        unit="tokens/s",
        clock="seconds of the processor, one thread" if one_thread else "seconds",
        shape=work.shape,
        prompt=PROMPT,
        new_tokens=work.new_tokens,
        batches={str(batch): found for batch, found in batches.items()},
        processor_alone={
            "batch": largest, "unit": "seconds a step", "ours": cheaper["peer"], "peer": cheaper["ours"],
            "times_cheaper": cheaper["ratio"], "spread": cheaper["spread"],
        },
        what=f"ours: the calculator, batch {largest}; peer: one that decodes every row anew",
        **{key: batches[largest][key] for key in ("ours", "peer", "ratio", "spread", "repeats")},
    )  # fmt: skip


if __name__ == "__main__":
    main()
