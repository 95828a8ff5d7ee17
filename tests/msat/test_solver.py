"""Questions in plain text: what counts as a number, what comes back, what is refused."""

import random
import re
from fractions import Fraction
from pathlib import Path

import pytest
import torch
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st
from tests.msat.solutions import faults
from tests.msat.tiny_solver import tiny_config, tiny_encoder

from selfsown.arithmetic import OPERATORS, Constant, Expression, Number, Operation, Program, Refused
from selfsown.cli import app
from selfsown.errors import UserError
from selfsown.msat.commands.solve import Solution, Solver, serve
from selfsown.msat.questions import read_question
from selfsown.msat.questions.quantities import read_quantities
from selfsown.msat.solvers.dag import DagSolver


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("solver")
    torch.manual_seed(1)
    DagSolver.fresh(tiny_config("dag"), tiny_encoder(folder / "encoder")).save(folder / "solver")
    return folder / "solver"


@pytest.mark.parametrize(
    ("question", "numbers", "masked"),
    [
        ("A box holds 12 pens. How many do 7 hold?", ["12", "7"],
         "A box holds number0 pens . How many do number1 hold ?"),
        ("1,250 at $0.50 each, 20% off", ["1250", "1/2", "20"],
         "number0 at $ number1 each , number2 % off"),
        ("$.50 for 3 pens", ["1/2", "3"], "$ number0 for number1 pens"),
        ("It was 3.5.", ["7/2"], "It was number0 ."),
        ("Room B12 has 4 seats", ["4"], "Room B12 has number0 seats"),
        ("Rs.450, then 5kg.12 more on the 2nd", ["450", "5", "12"],
         "Rs . number0 , then number1 kg . number2 more on the 2nd"),
        ("A cake takes 1/2 cup. And 6 cakes?", ["1/2", "6"], "A cake takes number0 cup . And number1 cakes ?"),
        ("1 1/2 and 3½ and ¾ cups", ["3/2", "7/2", "3/4"], "number0 and number1 and number2 cups"),
        ("1 000 hens in 4 pens", ["1000", "4"], "number0 hens in number1 pens"),
        ("12\u00a0500 or 1'250.5 of 1 000 000", ["12500", "2501/2", "1000000"], "number0 or number1 of number2"),
        ("20 % of 10k, 2.5k and 5km", ["20", "10000", "2500", "5"],
         "number0 % of number1 , number2 and number3 km"),
        ("COVID-19 hit 3 of 5-year-olds in B-52s", ["3", "5"],
         "COVID-19 hit number0 of number1 -year-olds in B-52s"),
        ("in the ratio 3:30, or 2:3", ["3", "30", "2", "3"],
         "in the ratio number0 : number1 , or number2 : number3"),
        ("Of v2.0, in the 1990s or the '90s, 3 in her 20s took 5 a 30s pause", ["3", "5", "30"],
         "Of v2.0 , in the 1990s or the '90s , number0 in her 20s took number1 a number2 s pause"),
        ("The 1,000th of $5 million, 2.5 thousand and 1⁄2 cup, open 24/7", ["5000000", "2500", "1/2"],
         "The 1,000th of $ number0 , number1 and number2 cup , open 24/7"),
        ("10-5 or 5 - 3 ?", ["10", "5", "5", "3"], "number0 - number1 or number2 - number3 ?"),
    ],
)  # fmt: skip
def test_numbers_are_found_in_plain_text(question: str, numbers: list[str], masked: str) -> None:
    problem = read_question(question)
    assert (problem.question, list(problem.numbers)) == (masked, [Fraction(number) for number in numbers])


