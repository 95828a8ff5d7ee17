"""Word problems: what is sound is read exactly, what is not is dropped with its reason, and no group is torn."""

from __future__ import annotations

import contextlib
import csv
import json
from collections import defaultdict
from fractions import Fraction
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from selfsown.arithmetic import PROBLEM, Refused, evaluate, parse_decimal, parse_prefix, parse_value
from selfsown.corpora import problems as stage
from selfsown.corpora.problems import Judged, ProblemsParams, assign, problems
from selfsown.corpora.readers.word_problems import (
    WordProblem,
    mask,
    masked_csv,
    prefix_of_program,
    read,
    read_choice,
    without_numbers,
)
from selfsown.errors import UserError
from selfsown.products import read_card, read_product
from selfsown.sources import UnreachableError, describe, fetch
from selfsown.sources.registry import load_registry
from selfsown.text.written.overlap import near_groups

BIGBENCH = "bigbench-elementary-math"
PARAMS = {
    "data_seed": 1,
    "sets": [BIGBENCH],
    "stories": {"templates": {"test": 9, "dev": 5}, "rows": {"test": 2, "dev": 3, "train": 4}, "distractor": 0.3},
    "gsm_symbolic": {"templates": {"test": 1, "dev": 1}, "rows": {"test": 3, "dev": 2, "train": 4}},
    "rows": {"test": 2, "dev": 2, "train": None},
    "constants": ["1", "2", "100", "0.5"],
    "steps": {"low": 1, "high": 3},
    "quantities": {"low": 1, "high": 4},
    "tolerance": 0.01,
    "near_duplicate": 0.8,
}
CONSTANTS = {Fraction(1), Fraction(2), Fraction(100)}


def example(text, program, right, *wrong):
    return {"input": f"{text}\n{program}", "target_scores": {right: 1, **dict.fromkeys(wrong, 0)}}


def train(number, other):
    return example(
        f"a train of {number} m crosses a pole in {other} seconds ?", f"divide({number}, {other})", f"{number / other}"
    )


GOOD = [
    train(10, 5),
    train(90, 4),
    train(7, 2),
    example("40 is what percent of 80 ?", "multiply(divide(40, 80), 100)", "50 %", "40 %"),
    example("sara has 1,200 plums and eats 3 . how many plums are left ?", "subtract(1200, 3)", "1,197"),
    example("one third of 10 apples are red , and 3 are sold ?", "divide(10, 3)", "3.3", "3"),
]
BAD = {
    "duplicate": train(7, 2),
    "wrong answer": example("6 cows and 7 hens ?", "add(6, 7)", "14"),
    "value from nowhere": example("6 oxen and some hens ?", "add(6, 5)", "11"),
    "no quantity": example("an ox and a hen ?", "add(1, 2)", "3"),
    "unknown operation": example("the root of 4 ?", "sqrt(4)", "2"),
    "unreadable program": example("8 + 9 ?", "add(8)", "8"),
    "unreadable choice": example("8 + 19 ?", "add(8, 19)", "2 hr 40 min"),
    "unreadable number": example("the point ( 4,5 ) ?", "add(4, 5)", "9"),
    "not executable": example("5 over 0 ?", "divide(5, 0)", "5"),
    "steps": example("1 , 1 , 1 , 1 ?", "add(1, add(1, add(1, add(1, 1))))", "5"),
    "quantities": example("3 4 5 6 7 ?", "add(3, 4)", "7"),
    "choices": {"input": "3 and 4 ?\nadd(3, 4)", "target_scores": {"7": 1, "7.0": 1}},
    "missing field": {"input": "3 and 4 ?\nadd(3, 4)"},
}


QUESTIONS = Path(__file__).parents[2] / "data/questions/plain.jsonl"


def make(corpus, **changes):
    """The stage with some parameters changed."""
    return problems(ProblemsParams.model_validate(PARAMS | changes), questions=QUESTIONS, corpus=corpus)


@pytest.fixture
def bigbench(tmp_path, monkeypatch):
    """A fetched source with the good rows and one of each kind of bad."""
    folder = tmp_path / "source/bench/question_with_mathematical_hint"
    folder.mkdir(parents=True)
    (folder / "task.json").write_text(json.dumps({"examples": [*GOOD, *BAD.values()]}))
    monkeypatch.setattr(stage, "fetch", lambda name: tmp_path / "source")
    return tmp_path


