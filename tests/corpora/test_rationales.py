"""The stage: splits as asked for, no question of a test in training, an empty pool, equal bytes; programs that hold."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError
from tests.corpora.rationales_project import PARAMS, gsm8k_row, params, write_lines, write_templates

from selfsown.arithmetic import evaluate, find_annotations, parse_annotations, parse_decimal, parse_prefix, parse_value
from selfsown.corpora.rationales import rationales
from selfsown.corpora.rationales.twins import Twins
from selfsown.corpora.readers.rationales.program import mask, program
from selfsown.corpora.readers.rationales.worked import Worked
from selfsown.errors import UserError
from selfsown.products import REJECTED, read_card, read_product
from selfsown.reasoning.rationale import RATIONALE, final_answer
from selfsown.settings import settings
from selfsown.sources import register_folder

GSM8K = {"kind": "gsm8k", "source": "gsm8k-train"}


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A working directory with registered folders of templates and of 40 problems in GSM8K's form."""
    (tmp_path / "conf").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SELFSOWN_CACHE", str(tmp_path / "cache"))
    settings.cache_clear()
    register_folder(write_templates(tmp_path / "package"), "templates")
    write_lines(tmp_path / "lines/train.jsonl", [gsm8k_row(number) for number in range(40)])
    register_folder(tmp_path / "lines", "gsm8k-train")
    yield tmp_path
    settings.cache_clear()


def make(project: Path, out: str = "out", **changes: Any) -> list[dict[str, Any]]:
    rationales(params(**changes), corpus=project / out)
    table = read_product(project / out)
    assert table.schema == RATIONALE
    return table.to_pylist()


def test_splits_are_filled_as_asked_for_and_templates_are_seen_or_not(project: Path) -> None:
    rows = make(project)
    assert Counter(row["split"] for row in rows) == PARAMS["sets"][0]["rows"]
    groups = {split: {row["group"] for row in rows if row["split"] == split} for split in PARAMS["sets"][0]["rows"]}
    unseen = groups.pop("unseen")
    assert len(unseen) == 1 and all(seen == groups["labelled"] and not seen & unseen for seen in groups.values())
    rejected = {row["id"]: row["reason"] for row in pq.read_table(project / "out" / REJECTED).to_pylist()}
    assert rejected["templates/3/probe/0"] == "steps: 5, allowed 1 to 2"
    assert rejected["templates/4/probe/0"].startswith("wrong line: ")
    assert sum(read_card(project / "out").dropped.values()) == len(rejected)
    assert len({row["id"] for row in rows} | set(rejected)) == len(rows) + len(rejected)


def test_each_rationale_holds_and_ends_with_the_answer(project: Path) -> None:
    for row in make(project):
        if row["split"] != "pool":
            assert final_answer(row["rationale"]) == parse_value(row["answer"])
            assert row["steps"] == len(find_annotations(row["rationale"])) == 2
            numbers = [parse_decimal(number) for number in row["numbers"]]
            assert evaluate(parse_prefix(row["equation"]), numbers) == parse_value(row["answer"])
            assert row["equation"] == "+ * number0 number1 number2"
        assert row["masked"].count("number") == len(row["numbers"]) == 3


def test_the_pool_tells_nothing_but_the_answer(project: Path) -> None:
    pool = [row for row in make(project) if row["split"] == "pool"]
    assert pool
    assert {(row["rationale"], row["equation"], row["steps"]) for row in pool} == {("", "", 0)}
    assert all(row["answer"] and row["masked"] for row in pool)


def test_no_two_problems_of_a_template_have_the_same_numbers(project: Path) -> None:
    rows = make(project)
    assert len({(row["group"], *row["numbers"]) for row in rows}) == len(rows)


def test_same_parameters_same_bytes_and_another_seed_other_problems(project: Path) -> None:
    for out in ("one", "two"):
        make(project, out)
    files = {path.name: path.read_bytes() for path in (project / "one").iterdir()}
    assert files == {path.name: path.read_bytes() for path in (project / "two").iterdir()}
    other = make(project, "three", data_seed=2)
    assert {row["question"] for row in other}.isdisjoint(row["question"] for row in make(project))


