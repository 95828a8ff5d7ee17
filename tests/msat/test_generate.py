"""The step mix is the published one; every task has its answer; nothing about one equation is on two splits."""

import contextlib
import re
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from selfsown.arithmetic import Refused, evaluate, operators, parse_decimal, parse_prefix, parse_value
from selfsown.errors import UserError
from selfsown.msat import generate as module
from selfsown.msat.generate import LETTERS, MOST_DISTRACTORS, GenerateParams, Writer, generate
from selfsown.msat.tasks import templates
from selfsown.msat.tasks.equations import apportion, sample_equations, step_counts, step_mix
from selfsown.products import read_card, read_product
from selfsown.settings import settings as execution

PARAMS = {
    "data_seed": 1,
    "size": 3000,
    "dev_size": 600,
    "distractor_probability": 0.7,
    "letter_probability": 0.8,
    "maximum": 9999,
    "shard_size": 500,
}


def make(difficulty: float = 2.4, **changes: object) -> list[dict]:
    """The rows, made here instead of in processes."""
    params = GenerateParams.model_validate(PARAMS | changes)
    write = Writer(params)
    return [row for batch in module._batches(params, difficulty) for row in write(batch).kept.to_pylist()]


@pytest.fixture(scope="module")
def rows() -> list[dict]:
    return make()


def test_the_published_step_split():
    """85,000 tasks at 2.4, as the authors' code prints it; our whole rows sum to 85,000, theirs to one less."""
    assert [round(count) for count in step_mix(85_000, 2.4)] == [11343, 28313, 45343]
    assert step_counts(85_000, 2.4) == (11344, 28313, 45343)


def test_the_published_dev_set_has_another_objective():
    """5,000 tasks at 2.6: one-step counts weigh double and nothing is charged on two steps, or the counts differ."""
    assert [round(count) for count in step_mix(5000, 2.6, weights=(2, 1, 1), penalty=0)] == [143, 1714, 3143]
    assert [round(count) for count in step_mix(5000, 2.6)] == [177, 1647, 3177]


@given(st.integers(1, 10**6), st.floats(1, 3))
def test_the_step_mix_is_the_optimum_of_its_constraints(size, difficulty):
    mix = np.array(step_mix(size, difficulty))
    assert mix.min() >= -1e-6
    assert np.isclose(mix.sum(), size) and np.isclose(mix @ [1, 2, 3], size * difficulty)
    cost = 0.5 * (mix**2).sum() + 30 * mix[1]
    for step in (-0.5, 0.5):  # the one direction that keeps both sums
        other = mix + step * np.array([1, -2, 1])
        if other.min() >= 0:
            assert 0.5 * (other**2).sum() + 30 * other[1] >= cost - 1e-6 * abs(cost)
    assert sum(step_counts(size, difficulty)) == size


@given(st.integers(0, 1000), st.tuples(*[st.integers(0, 1000)] * 3).filter(any))
def test_apportioned_counts_sum_up_and_are_near_their_shares(size, shares):
    counts = apportion(size, shares)
    assert sum(counts) == size
    assert all(abs(count - size * share / sum(shares)) < 1 for count, share in zip(counts, shares, strict=True))


def test_sizes_splits_and_steps_are_those_asked_for(rows):
    assert Counter(row["split"] for row in rows) == {"train": 2400, "dev": 600}
    assert Counter(row["steps"] for row in rows) == dict(enumerate(step_counts(3000, 2.4), 1))
    dev = Counter(row["steps"] for row in rows if row["split"] == "dev")
    assert dev == dict(enumerate(apportion(600, step_counts(3000, 2.4)), 1))
    assert len({row["id"] for row in rows}) == 3000


def test_every_task_has_its_answer_and_its_numbers_in_order(rows):
    for row in rows:
        numbers = [parse_decimal(number) for number in row["numbers"]]
        expression = parse_prefix(row["equation"])
        assert evaluate(expression, numbers) == parse_value(row["answer"])
        assert (operators(expression), len(row["operators"])) == (row["operators"], row["steps"])
        assert re.findall(r"number\d+", row["question"]) == [f"number{index}" for index in range(len(numbers))]
        assert 0 < parse_value(row["answer"]) <= 9999 and all(0 < number <= 9999 for number in numbers)