@pytest.mark.parametrize(
    ("question", "message"),
    [("How many pens?", "no number in it"), ("", "no number in it"), ("9" * 200, "more than 64 digits"),
     ("3 " * 4000, "8000 characters"), ("If number1 is 5 and 7?", "'number1' stands for a number"),
     ("It was -5 degrees, then 3", "'-5': numbers below zero"), ("12,5 kg and 3", "'12,5' is not read as a number"),
     ("1e5 and 3", "'1e5'"), ("1,0000 and 3", "'1,0000'"), ("1.2.3 and 3", "'1.2.3'"), ("5² and 2", "'5²'"),
     ("From 3:30 on, 4 hens", "'3:30' is a time of day"), ("on 1/2/2024", "'1/2/2024'"), ("2024-01-05", "not read"),
     ("5 200 g bags", "'5 200' is one number or several"), ("agent 007", "'007'"), ("10^3 or 2", "'10\\^3'"),
     ("5M hens", "'5M'"), ("$2.5M and 3", "'\\$2.5M'"), ("£3m for 4", "'£3m' is not read"), ("€ 1,000b", "in full"),
     ("2-1/2 hours", "'2-1/2'"), ("1,000½ kg", "'1,000½'"), ("1 000 1/2 kg", "'000'"), ("1½k", "'1½k'"),
     ("10 k", "'10'"), ("1 1/2 million", "not read"),
     ("At 3:30 the ratio was 2:1", "'3:30' is a time"), ("3.30 pm, 2", "'3.30'"),
     ("-½ of 6", "'-½': numbers below zero"), ("-(5+3)", "below zero"), ("-¥5", "'-¥5': numbers below zero"),
     ("3x4 tiles", "'3x4'"), ("1/0 cup", "'1/0'"), ("1,00,000 rupees", "'1,00,000'"),
     ("٣ hens", "'٣'"), ("\ud800 and 5", "is no character")],
)  # fmt: skip
def test_a_question_that_cannot_be_read_is_refused_in_words(question: str, message: str, folder: Path) -> None:
    with pytest.raises(UserError, match=message):
        read_question(question)
    bad, good = Solver.load(folder).solve([question, "A is 2 , B is 3 ?"])
    assert not bad.answer and re.search(message, bad.reason) and not good.reason.startswith("not read")


@given(st.text("0123456789,./:-kKst½⁄%$' abc\u00a0", max_size=24))
def test_each_digit_of_a_question_is_read_once_left_in_a_word_or_refused(text: str) -> None:
    try:
        found = read_quantities(text)
    except Refused:
        return
    left = list(text)
    for quantity in found:
        assert set(text[quantity.start : quantity.end]) & set("0123456789½")
        left[quantity.start : quantity.end] = "|" * (quantity.end - quantity.start)
    known = r"24/7\b|\d+(?:[,' \xa0]\d{3})*(?:st|th)\b|(?:1\d|20)?\d0'?s\b"  # always, ordinals, decades
    words = re.findall(r"\w+(?:[-']\w+|(?<=\d)\.\d+)*", re.sub(known, "w", "".join(left)))
    assert all(re.match(r"(?!½)[^\W\d]", word) for word in words)
    assert [quantity.start for quantity in found] == sorted({quantity.start for quantity in found})


