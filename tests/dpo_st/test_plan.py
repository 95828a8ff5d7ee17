"""Which rows stand in which order, which do not fit, what they cost."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from tests.dpo_st.tiny_samplers import Kind, tiny_model
from tests.dpo_st.tiny_training import BOTH, write_problems

from selfsown.dpo_st.language.forms import Exchange
from selfsown.dpo_st.training.cost import Weights
from selfsown.dpo_st.training.dev import dev_questions
from selfsown.dpo_st.training.plan import Label, Pair, Planned, fitting, length_limit
from selfsown.errors import UserError


def row(question: int, rationale: int) -> Exchange:
    return Exchange([5] * question, [6] * rationale, [True] * rationale)


def test_what_is_too_long_is_left_out_and_counted(caplog: pytest.LogCaptureFixture) -> None:
    rows = [Label(row(3, size)) for size in (1, 7, 8)]
    with caplog.at_level(logging.WARNING):
        assert fitting(rows, 10, "labels") == rows[:2]
    assert "1 of 3 labels left out: more than 10 tokens" in caplog.text
    assert fitting(rows, None, "labels") == rows
    with pytest.raises(UserError, match="no labels to learn from: all 3 have more than 3 tokens"):
        fitting(rows, 3, "labels")
    with pytest.raises(UserError, match=r"no pairs to learn from$"):
        fitting([], 3, "pairs")


def test_the_limit_is_the_smaller_of_what_is_asked_and_what_a_model_sees() -> None:
    causal, both = (tiny_model(kind)[0].config for kind in BOTH)
    assert [length_limit(causal, wanted) for wanted in (None, 100, 1000)] == [256, 100, 256]
    assert [length_limit(both, wanted) for wanted in (None, 100)] == [None, 100]


def test_a_plan_says_what_is_read() -> None:
    pairs = Planned([Pair(row(3, 4), row(3, 9), (0.0, 0.0)), Pair(row(1, 1), row(1, 2), (0.0, 0.0))], [1, 1, 0])
    assert [pairs.read(count) for count in (0, 2, 3)] == [(0, 0), (4, 6), (10, 19)]
    assert pairs[2].length == 12 and len(pairs) == 3


@pytest.mark.parametrize("kind", BOTH)
def test_a_token_costs_what_it_is_multiplied_with(kind: Kind) -> None:
    model = tiny_model(kind)[0]
    weights = Weights.of(model)
    if kind == "groups":
        assert weights.question == weights.rationale == model.num_parameters()  # the embeddings are the head
    else:
        assert weights.question + weights.rationale < model.num_parameters() and weights.question < weights.rationale
    spent = weights.cost(10, 5)
    assert spent == {"tokens": 15.0, "flops": 6.0 * (10 * weights.question + 5 * weights.rationale)}


def test_dev_questions_are_drawn_by_seed(tmp_path: Path) -> None:
    problems = write_problems(tmp_path / "problems", "groups")
    drawn = [[each["id"] for each in dev_questions(problems, 3, seed, reasoned=True)] for seed in (1, 2)]
    assert drawn[0] != drawn[1] and set(drawn[0]) <= {f"q{place}" for place in range(16, 22)}
    assert len(dev_questions(problems, 99, 1, reasoned=False)) == 6
