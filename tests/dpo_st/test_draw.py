"""The draw: softmax at a temperature, cut to the likeliest, and a stream of numbers that is the row's own."""

from __future__ import annotations

import pytest
import torch
from scipy.stats import chisquare, kstest

from selfsown.dpo_st.sampling import Request
from selfsown.dpo_st.sampling.draw import Draw, draw, streams

ROWS = 20_000


@pytest.fixture(scope="module")
def numbers() -> torch.Tensor:
    return streams([Request(f"q{row % 5000}", "?", row // 5000) for row in range(ROWS)], 3, 1)


@pytest.mark.parametrize(("temperature", "top_k"), [(1.0, 0), (0.7, 0), (0.7, 10), (2.0, 5), (1.0, 40), (0.7, 400)])
def test_tokens_come_as_often_as_softmax_says(temperature: float, top_k: int, numbers: torch.Tensor) -> None:
    scores = torch.randn(40, generator=torch.Generator().manual_seed(3)) * 2
    processor = Draw(numbers, temperature, top_k)
    for _ in range(numbers.shape[1]):
        made = processor(torch.zeros(ROWS, 1), scores.expand(ROWS, -1).clone())
        drawn = made.argmax(-1)
        assert (made == torch.inf).sum(-1).eq(1).all()
        wanted = (scores / temperature).double()
        if 0 < top_k < 40:
            wanted[wanted < wanted.topk(top_k).values[-1]] = -torch.inf
        expected = wanted.softmax(-1) * ROWS
        seen = torch.bincount(drawn, minlength=40)
        assert not seen[expected == 0].any()
        rare = expected < 5
        tables = [torch.cat([table[~rare], table[rare].sum()[None]]) for table in (seen.double(), expected)]
        possible = tables[1] > 0
        assert chisquare(*(table[possible] for table in tables)).pvalue > 1e-3


def test_a_stream_is_its_rows_own(numbers: torch.Tensor) -> None:
    asked = [Request(name, "?", k) for name in ("a", "b") for k in (0, 1)]
    four = streams(asked, 8, 1)
    assert len({row[0].item() for row in four}) == 4 and four.dtype == torch.float64
    assert torch.equal(streams(asked[::-1], 8, 1), four.flip(0))
    assert torch.equal(streams(asked[2:3], 5, 1), four[2:3, :5]), "a longer answer begins like a shorter one"
    assert not torch.equal(streams(asked, 8, 2), four)
    assert kstest(numbers.flatten(), "uniform").pvalue > 1e-3


def test_ends_of_the_range_draw_what_is_possible() -> None:
    scores = torch.tensor([[-torch.inf, 0.0, -torch.inf, 1.0, -torch.inf]]).repeat(4, 1)
    ends = torch.tensor([0.0, 2**-53, 1 - 2**-53, 0.5], dtype=torch.float64)
    for top_k in (0, 2, 4):
        assert draw(scores, ends, 0.7, top_k).tolist() == [1, 1, 3, 3]
    forced = torch.full((4, 5), -torch.inf)
    forced[:, 4] = 0.0
    assert draw(forced, ends, 0.7, 3).tolist() == [4] * 4


def test_the_likeliest_alone_is_greedy() -> None:
    scores = torch.randn(50, 30)
    assert torch.equal(draw(scores, torch.rand(50, dtype=torch.float64), 0.7, 1), scores.argmax(-1))


def test_a_last_digit_of_the_scores_seldom_changes_what_is_drawn() -> None:
    """As it would if tokens stood in the order of their scores: two alike would change places."""
    scores = torch.randn(2000, 30).round(decimals=1)  # many are alike
    numbers = torch.rand(2000, dtype=torch.float64)
    other = scores + torch.randn_like(scores) * 1e-6
    assert (draw(scores, numbers, 1.0, 0) != draw(other, numbers, 1.0, 0)).float().mean() < 1e-3
