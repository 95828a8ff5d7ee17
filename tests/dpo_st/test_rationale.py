"""What a model says to a question: its lines, every calculation, the answer; and what it is not asked."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner
from tests.dpo_st.tiny_samplers import Kind, write_model

from selfsown.cli import app
from selfsown.dpo_st.commands.rationale import Reasoner, Reasoning, serve
from selfsown.errors import UserError

pytestmark = pytest.mark.usefixtures("plainly")

NATIVE = "Natalia sold 48/2 = <<48/2=24>>24 clips in May.\nThat is 48+24 = <<48+24=72>>72 altogether.\n#### 72"
BRACKETS = "Natalia sold 48/2 = [ 48 / 2 = 24] 24 clips in May. That is 48+24 = [ 48 + 24 = 72] 72 altogether. #### 72"


@pytest.fixture(scope="module", params=["groups", "unigram"])
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    kind: Kind = request.param
    return write_model(tmp_path_factory.mktemp(kind), kind)


def test_each_line_with_its_calculations() -> None:
    assert str(Reasoning("?", NATIVE, "72")).splitlines() == [
        "Natalia sold 48/2 = 24 clips in May.",
        "    48/2 = 24",
        "That is 48+24 = 72 altogether.",
        "    48+24 = 72",
        "answer  72",
    ]


def test_brackets_are_read_as_well() -> None:
    assert str(Reasoning("?", BRACKETS, "72")).splitlines() == [
        "Natalia sold 48/2 = 24 clips in May. That is 48+24 = 72 altogether.",
        "    48/2 = 24",
        "    48+24 = 72",
        "answer  72",
    ]


def test_results_that_are_not_the_calculators_are_marked() -> None:
    said = str(Reasoning("?", "2+2 = <<2+2=5>>5, <<__import__('os')=1>>1", "")).splitlines()
    assert said == [
        "2+2 = 5, 1",
        "    2+2 = 5    (not the calculator's)",
        "    __import__('os') = 1    (not the calculator's)",
        "no answer: it came to no number",
    ]


def test_a_model_reasons_about_several_questions_as_about_each(folder: Path) -> None:
    reasoner = Reasoner.load(folder, new_tokens=12)
    questions = ["Anna sold 3 clips.", "Anna sold 35 clips for $0.35 each in May. How many?"]
    together = reasoner.reason(questions)
    assert [reasoning.question for reasoning in together] == questions
    assert together == [reasoner.reason([question])[0] for question in questions]
    assert serve(str(folder))(questions) == [each.rationale for each in Reasoner.load(folder).reason(questions)]


def test_the_command(folder: Path) -> None:
    arguments = ["rationale", "Anna sold 3 clips.", "And 4?", "--folder", str(folder), "--new-tokens", "5"]
    for more in ([], ["--no-calculator"], ["--temperature", "0.7"]):
        result = CliRunner().invoke(app, [*arguments, *more], catch_exceptions=False)
        assert result.exit_code == 0 and result.output.count("answer") == 2


@pytest.mark.parametrize(
    ("question", "message"),
    [(" ", "a question has 1 to 4000 characters"), ("why " * 2000, "1 to 4000 characters, this one 8000")],
)
def test_what_is_no_question(question: str, message: str, folder: Path) -> None:
    with pytest.raises(UserError, match=message):
        Reasoner.load(folder).reason([question])


def test_a_question_longer_than_the_model_sees(tmp_path: Path) -> None:
    reasoner = Reasoner.load(write_model(tmp_path, "groups"))
    assert reasoner.reason(["Anna sold 3 clips."])[0].rationale, "fewer tokens than asked for where there is no room"
    with pytest.raises(UserError, match="the model sees 256, and must answer within them"):
        reasoner.reason(["xq 7 " * 300])


@pytest.mark.parametrize("wrong", [{"temperature": -1.0}, {"new_tokens": 0}])
def test_options_that_make_no_sense(wrong: dict[str, float], folder: Path) -> None:
    with pytest.raises(UserError, match="must be 0 or more"):
        Reasoner.load(folder, **wrong)  # type: ignore[arg-type]