def test_good_rows_are_kept_and_bad_ones_say_why(bigbench):
    counts = make(bigbench / "one")
    table = read_product(bigbench / "one")
    assert table.schema.equals(PROBLEM)
    rows = {row["id"]: row for row in table.to_pylist()}
    assert set(rows) == {f"{BIGBENCH}/{index}" for index in range(len(GOOD))}
    percent, plums, apples = (rows[f"{BIGBENCH}/{index}"] for index in (3, 4, 5))
    assert (percent["equation"], percent["answer"]) == ("* / number0 number1 100", "50")
    assert (percent["steps"], percent["operators"], percent["fold"]) == (2, "*/", -1)
    assert (plums["question"], plums["numbers"]) == (
        "sara has number0 plums and eats number1 . how many plums are left ?",
        ["1200", "3"],
    )
    assert apples["answer"] == "10/3"  # exact, though the choice is rounded
    for row in rows.values():
        numbers = [parse_decimal(number) for number in row["numbers"]]
        assert evaluate(parse_prefix(row["equation"]), numbers) == parse_value(row["answer"])

    rejected = pq.read_table(bigbench / "one/rejected.parquet")["reason"].to_pylist()
    assert [reason.split(":")[0] for reason in rejected] == list(BAD)
    assert read_card(bigbench / "one").dropped == dict.fromkeys(sorted(BAD), 1)
    assert counts[f"{BIGBENCH}_rejected_wrong_answer"] == 1
    assert counts[f"{BIGBENCH}_yield"] == len(GOOD) / (len(GOOD) + len(BAD))

    make(bigbench / "two")
    assert read_card(bigbench / "one") == read_card(bigbench / "two")


def test_a_set_that_loses_every_problem_says_so_at_once(bigbench):
    params = ProblemsParams.model_validate({**PARAMS, "quantities": {"low": 9, "high": 9}})
    with pytest.raises(UserError) as caught:
        problems(params, questions=QUESTIONS, corpus=bigbench / "none")
    said = str(caught.value)
    assert f"corpora.problems: no problem of {BIGBENCH!r} is left. Refused: " in said and "quantities 11" in said
    assert (bigbench / "none/rejected.parquet").is_file()


def test_problems_that_differ_in_numbers_alone_share_a_split(bigbench):
    splits = set()
    for seed in range(8):
        counts = make(bigbench / "out", data_seed=seed)
        rows = read_product(bigbench / "out").to_pylist()
        trains = [row for row in rows if row["question"].startswith("a train")]
        assert len(trains) == 3 and len({(row["group"], row["split"]) for row in trains}) == 1
        assert trains[0]["split"] == "train"  # three do not fit where two are wanted
        assert counts[f"{BIGBENCH}_train_groups"] < counts[f"{BIGBENCH}_train"]
        splits.add(tuple(row["split"] for row in rows))
    assert len(splits) > 1  # the seed decides


@given(
    st.dictionaries(st.text(min_size=1, max_size=3), st.integers(1, 5), max_size=12),
    st.integers(0, 8),
    st.one_of(st.none(), st.integers(0, 8)),
)
def test_groups_stay_whole_and_splits_are_never_overfilled(sizes, test, rest):
    rows = [
        Judged(WordProblem(f"{group}/{i}", "set"), "+", Fraction(1), group)
        for group, size in sizes.items()
        for i in range(size)
    ]
    assigned = assign(rows, {"test": test, "train": rest}, 1)
    assert [row.problem.id for row in assigned] == [row.problem.id for row in rows]
    places = defaultdict(set)
    for row in assigned:
        places[row.group].add((row.problem.split, row.dropped))
    assert all(len(found) == 1 for found in places.values())
    assert sum(row.problem.split == "test" for row in assigned) <= test
    assert all(row.dropped == (row.problem.split == "") for row in assigned)
    if rest is None:
        assert not any(row.dropped for row in assigned)
    assert assigned == assign(list(rows), {"test": test, "train": rest}, 1)


def test_a_chain_of_near_duplicates_is_one_group():
    texts = ["abcdefghij", "abcdefghijk", "abcdefghijkl", "abcdefghijklm", "something else"]
    groups = near_groups(texts, 0.8)
    assert groups["something else"] == "something else"
    assert {groups[text] for text in texts[:4]} == {"abcdefghij"}
    assert near_groups(list(reversed(texts)), 0.8) == groups


