"""Larger numbers: the equation stays, its numbers grow, the answer is its value and stays sound."""

from __future__ import annotations

import random

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from selfsown.arithmetic import Number, evaluate, parse_decimal, parse_prefix, parse_value, walk
from selfsown.msat.answer.larger import harder


def problem(equation, numbers):
    return {"id": "a", "equation": equation, "numbers": numbers, "answer": "0", "question": "number0 ..."}


leaves = st.sampled_from(["number0", "number1", "number2", "number3", "2", "100"])
equations = st.recursive(
    leaves, lambda part: st.tuples(st.sampled_from("+-*/"), part, part).map(" ".join), max_leaves=5
)


@given(equations, st.lists(st.integers(1, 200), min_size=4, max_size=4), st.integers(0, 99))
def test_result_is_larger_and_sound(equation, numbers, seed):
    expression = parse_prefix(equation)
    old = [parse_decimal(str(number)) for number in numbers]
    try:
        before = evaluate(expression, old)
    except ValueError:
        assume(False)
    row = problem(equation, [str(number) for number in numbers])
    made = harder(row, random.Random(seed))
    assert made == harder(row, random.Random(seed))
    if made is None:
        return
    new = [parse_decimal(number) for number in made["numbers"]]
    used = {part.index for part in walk(expression) if isinstance(part, Number)}
    assert all(new[i] >= old[i] for i in used) and any(new[i] > old[i] for i in used)
    assert all(new[i] == old[i] for i in range(4) if i not in used)
    answer = parse_value(made["answer"])
    assert answer == evaluate(expression, new) > 0
    assert answer.denominator == 1 or before.denominator != 1
    assert {key: made[key] for key in ("id", "equation", "question")} == {
        k: row[k] for k in ("id", "equation", "question")
    }


@pytest.mark.parametrize(
    ("equation", "numbers"),
    [
        ("+ number0 number1", ["2", "3"]),
        ("- number1 number0", ["2", "3"]),
        ("* + number0 number1 number2", ["2", "3", "4"]),
        ("/ number1 number0", ["2", "6"]),
        ("/ + number0 number1 number2", ["2", "6", "4"]),
        ("- number0 + number1 number2", ["20", "6", "4"]),
        ("/ number0 - number1 number2", ["20", "6", "4"]),
        ("/ * number0 number1 100", ["20", "50"]),
    ],
)
def test_usual_equations_grow_for_every_seed(equation, numbers):
    made = [harder(problem(equation, numbers), random.Random(seed)) for seed in range(50)]
    assert all(row is not None and parse_value(row["answer"]).denominator == 1 for row in made)
    assert len({tuple(row["numbers"]) for row in made}) > 40


@pytest.mark.parametrize(
    ("equation", "numbers"),
    [
        ("- number0 number0", ["4"]),
        ("/ number0 0", ["4"]),
        ("/ 6 number0", ["0"]),
        ("- 1 / number0 number1", ["2", "3"]),
        ("+ 1 2", ["4"]),
    ],
)
def test_what_cannot_grow_is_none(equation, numbers):
    assert harder(problem(equation, numbers), random.Random(1)) is None