def test_the_question_says_what_the_equation_needs(rows):
    """Each named letter once, the asked one last and never given; as many distractors as allowed."""
    for row in rows:
        *context, body, asked = row["question"].removesuffix(" ?").split(" . ")
        names = dict(clause.split(" = ") for clause in context)
        assert len(names) == len(context) and set(names) <= set(LETTERS)
        assert asked not in names and asked in body.split()
        unused = len(row["numbers"]) - row["steps"] - 1
        assert 0 <= unused <= MOST_DISTRACTORS[row["steps"]]
        in_body = [word for word in body.split() if word.isalpha() and word.isupper()]
        assert len(in_body) == len(set(in_body)) and len(names) == len(in_body) - 1 + unused


def test_an_equation_stands_on_one_split_and_a_task_once(rows):
    splits: dict[str, set[str]] = {}
    programs: dict[tuple, set[str]] = {}
    for row in rows:
        splits.setdefault(row["group"], set()).add(row["split"])
        values = tuple(row["numbers"][int(n)] for n in re.findall(r"number(\d+)", row["equation"]))
        programs.setdefault((row["operators"], values), set()).add(row["split"])
    assert all(len(found) == 1 for found in splits.values())
    assert all(len(found) == 1 for found in programs.values())
    assert len({(row["question"], *row["numbers"]) for row in rows}) == len(rows)
    assert max(Counter(row["group"] for row in rows).values()) <= 3


def test_rates_are_those_asked_for(rows):
    unused = [len(row["numbers"]) > row["steps"] + 1 for row in rows]
    assert np.mean(unused) == pytest.approx(0.7, abs=0.05)
    assert all(len(row["numbers"]) == row["steps"] + 1 for row in make(distractor_probability=0))
    assert all(row["question"].count(" . ") == len(row["numbers"]) + 1 for row in make(letter_probability=1))


def test_every_operator_and_every_unknown_is_asked_for(rows):
    assert set("".join(row["operators"] for row in rows)) == set("+-*/")
    inverse = [row["question"].split()[-2] != row["question"].split(" . ")[-2].split()[-1] for row in rows]
    assert 0.5 < np.mean(inverse) < 0.9  # an equation of S steps has one result among S + 2 numbers


@given(st.lists(st.sampled_from("+-*/"), min_size=1, max_size=3), st.data())
def test_solving_a_template_for_any_number_undoes_it(ops, data):
    chain = templates.left_deep(ops)
    numbers = [parse_decimal(str(data.draw(st.integers(2, 99)))) for _ in range(len(ops) + 1)]
    numbers.append(evaluate(chain, numbers))
    for asked in range(len(numbers)):
        solution = templates.solve_for(chain, asked, len(ops) + 1)
        with contextlib.suppress(Refused):  # the equation holds whatever the unknown is, as 0 * unknown = 0 does
            assert evaluate(solution, numbers) == numbers[asked]


def test_the_example_of_the_paper_notes():
    form = templates.template(("-",))
    assert form.infix == (0, "-", 1, "=", 2) and form.solutions[1] == ("-", 0, 2)


def test_same_parameters_same_bytes_for_any_number_of_workers(tmp_path: Path, monkeypatch):
    cards = []
    for workers in ("1", "2"):
        monkeypatch.setenv("SELFSOWN_WORKERS", workers)
        execution.cache_clear()
        metrics = generate(GenerateParams.model_validate(PARAMS), difficulty="2.4", tasks=tmp_path / workers)
        cards.append(read_card(tmp_path / workers))
    execution.cache_clear()
    assert cards[0].digest == cards[1].digest
    assert metrics["rows"] == cards[0].rows == 3000 and metrics["mean_steps"] == pytest.approx(2.4, abs=1e-3)
    assert read_product(tmp_path / "1").to_pylist() == make()


def test_another_seed_makes_other_tasks(rows):
    other = make(data_seed=2)
    shared = {row["group"] for row in rows} & {row["group"] for row in other}
    assert len(shared) < 0.3 * len(rows)


def test_more_equations_than_there_are():
    with pytest.raises(UserError, match="different equations of 1 operations were found; lower size, raise maximum"):
        sample_equations(1, 200_000, 100, np.random.default_rng(0))


def test_dev_cannot_take_everything():
    with pytest.raises(ValidationError, match="dev_size 3000 must be below size 3000"):
        GenerateParams.model_validate(PARAMS | {"dev_size": 3000})
