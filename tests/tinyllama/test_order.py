"""The order of sequences: a function of seed and step alone, drawn by weight, each sequence once an epoch."""

from collections import Counter

import numpy as np
import pytest
from accelerate.data_loader import BatchSamplerShard
from hypothesis import given
from hypothesis import strategies as st
from torch.utils.data import BatchSampler, SequentialSampler

from selfsown.tinyllama.packed.order import Order, Period

PAPER = {"text": 0.693584, "code": 0.306416}


def order(*schedule: Period, batch: int = 4, seed: int = 1, **sequences: int) -> Order:
    return Order(seed, schedule, batch, sequences)


@given(
    seed=st.integers(0, 99),
    text=st.integers(1, 30),
    code=st.integers(1, 30),
    weight=st.floats(0.05, 0.95),
    steps=st.integers(1, 40),
)
def test_each_sequence_is_seen_once_an_epoch(seed: int, text: int, code: int, weight: float, steps: int) -> None:
    made = order(Period(steps=steps, mixture={"text": weight, "code": 1 - weight}), seed=seed, text=text, code=code)
    seen = Counter(made.at(range(int(made.starts[-1]))))
    for name, have in (("text", text), ("code", code)):
        times = [seen[name, place] for place in range(have)]
        assert max(times) - min(times) <= 1
    assert sum(seen.values()) == steps * 4


def test_a_small_corpus_goes_round_and_a_large_one_is_not_read_whole() -> None:
    made = order(Period(steps=50, mixture={"text": 1}), text=1)
    assert set(made.at(range(200))) == {("text", 0)}
    assert made.epochs == {"text": 200.0}
    assert order(Period(steps=1, mixture={"text": 1}), text=10_000_000).at([0])[0][1] < 10_000_000


def test_a_step_is_the_same_whatever_was_asked_before() -> None:
    schedule = [Period(steps=30, mixture=PAPER)]
    walked, jumped = (order(*schedule, text=70, code=30) for _ in range(2))
    every = walked.at(range(120))
    assert jumped.at(range(100, 104)) == every[100:104]
    assert jumped.at([7, 99]) == [every[7], every[99]]
    assert order(*schedule, seed=2, text=70, code=30).at(range(120)) != every


@pytest.mark.parametrize("ranks", [2, 4])
def test_processes_share_the_sequences_of_each_step(ranks: int) -> None:
    """As the library deals batches out: in the paper's repository each process had another order of files."""
    made = order(Period(steps=6, mixture=PAPER), batch=8, text=50, code=50)
    each = 8 // ranks
    dealt = [
        list(BatchSamplerShard(BatchSampler(SequentialSampler(range(48)), each, True), ranks, rank))
        for rank in range(ranks)
    ]
    for step in range(6):
        together = [made.at([index])[0] for shard in dealt for index in shard[step]]
        assert sorted(together) == sorted(made.step(step))


def test_sequences_are_drawn_by_the_papers_weights() -> None:
    made = order(Period(steps=2000, mixture=PAPER), batch=16, text=500, code=500)
    spread = np.sqrt(PAPER["text"] * PAPER["code"] / 32_000)
    assert abs(made.proportions["text"] - PAPER["text"]) < 4 * spread
    assert sum(made.proportions.values()) == pytest.approx(1)
    counted = Counter(name for name, _ in made.at(range(32_000)))
    assert counted["text"] / 32_000 == made.proportions["text"]


def test_a_ramp_goes_over_linearly_and_then_stays() -> None:
    made = order(
        Period(steps=3, mixture={"text": 1}),
        Period(steps=6, mixture={"text": 1, "code": 1}, ramp=4),
        Period(steps=2, mixture={"text": 1, "code": 1}, batch=4),
        text=9,
        code=9,
    )
    assert made.weights[:, 1].tolist() == [0, 0, 0, 0.125, 0.25, 0.375, 0.5, 0.5, 0.5, 0.5, 0.5]
    assert np.diff(made.starts).tolist() == [4] * 9 + [16] * 2
    assert len(made.step(10)) == 16


def test_the_papers_order_is_there_in_a_moment() -> None:
    """1.4 million steps of 1,024 sequences: what is kept is a count a step."""
    made = order(Period(steps=1_430_512, mixture=PAPER), batch=1024, text=3_000, code=3_000)
    assert len(made.step(1_430_511)) == 1024
    assert int(made.starts[-1]) == 1_430_512 * 1024