def write_csv(path, rows, columns=("Question", "Equation", "Answer", "Numbers")):
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows(rows)


PLUS = "number0 pens and number1 caps ?"


def test_published_folds_and_splits_stay_as_they_are(tmp_path, monkeypatch):
    for fold in range(5):
        write_csv(
            tmp_path / f"mawps/fold{fold}/dev.csv", [(PLUS, "+ number0 number1", f"{fold + 2}.0", f"2.0 {fold}.0")]
        )
    write_csv(tmp_path / "svamp/train.csv", [(PLUS, "* number0 25.0", "50.0", "2.0 1.0")])
    write_csv(
        tmp_path / "svamp/dev.csv",
        [
            (PLUS, "/ number0 number1", "0.333", "1.0 3.0"),
            (PLUS, "/ number0 number1", "0.3", "1.0 3.0"),
            (PLUS, "+ number0 number1", "3.0", "1.0 2.0 5.0"),
            (PLUS, "+ number0 number2", "3.0", "1.0 2.0"),
            (PLUS, "** number0 number1", "3.0", "1.0 2.0"),
            (PLUS, "+ number0 number1", "three", "1.0 2.0"),
            (PLUS, "+ number0 number1", "3.0"),
            (PLUS, "+ 1.0 2.0", "3.0", "1.0 2.0"),
        ],
    )
    monkeypatch.setattr(stage, "fetch", lambda name: tmp_path / name)
    make(tmp_path / "out", sets=["mawps", "svamp"])
    rows = read_product(tmp_path / "out").to_pylist()
    assert [(row["fold"], row["split"]) for row in rows if row["source"] == "mawps"] == [(k, "test") for k in range(5)]
    assert len({row["group"] for row in rows if row["source"] == "mawps"}) == 1
    first, second, third = (row for row in rows if row["source"] == "svamp")
    assert (first["split"], first["equation"], first["numbers"]) == ("train", "* number0 25", ["2", "1"])
    assert (second["split"], second["answer"]) == ("test", "1/3")
    assert third["equation"] == "+ 1 2", "a published row stays, though it uses no number of its question"
    assert first["group"] != second["group"]  # no group is on both sides, though the questions are alike
    assert pq.read_table(tmp_path / "out/rejected.parquet")["reason"].to_pylist() == [
        "wrong answer: the equation gives 1/3, stated is 0.3",
        "wrong number of numbers: 3 given, masked are number0 number1",
        "not executable: there is no number2: the question has 2",
        "unreadable equation: not a number: '**'",
        "unreadable answer: not a number: 'three'",
        "wrong number of fields: dev.csv line 8: 3 fields, the header has 4"
        "; a text with commas stands in double quotes",
    ]


def test_missing_column_is_one_clear_error(tmp_path):
    write_csv(tmp_path / "dev.csv", [("x", "y")], ("Question", "Equation"))
    with pytest.raises(UserError, match=r"dev\.csv: no column 'Answer': expected .*, found Question, Equation"):
        list(masked_csv("svamp", tmp_path / "dev.csv", "test", -1, Fraction(0)))
    with pytest.raises(UserError, match=r"expected question_with_mathematical_hint/task\.json"):
        list(read(BIGBENCH, tmp_path, [], Fraction(0)))


def test_unknown_set_and_constant_are_refused():
    with pytest.raises(
        ValidationError, match="unknown 'gsm8k', known: stories, gsm-symbolic, bigbench-elementary-math, mawps"
    ):
        ProblemsParams.model_validate({**PARAMS, "sets": ["gsm8k"]})
    with pytest.raises(ValidationError, match="not a number: 'pi'"):
        ProblemsParams.model_validate({**PARAMS, "constants": ["pi"]})


def test_every_set_is_a_registered_source_or_made_here():
    names = ProblemsParams.model_fields["sets"].description[3:].split(", ")
    assert all(describe(name).licence for name in names if name != "stories")


