"""Math word problems as a source states them, and readers: elementary_math_qa, MAWPS, ASDiv-A, SVAMP, SVAMP-hard.

A reader yields one `WordProblem` per row of its files, with a reason where the row cannot be read. Nothing is executed:
programs are turned into prefix form and parsed by `selfsown.arithmetic`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path

from selfsown.arithmetic import Expression, Operation, Refused, parse_decimal, parse_prefix
from selfsown.corpora.readers.tables import csv_rows, read_json
from selfsown.corpora.readers.tables.values import NotTextError, text_of
from selfsown.errors import UserError

FOLDS = 5
COLUMNS = ("Question", "Equation", "Answer", "Numbers")
"""What the CSV files of MAWPS, ASDiv-A and SVAMP have in common."""

OPERATORS = {"add": "+", "subtract": "-", "multiply": "*", "divide": "/"}
"""Operations of elementary_math_qa's programs and their operators."""

_NAMES = {operator: name for name, operator in OPERATORS.items()}
_NUMBER = r"(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?"
_MASK = re.compile(r"number\d+")
_LITERAL = re.compile(r"\d+(?:\.\d+)?")
_TOKEN = re.compile(rf"[a-z_]+|{_LITERAL.pattern}|[(),]")
_CHOICE = re.compile(
    rf"(?P<before>\D*?)(?P<sign>[-−]\s*)?(?P<point>\.\s*)?(?P<first>{_NUMBER})(?:\s*[/:]\s*(?P<second>{_NUMBER}))?\D*"
)


@dataclass(frozen=True)
class WordProblem:
    """A row of a set; `reason` says why it was dropped, if it was.

    `question` has `number0`, `number1`, ... for the `numbers`; `equation` is in prefix form; `answer` is what the
    source states, and an equation must meet it within `tolerance`; `group` says what belongs together, where the source
    does.
    """

    id: str
    source: str
    question: str = ""
    numbers: tuple[str, ...] = ()
    equation: str = ""
    answer: Fraction = Fraction(0)
    tolerance: Fraction = Fraction(0)
    split: str = ""
    fold: int = -1
    group: str = ""
    reason: str = ""


def read(source: str, folder: Path, constants: Sequence[str], tolerance: Fraction) -> Iterator[WordProblem]:
    """The rows of a set.

    Args:
        folder: the fetched source.
        constants: what a program of elementary_math_qa may use beside the numbers of its question.
        tolerance: of the answers in CSV files, which are rounded.

    Raises:
        UserError: a file that lacks a column.
    """
    if source == "bigbench-elementary-math":
        yield from elementary_math(source, folder, constants)
    elif source in ("svamp", "svamp-hard"):
        if source == "svamp":
            yield from masked_csv(source, folder / "train.csv", "train", -1, tolerance)
        yield from masked_csv(source, folder / "dev.csv", "test", -1, tolerance)
    else:
        # fold k is trained on the other four, so its train.csv holds nothing that the test files do not
        for fold in range(FOLDS):
            yield from masked_csv(source, folder / f"fold{fold}" / "dev.csv", "test", fold, tolerance)


SETS = ("bigbench-elementary-math", "mawps", "asdiv-a", "svamp", "svamp-hard")
"""The sets, by the name of their source; `svamp-hard` has test rows alone, asked of the solvers that learnt `svamp`."""


def masked_csv(source: str, path: Path, split: str, fold: int, tolerance: Fraction) -> Iterator[WordProblem]:
    """Rows of a CSV whose questions are masked already, with equations in prefix form.

    Raises:
        UserError: a column is missing.
    """
    found, rows = csv_rows(path)
    if missing := [column for column in COLUMNS if column not in found]:
        raise UserError(f"{path}: no column {missing[0]!r}: expected {', '.join(COLUMNS)}, found {', '.join(found)}")
    place = f"{path.parent.name}/{path.name}" if fold >= 0 else path.name
    for number, row in enumerate(rows):
        problem = WordProblem(f"{source}/{place}/{number}", source, tolerance=tolerance, split=split, fold=fold)
        if row.fault:
            yield replace(problem, reason=row.refusal(place))
            continue
        try:
            values = {column: text_of(row.values, (column,), typed=False) for column in COLUMNS}
        except NotTextError as error:
            yield replace(problem, reason=f"not a text: {place} line {row.line}: {error}")
            continue
        if empty := [column for column in COLUMNS if not values[column]]:
            yield replace(problem, reason=f"missing field: {place} row {number} has no {empty[0]}")
            continue
        problem = replace(
            problem,
            question=" ".join(values["Question"].split()),
            numbers=tuple(values["Numbers"].split()),
            equation=" ".join(values["Equation"].split()),
        )
        try:
            yield replace(problem, answer=parse_decimal(values["Answer"]))
        except Refused as error:
            yield replace(problem, reason=f"unreadable answer: {error.reason}")


