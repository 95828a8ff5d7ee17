"""Readers of problems with reasoning: what is sound is read exactly, what is not is refused with its reason."""

from __future__ import annotations

import csv
import json
import sys
from fractions import Fraction
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.corpora.rationales_project import gsm8k_row, write_lines, write_templates

from selfsown.arithmetic import evaluate, find_annotations, parse_infix
from selfsown.corpora.readers.rationales import gsm8k, own, plain
from selfsown.corpora.readers.rationales.gsm_symbolic import Templates
from selfsown.errors import UserError
from selfsown.reasoning.rationale import final_answer
from selfsown.sources import UnreachableError, fetch


def test_templates_are_imported_without_their_package_and_leave_nothing_behind(tmp_path: Path) -> None:
    folder = write_templates(tmp_path)
    before = {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}
    stand_in = sys.modules["reasoning_gym"] = type(sys)("reasoning_gym")
    try:
        templates = Templates(folder, "templates")
        assert sys.modules["reasoning_gym"] is stand_in
    finally:
        del sys.modules["reasoning_gym"]
    assert not [name for name in sys.modules if name.startswith("reasoning_gym")]
    assert {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()} == before
    assert templates.numbers == (0, 1, 2, 3, 4), "those that are held to be sound"


def test_a_problem_follows_from_its_template_and_seed_alone(tmp_path: Path) -> None:
    templates = Templates(write_templates(tmp_path), "templates")
    one = templates.problem(0, "test/3", 7)
    templates.problem(1, "test/3", 8)
    assert templates.problem(0, "test/3", 7) == one != templates.problem(0, "test/3", 8)
    assert (one.id, one.group, one.source) == ("templates/0/test/3", "templates/0", "templates")
    first, last = find_annotations(one.rationale)
    assert evaluate(parse_infix(first.calculation)) + 7 == Fraction(last.stated) == one.answer
    assert one.rationale.splitlines()[-1] == f"#### {one.answer}"


def test_a_wrong_line_is_refused_with_its_reason(tmp_path: Path) -> None:
    templates = Templates(write_templates(tmp_path), "templates")
    assert templates.problem(4, "test/0", 1).reason.startswith("wrong line: ")


def test_a_folder_without_templates_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"source 'templates': no templates of GSM-Symbolic in "):
        Templates(tmp_path, "templates")
    write_templates(tmp_path)
    (tmp_path / "reasoning_gym/arithmetic/gsm_symbolic/gsm_symbolic.py").write_text("tasks = []\n")
    with pytest.raises(UserError, match=r"gsm_symbolic\.py has no list tasks_ok"):
        Templates(tmp_path, "templates")


@pytest.mark.net
def test_most_of_the_real_templates_can_be_annotated() -> None:
    try:
        folder = fetch("gsm-symbolic")
    except UnreachableError as error:
        pytest.skip(f"offline: {error}")
    templates = Templates(folder, "gsm-symbolic")
    assert len(templates.numbers) == 85
    kept = 0
    for number in templates.numbers:
        problems = [templates.problem(number, f"probe/{seed}", seed) for seed in range(8)]
        assert all(problem.reason or final_answer(problem.rationale) == problem.answer for problem in problems)
        kept += sum(not problem.reason for problem in problems) >= 4
    assert kept >= 75
    assert not list(folder.rglob("__pycache__"))


def test_every_annotation_of_gsm8k_is_executed(tmp_path: Path) -> None:
    good = gsm8k_row(1)
    wrong = {**gsm8k_row(2), "answer": "It is 5*4 = <<5*4=21>>21\n#### 21"}
    rounded = {**gsm8k_row(3), "answer": "It is <<1/3=.33>>0.33\n#### 0.33"}
    broken = {**gsm8k_row(4), "answer": "It is <</3=1>>1\n#### 1"}
    in_words = {**gsm8k_row(5), "answer": "It is five.\n#### 1,005"}
    nothing = {**gsm8k_row(6), "answer": "It is five."}
    write_lines(tmp_path / "train.jsonl", [good, wrong, rounded, broken, in_words, nothing])
    found = list(gsm8k.read("gsm8k", tmp_path))
    assert [problem.id for problem in found] == [f"gsm8k/train/{row}" for row in range(6)]
    assert [problem.reason.partition(":")[0] for problem in found] == [
        "", "wrong annotation", "", "wrong annotation", "", "unreadable answer",
    ]  # fmt: skip
    assert found[1].reason == "wrong annotation: '5*4' is '20', stated is '21'"
    assert found[0].rationale == good["answer"] and found[0].answer == 16
    assert found[4].rationale == "It is five.\n#### 1005"
    lenient = list(gsm8k.read("gsm8k", tmp_path, strict=False))
    assert [bool(problem.reason) for problem in lenient] == [False] * 5 + [True]


def test_a_file_that_is_not_gsm8ks_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"source 'gsm8k': no \.jsonl file"):
        list(gsm8k.read("gsm8k", tmp_path))
    write_lines(tmp_path / "train.jsonl", [gsm8k_row(1), {"question": "What?"}])
    with pytest.raises(UserError, match=r"train\.jsonl line 2: expected an object with question and answer"):
        list(gsm8k.read("gsm8k", tmp_path))