def test_answer_equation_and_steps(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    product = Operation("*", Number(0), Number(1))
    program = Operation("/", Operation("-", product, Number(2)), product)
    monkeypatch.setattr(DagSolver, "decode", lambda self, batch: [Program(program, {})] * len(batch["input_ids"]))
    first, second = Solver.load(folder).solve(["A is 2 , B is 3 , K is 1 ?", "A is 0 , B is 3 , K is 1 ?"])
    assert (first.answer, first.equation) == ("5/6", "(2 * 3 - 1) / (2 * 3)")
    assert first.steps == ("2 * 3 = 6", "6 - 1 = 5", "5 / 6 = 5/6")
    shown = ("answer    5/6", "numbers   2, 3, 1", "equation  (2 * 3 - 1) / (2 * 3)")
    assert str(first).splitlines()[:3] == [*shown]
    assert second.answer == "" and "division by zero" in second.reason and "division by zero" in str(second)
    assert str(second).splitlines()[1:] == ["numbers   0, 3, 1"], "what was read is shown though it has no answer"
    assert serve(str(folder))(["A is 2 , B is 3 , K is 1 ?"]) == ["5/6"]


def any_program(rng: random.Random, depth: int = 4) -> Expression:
    if depth == 0 or rng.random() < 0.2:
        return Number(rng.randrange(3)) if rng.random() < 0.8 else Constant(Fraction(rng.choice(("60", "0.5"))))
    return Operation(rng.choice(OPERATORS), any_program(rng, depth - 1), any_program(rng, depth - 1))


def test_every_answer_follows_from_its_equation_and_steps(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    rng = random.Random(3)
    monkeypatch.setattr(
        DagSolver, "decode", lambda self, batch: [Program(any_program(rng), {}) for _ in batch["input_ids"]]
    )
    asked = [f"A is {a} , B is 1.5 and K is 1,000 ?" for a in range(60)]
    solutions = Solver.load(folder).solve(asked)
    assert [faults(solution) for solution in solutions] == [[]] * len(asked)
    assert 5 < sum(bool(solution.answer) for solution in solutions) < len(asked), "with an answer and without"


@pytest.mark.parametrize(
    ("answer", "equation", "steps", "reason", "fault"),
    [
        ("84", "12 * 7", ("12 * 7 = 84",), "", None),
        ("12", "12", (), "", None),
        ("5/6", "(2 * 3 - 1) / (2 * 3)", ("2 * 3 = 6", "6 - 1 = 5", "5 / 6 = 5/6"), "", None),
        ("", "", (), "division by zero", None),
        ("19", "12 * 7", ("12 + 7 = 19",), "", "12 * 7 is 84, not 19"),
        ("84", "12 * 7", ("12 * 7 = 85",), "", "12 * 7 = 85 is wrong"),
        ("84", "12 * 7", (), "", "0 steps"),
        ("84", "12 * 7", ("12 * 7 = 84", "84 - 12 = 72"), "", "2 steps"),
        ("84", "12 * 7", ("7 + 12 = 19",), "", "ends in 19"),
        ("84", "12 * 7", ("12 * 7 = 84",), "division by zero", "a reason beside an answer"),
        ("", "12 * 7", (), "division by zero", "without an answer"),
        ("", "", (), "it crashed", "unknown reason"),
        ("", "", (), "", "unknown reason"),
    ],
)
def test_what_does_not_fit_together_is_seen(
    answer: str, equation: str, steps: tuple[str, ...], reason: str, fault: str | None
) -> None:
    found = faults(Solution("?", ("12", "7"), answer, equation, steps, reason))
    assert not found if fault is None else any(fault in one for one in found)


def test_on_the_command_line(folder: Path) -> None:
    arguments = ["solve", "--folder", str(folder)]
    shown = CliRunner().invoke(app, [*arguments, "A box holds 12 pens. How many do 7 hold?"], catch_exceptions=False)
    assert shown.exit_code == 0 and re.match(r"answer +-?\d|no answer: ", shown.output)
    with pytest.raises(UserError, match=r"'How many pens\?': no number in it"):
        CliRunner().invoke(app, [*arguments, "How many pens?"], catch_exceptions=False)
    with pytest.raises(UserError, match=r"' ?-5 degrees, then 3': '-5': numbers below zero"):
        CliRunner().invoke(app, [*arguments, "-5 degrees, then 3"], catch_exceptions=False)
    pasted = CliRunner().invoke(app, [*arguments, "- A box holds 12 pens. How many do 7 hold?"], catch_exceptions=False)
    assert pasted.exit_code == 0 and "numbers   12, 7" in pasted.output
    with pytest.raises(UserError, match=r"'-\(5': numbers below zero"):
        CliRunner().invoke(app, [*arguments, "-(5+3) and 2"], catch_exceptions=False)
    assert "No such option '--alais'" in CliRunner().invoke(app, [*arguments, "--alais", "candidate"]).output
    mixed = CliRunner().invoke(app, [*arguments, "How many pens?", "A box holds 12 pens. How many do 7 hold?"])
    first, second = mixed.output.splitlines()[:2]
    assert first.startswith("no answer: not read: ") and re.match(r"answer +-?\d|no answer: ", second)
    assert isinstance(mixed.exception, UserError), "the command fails, though it answered what it could"


def test_a_folder_that_is_no_solver_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"not a solver: solver\.json is missing"):
        Solver.load(tmp_path)
    with pytest.raises(UserError, match=r"solver\.json and \*\.safetensors missing; give another --model or --folder"):
        CliRunner().invoke(app, ["solve", "--folder", str(tmp_path), "2 and 3?"], catch_exceptions=False)