def elementary_math(source: str, folder: Path, constants: Sequence[str]) -> Iterator[WordProblem]:
    """Rows of BIG-bench's elementary_math_qa with mathematical hints: a question, its program, choices of answers.

    Raises:
        UserError: no task file in the folder, or one that is not as expected.
    """
    path = next(folder.rglob("question_with_mathematical_hint/task.json"), None)
    if path is None:
        raise UserError(f"{folder}: expected question_with_mathematical_hint/task.json in it")
    task = read_json(path)
    examples = task.get("examples") if isinstance(task, dict) else None
    if not isinstance(examples, list):
        raise UserError(f"{path}: expected a JSON object with a list under the key 'examples'")
    allowed = {parse_decimal(constant) for constant in constants}
    for row, example in enumerate(examples):
        problem = WordProblem(f"{source}/{row}", source)
        try:
            question, _, program = example["input"].rpartition("\n")
            right = [choice for choice, score in example["target_scores"].items() if score == 1]
        except (KeyError, TypeError, AttributeError):
            yield replace(problem, reason=f"missing field: row {row} has no input or no target_scores")
            continue
        problem = replace(problem, question=question)
        if len(right) != 1:
            yield replace(problem, reason=f"choices: {len(right)} are right")
            continue
        try:
            text, numbers = mask(question)
            equation = prefix_of_program(program, numbers, allowed)
            answer, tolerance = read_choice(right[0])
        except Refused as error:
            yield replace(problem, reason=error.reason)
            continue
        yield replace(problem, question=text, numbers=numbers, equation=equation, answer=answer, tolerance=tolerance)


def mask(question: str) -> tuple[str, tuple[str, ...]]:
    """The question with `number0`, `number1`, ... for its numbers, and the numbers without thousands separators.

    Raises:
        Refused: a word has digits but is no number, or the text has a `number0` of its own.
    """
    numbers: list[str] = []
    words = question.split()
    for place, word in enumerate(words):
        if re.fullmatch(_NUMBER, word):
            words[place] = f"number{len(numbers)}"
            numbers.append(word.replace(",", ""))
        elif any(character.isdigit() for character in word):
            raise Refused(f"unreadable number: {word[:40]!r}")
    return " ".join(words), tuple(numbers)


def prefix_of_program(program: str, numbers: Sequence[str], constants: set[Fraction]) -> str:
    """A program such as `divide(90, subtract(1, divide(2, 3)))` in prefix form, its numbers found in the question.

    A value that the question has more than once means its first place that the program has not used yet.

    Raises:
        Refused: an unknown operation, a wrong number of arguments, a value from nowhere, or none from the question.
    """
    compact = "".join(program.split())
    tokens = _TOKEN.findall(compact)
    if "".join(tokens) != compact:
        raise Refused(f"unreadable program: {compact[:60]!r}")
    free = [parse_decimal(number) for number in numbers]
    used: dict[Fraction, list[int]] = {}
    prefix = []
    for token in tokens:
        if token in ("(", ")", ","):
            continue
        if not token[0].isdigit():
            if token not in OPERATORS:
                raise Refused(f"unknown operation: {token[:40]}")
            prefix.append(OPERATORS[token])
            continue
        value = parse_decimal(token)
        places = [index for index, number in enumerate(free) if number == value]
        taken = used.setdefault(value, [])
        if places:
            taken.append(next((index for index in places if index not in taken), places[0]))
            prefix.append(f"number{taken[-1]}")
        elif value in constants:
            prefix.append(token)
        else:
            raise Refused(f"value from nowhere: {token[:40]} is neither in the question nor a stated constant")
    if not any(used.values()):
        raise Refused("no quantity: the program uses no number of the question")
    text = " ".join(prefix)
    try:
        expression = parse_prefix(text)
    except Refused as error:
        raise Refused(f"unreadable program: {error.reason}") from None
    # prefix form has no brackets: those of the program must have said the same
    if _shape(expression) != _LITERAL.sub("_", compact):
        raise Refused(f"unreadable program: {compact[:60]!r}")
    return text


def read_choice(choice: str) -> tuple[Fraction, Fraction]:
    """The value of a choice such as `rs . 450`, `$ . 80`, `2 / 3` or `3 : 4`, and half a unit of its last digit.

    A point in front belongs to the number, unless it ends a word.

    Raises:
        Refused: no number, more than one, or a denominator of 0.
    """
    found = _CHOICE.fullmatch(choice)
    if found is None:
        raise Refused(f"unreadable choice: {choice[:40]!r}")
    first = found["first"].replace(",", "")
    if found["point"] and first.isdigit() and not any(character.isalpha() for character in found["before"]):
        first = f"0.{first}"
    value = parse_decimal(first)
    tolerance = Fraction(1, 2 * 10 ** len(first.partition(".")[2]))
    if found["second"]:
        divisor = parse_decimal(found["second"].replace(",", ""))
        if divisor == 0:
            raise Refused(f"unreadable choice: {choice[:40]!r}")
        value, tolerance = value / divisor, Fraction(0)
    return (-value if found["sign"] else value), tolerance


def masked_numbers(question: str) -> list[str]:
    """The `number0`, `number1`, ... of a question, each once, in order of appearance."""
    return list(dict.fromkeys(_MASK.findall(question)))


def without_numbers(question: str) -> str:
    """The question with the same sign for every number."""
    return _MASK.sub("0", question)


def _shape(expression: Expression) -> str:
    """The expression as a program with `_` for every leaf."""
    if isinstance(expression, Operation):
        return f"{_NAMES[expression.op]}({_shape(expression.left)},{_shape(expression.right)})"
    return "_"