def test_masked_sets_get_their_numbers_back(tmp_path: Path) -> None:
    rows = [
        ("he has number0 hats and number1 caps .", "* number0 number1", "36.0", "14.0 2.55"),
        ("he has number0 hats .", "/ number0 3", "1.67", "5.0"),
        ("he has number0 hats .", "+ number0 3", "9.0", "5.0"),
        ("he has number0 hats .", "+ number0 number1", "9.0", "5.0 4.0"),
        ("he has number0 hats .", "+ number0 3", "eight", "5.0"),
    ]
    for name in ("train", "dev"):
        with (tmp_path / f"{name}.csv").open("w", newline="") as file:
            csv.writer(file).writerows([("Question", "Equation", "Answer", "Numbers"), *rows])
    found = list(plain.read("svamp", tmp_path, Fraction(1, 2)))
    assert len(found) == 5, "the training file is no test"
    assert found[0].question == "he has 14 hats and 2.55 caps ."
    assert (found[0].masked, found[0].numbers, found[0].answer) == (rows[0][0], ("14", "2.55"), Fraction("35.7"))
    assert (found[1].answer, found[1].equation) == (Fraction(5, 3), "/ number0 3")
    assert [problem.reason for problem in found[2:]] == [
        "wrong equation: it gives 8, stated is 9",
        "wrong number of numbers: 2 given, masked are number0",
        "unreadable answer: not a number: 'eight'",
    ]


ROWS: list[tuple[object, str]] = [
    ({"question": " What is 3*4? ", "answer": "$1,012.", "rationale": "12\n#### 12"}, "wrong answer"),
    ({"question": "What is 3*4?", "answer": 12, "rationale": "3*4 = <<3*4=12>>12"}, ""),
    ({"question": "What is 3*4?", "answer": "12", "rationale": "twelve\n#### 12", "split": "test"}, ""),
    ({"question": "What is 3*4?", "answer": 12.5}, ""),
    ({"question": "What is 3*4?", "answer": "1/3", "split": None, "rationale": None}, ""),
    ({"question": "What is 3*4?", "answer": 12, "rationale": "3*4 = <<3*4=13>>13\n#### 12"}, "wrong annotation"),
    ({"question": "What is 3*4?", "answer": 12, "rationale": [5]}, "not a text"),
    ({"question": "What is 3*4?", "answer": 12, "split": "train"}, "unknown split"),
    ({"question": "What is 3*4?", "answer": 12, "split": "labelled"}, "no rationale"),
    ({"question": "What is 3*4?", "answer": 12, "split": "VAL"}, ""),
    ({"question": "What is \ud800?", "answer": 12}, "not a text"),
    ({"question": "What is 3*4?", "answer": "12 pens"}, "unreadable answer"),
    ({"question": "What is 3*4?", "answer": True}, "unreadable answer"),
    ({"question": "What is 3*4?", "answer": None}, "unreadable answer"),
    ({"question": "What is 3*4?", "answer": float("nan")}, "unreadable answer"),
    ({"question": "What is 3*4?", "answer": ""}, "unreadable answer"),
    ({"question": "  ", "answer": 5}, "no question"),
    (["question", "answer"], "unreadable row"),
    ("question", "unreadable row"),
    (5, "unreadable row"),
]


def test_own_rows_that_cannot_be_used_are_refused_with_file_and_line(tmp_path: Path) -> None:
    lines = [json.dumps(row) for row, _ in ROWS]
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep/a.jsonl").write_bytes(
        "\n".join([*lines, "", "{oops", '{"answer": 1, "answer": 2}', "[" * 100_000, '"\xff"']).encode("latin-1")
    )
    found = list(own.read("mine", tmp_path))
    kinds = [kind for _, kind in ROWS] + ["unreadable row"] * 4
    assert [problem.reason.partition(":")[0] for problem in found] == kinds
    for line, (problem, kind) in enumerate(zip(found, kinds, strict=True), start=1):
        place = f"deep/a.jsonl line {line + (line > len(ROWS))}"
        assert problem.id == f"mine/{place}"
        assert not kind or place in problem.reason
    assert found[1].rationale == "3*4 = <<3*4=12>>12\n#### 12"
    assert (found[2].split, found[2].rationale) == ("test", "twelve\n#### 12")
    assert found[9].split == "dev"
    assert [problem.answer for problem in found[3:5]] == [Fraction(25, 2), Fraction(1, 3)]


def test_own_parquet_is_read_and_a_missing_column_is_an_error(tmp_path: Path) -> None:
    table = pa.table({"question": ["What is 3*4?", None], "answer": [12, 5], "note": ["a", "b"]})
    pq.write_table(table, tmp_path / "a.parquet")
    found = list(own.read("mine", tmp_path))
    assert [problem.reason for problem in found] == ["", "no question: a.parquet row 2"]
    pq.write_table(table.drop_columns(["answer"]), tmp_path / "b.parquet")
    with pytest.raises(UserError, match=r"b\.parquet: no column 'answer': expected question and answer"):
        list(own.read("mine", tmp_path))
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=r"source 'mine': no \.jsonl or \.parquet file"):
        list(own.read("mine", tmp_path / "empty"))


@pytest.mark.parametrize(
    ("name", "text", "holds"),
    [
        ("a.jsonl", '{"question": "a", "answer": 1}', True),
        ("a.jsonl", '\n{"answer": 1, "question": "a", "more": 2}\n{oops', True),
        ("a.jsonl", '{"question": "a", "answer": 1, "text": "b"}', False),
        ("a.jsonl", '{"text": "b"}', False),
        ("a.jsonl", "{oops", False),
        ("a.parquet", "no Parquet", False),
        (".a.jsonl", '{"question": "a", "answer": 1}', False),
        ("a.txt", "question answer", False),
    ],
)
def test_problems_are_told_from_texts(tmp_path: Path, name: str, text: str, holds: bool) -> None:
    (tmp_path / name).write_text(text)
    assert own.holds_problems(tmp_path) is holds