def test_more_rows_of_one_split_move_none_of_another(project: Path) -> None:
    rows = {row["id"]: row for row in make(project)}
    wanted = {**PARAMS["sets"][0], "rows": {**PARAMS["sets"][0]["rows"], "labelled": 12}}
    more = {row["id"]: row for row in make(project, sets=[wanted])}
    assert more.items() >= rows.items() and len(more) == len(rows) + 6


def test_brackets_have_no_angle(project: Path) -> None:
    native, brackets = make(project), make(project, form="brackets")
    assert "<<" in native[0]["rationale"] and not any("<" in row["rationale"] for row in brackets)
    for one, other in zip(native, brackets, strict=True):
        if one["rationale"]:
            assert parse_annotations(one["rationale"]) == parse_annotations(other["rationale"])
            assert "\n" not in other["rationale"]


def test_gsm8k_is_cut_by_seed_and_groups_are_not_torn(project: Path) -> None:
    again = {**gsm8k_row(5), "question": gsm8k_row(5)["question"].replace("8", "900")}
    rows = [*map(gsm8k_row, range(40)), again, gsm8k_row(6)]
    write_lines(project / "lines/train.jsonl", rows)
    register_folder(project / "lines", "gsm8k-train")
    found = make(project, sets=[{**GSM8K, "rows": {"dev": 7, "test": 4, "labelled": None}}])
    assert Counter(row["split"] for row in found) == {"dev": 7, "test": 4, "labelled": 30}
    splits = {row["question"]: row["split"] for row in found}
    assert splits[again["question"]] == splits[gsm8k_row(5)["question"]]
    assert read_card(project / "out").dropped == {"duplicate": 1}
    dev = [row["id"] for row in found if row["split"] == "dev"]
    assert dev != [row["id"] for row in found][: len(dev)], "drawn, not the first ones"


def test_training_rows_that_repeat_a_test_question_are_held_out(project: Path) -> None:
    asked = gsm8k_row(3)["question"]
    same = [asked.replace("A ddd", "One ddd"), asked.replace("4", "5")]
    own = [{"question": question, "answer": 24, "split": "test"} for question in same]
    write_lines(project / "mine/a.jsonl", own)
    register_folder(project / "mine", "mine")
    sets = [{**GSM8K, "rows": {"labelled": None}}, {"kind": "own", "source": "mine", "rows": {}}]
    write_lines(project / "lines/train.jsonl", [gsm8k_row(3), gsm8k_row(8)])
    register_folder(project / "lines", "gsm8k-train")
    write_lines(project / "mine/a.jsonl", [{**row, "question": row["question"]} for row in own])
    register_folder(project / "mine", "mine")
    found = make(project, sets=sets)
    labelled = [row["question"] for row in found if row["split"] == "labelled"]
    assert asked not in labelled and gsm8k_row(8)["question"] in labelled
    assert [row["reason"] for row in pq.read_table(project / "out" / REJECTED).to_pylist()] == [
        "held out: as mine/a.jsonl line 1"
    ]


def test_own_problems_without_rationales_are_never_labelled(project: Path) -> None:
    rows = [gsm8k_row(number) for number in range(20)]
    own = [
        {"question": row["question"], "answer": row["answer"].rpartition(" ")[2]}
        | ({"rationale": row["answer"]} if number % 2 else {})
        for number, row in enumerate(rows)
    ]
    write_lines(project / "mine/a.jsonl", own)
    register_folder(project / "mine", "mine")
    wanted = {"test": 4, "dev": 4, "labelled": 4, "pool": None}
    found = make(project, sets=[{"kind": "own", "source": "mine", "rows": wanted}])
    assert Counter(row["split"] for row in found) == {"test": 4, "dev": 4, "labelled": 4, "pool": 8}
    assert all(row["rationale"] for row in found if row["split"] == "labelled")