def test_svamp_hard_is_pinned_and_has_test_rows_alone(tmp_path):
    (file,) = load_registry()["svamp-hard"].files
    assert (file.bytes, file.sha256) == (226_600, "ab28d000e902f6ac1588958b760a5842d04d6ec96f109a681599b0f56315ab50")
    write_csv(tmp_path / "dev.csv", [(PLUS, "+ number0 number1", "3000.0", "1000.0 2000.0")])
    found = list(read("svamp-hard", tmp_path, [], Fraction(0)))
    assert [(row.source, row.split) for row in found] == [("svamp-hard", "test")]


def fetch_or_skip(name):
    try:
        return fetch(name)
    except UnreachableError as error:
        pytest.skip(f"not here: {error}")


def test_svamp_hard_asks_svamps_questions_with_larger_numbers():
    given = {
        name: [row for row in read(name, fetch_or_skip(name), [], Fraction("0.01")) if row.split == "test"]
        for name in ("svamp", "svamp-hard")
    }
    assert all(len(rows) == 1000 and not any(row.reason for row in rows) for rows in given.values())
    pairs = list(zip(given["svamp"], given["svamp-hard"], strict=True))
    assert all((plain.question, plain.equation) == (hard.question, hard.equation) for plain, hard in pairs)
    assert sum(plain.numbers != hard.numbers for plain, hard in pairs) == 953


def test_asdiv_a_has_five_folds_that_share_no_question():
    rows = list(read("asdiv-a", fetch_or_skip("asdiv-a"), [], Fraction("0.01")))
    assert [sum(row.fold == fold for row in rows) for fold in range(5)] == [238, 238, 238, 237, 266]
    assert {row.split for row in rows} == {"test"} and not any(row.reason for row in rows)
    folds = [{without_numbers(row.question) for row in rows if row.fold == fold} for fold in range(5)]
    assert all(not folds[a] & folds[b] for a in range(5) for b in range(a))


def test_numbers_are_masked_in_order():
    assert mask("2 / 3 of 1,250.5 is 2") == (
        "number0 / number1 of number2 is number3",
        ("2", "3", "1250.5", "2"),
    )
    for text in ("x2", "1,23", "3rd", "number0 is 5"):
        with pytest.raises(Refused, match="unreadable number"):
            mask(text)


@pytest.mark.parametrize(
    ("program", "expected"),
    [
        ("divide(90, subtract(1, divide(2, 3)))", "/ number2 - 1 / number0 number1"),
        ("add(2,2)", "+ number0 number3"),
        ("add(2, add(2, 2))", "+ number0 + number3 number0"),
        ("multiply(90.0, 100.0)", "* number2 100.0"),
    ],
)
def test_program_finds_its_numbers_in_the_question(program, expected):
    assert prefix_of_program(program, ["2", "3", "90", "2"], CONSTANTS) == expected


@pytest.mark.parametrize(
    "program",
    ["", "add(2, 3", "add(2, 3))", "add(2)(3)", "add 2 3", "add(add(2), 3, 3)", "(add)2,3", "-2", "add(2, 3);", "²"],
)
def test_program_in_any_other_form_is_refused(program):
    with pytest.raises(Refused):
        prefix_of_program(program, ["2", "3"], CONSTANTS)


@given(st.text(max_size=60))
def test_no_text_breaks_the_readers(text):
    for reader in (mask, read_choice, lambda program: prefix_of_program(program, ["2"], CONSTANTS)):
        with contextlib.suppress(Refused):
            reader(text)


@pytest.mark.parametrize(
    ("choice", "value", "tolerance"),
    [
        ("rs . 450", "450", "0.5"),
        ("12.50 %", "12.5", "0.005"),
        ("$ 1,200", "1200", "0.5"),
        ("− 3 degrees", "-3", "0.5"),
        ("[' 2 / 4 '", "0.5", "0"),
        ("3 : 4", "0.75", "0"),
        (". 3", "0.3", "0.05"),
        ("$ . 80", "0.8", "0.005"),
        ("- . 5", "-0.5", "0.05"),
        ("p . 1,200", "1200", "0.5"),
    ],
)
def test_choice_is_a_value_and_its_rounding(choice, value, tolerance):
    assert read_choice(choice) == (Fraction(value), Fraction(tolerance))


@pytest.mark.parametrize("choice", ["none of these", "1 [ 1 / 5 ]", "2 hr 40 min", "1 / 0", "x"])
def test_choice_that_is_not_one_number_is_refused(choice):
    with pytest.raises(Refused, match="unreadable choice"):
        read_choice(choice)