def test_a_split_that_cannot_be_filled_is_one_clear_error(project: Path) -> None:
    with pytest.raises(UserError, match=r"gsm8k-train: 50 rows wanted for dev, 0 different ones found|, 40 different"):
        make(project, sets=[{**GSM8K, "rows": {"dev": 50}}])
    with pytest.raises(UserError, match=r"templates: 3 seen and 1 unseen templates are wanted, only 3 fit"):
        make(project, sets=[{**PARAMS["sets"][0], "seen": 3}])
    with pytest.raises(ValidationError, match="unknown, known: gsm8k-test, asdiv-a"):
        params(sets=[{"kind": "test", "source": "gsm8k"}])
    with pytest.raises(ValidationError, match="'gsm8k-train' stands twice"):
        params(sets=[{**GSM8K, "rows": {}}, {**GSM8K, "rows": {"dev": 1}}])


@pytest.mark.parametrize(
    ("question", "masked", "numbers"),
    [
        ("It costs $1,250.50, or 20% less.", "It costs $ number0 , or number1 % less .", ("1250.5", "20")),
        ("A 5-mile run in 1/2 hour", "A number0 - mile run in number1 / number2 hour", ("5", "1", "2")),
        ("The 3rd of 10:30pm, 1.5x", "The 3rd of number0 : 30pm , 1 . 5x", ("10",)),
        ("Sam's 141.0 m.", "Sam's number0 m .", ("141",)),
        ("number0 is 5", "", ()),
        (f"It is {'9' * 70}.", "", ()),
    ],
)
def test_numbers_are_masked_where_they_can_be_told(question: str, masked: str, numbers: tuple[str, ...]) -> None:
    found = mask(question)
    assert (found.text, found.numbers) == (masked, numbers)


@given(st.text(st.sampled_from("0123456789.,$% abn"), max_size=60) | st.text(max_size=60))
@example("number:0")
def test_no_question_breaks_the_mask(question: str) -> None:
    found = mask(question)
    words = [word for word in found.text.split() if re.fullmatch(r"number[0-9]+", word)]  # `number` alone is a word
    assert words == [f"number{index}" for index in range(len(found.numbers))] or not found.numbers


@pytest.mark.parametrize(
    ("question", "rationale", "answer", "equation"),
    [
        ("2 pies a day, 2 times as many", "<<2*2=4>>4 <<2+4=6>>6", 6, "+ number0 * number0 number1"),
        ("36 pieces, 50% of them red", "<<36*0.5=18>>18", 18, "* number0 / number1 100"),
        ("3 of 4 pies, 200 guests", "<<3/4=75%>>75% <<0.75*200=150.>>150", 150, "* / number0 number1 number2"),
        ("5 bags of 4", "<<5*4=20>>20 <<10+10=20>>20", 20, ""),
        ("5 bags of 4", "<<5*4=20>>20 <<20*7=140>>140", 140, "* * number0 number1 7"),
        ("5 bags of 4", "<<7*7=49>>49", 49, ""),
        ("5 bags of 4", "<<5*4=20>>20", 21, ""),
        ("5 bags of 4", "twenty", 20, ""),
        ("5 bags of 5 of 5", "<<5*5=25>>25 <<25*5=125>>125", 125, "* * number0 number1 number2"),
    ],
)
def test_a_program_is_over_the_numbers_of_the_question(
    question: str, rationale: str, answer: int, equation: str
) -> None:
    assert program(rationale, mask(question), Fraction(answer), {Fraction(7)}) == equation


def test_twins_have_the_same_numbers_and_nearly_the_same_words() -> None:
    twins = Twins(0.6)
    known = Worked("a", "s", question="Ann has 3 red pens and 4 caps.", numbers=("3", "4"), group="s/1")
    twins.add(known)
    near = Worked("b", "s", question="Bo has 3 red pens and 4 caps.", numbers=("3", "4"))
    assert twins.find(near) == known
    assert twins.find(Worked("c", "s", question=near.question, numbers=("3", "5"))) is None
    assert twins.find(Worked("d", "s", question="A ship sails on.", numbers=("3", "4"))) is None
    assert twins.find(Worked("e", "s", question="A ship sails on.", numbers=("3", "4"), group="s/1")) == known
