"""Problems and arithmetic tasks as their suites look at them: every answer worked out again, splits compared.

Rows of `selfsown.arithmetic.PROBLEM`; the thresholds come from `params.yaml`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import pandas as pd
import pyarrow as pa
from pydantic import Field

from selfsown.arithmetic import (
    Constant,
    Expression,
    Number,
    Refused,
    evaluate,
    operators,
    parse_decimal,
    parse_prefix,
    parse_value,
    print_value,
    walk,
)
from selfsown.params import Params, Range
from selfsown.quality.expectations import absent, between, count_rows, expect, filled, one_of, unique, where

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation

_MASK = re.compile(r"number[0-9]+")
_parse = lru_cache(maxsize=1 << 14)(parse_prefix)  # tasks have a few thousand different equations


class ProblemLimits(Params):
    """Thresholds of word problems; numbers are those of the question and the answer."""

    min_rows: int = Field(ge=1)
    min_test_rows: int = Field(ge=1)
    numbers: Range


class TaskLimits(Params):
    """Thresholds of generated tasks."""

    min_rows: int = Field(ge=1)
    numbers: Range
    max_step_deviation: float = Field(ge=0, description="rows off the closed form, as a share of all")
    distractor_rate: Range = Field(description="share of tasks with numbers nobody needs")
    letter_rate: Range = Field(description="share of the known numbers of an equation that are named before it")


def problem_frame(table: pa.Table) -> pd.DataFrame:
    """The scalar columns, and what is worked out of each row.

    `fault`: why the row does not hold, missing where it does. `smallest`, `largest`: of its numbers and answer.
    `distractors`: whether the equation leaves numbers out. `letters`: share of the equation's numbers that the
    question names before it. `shared_group`, `shared_program`: splits and what is on all of them; missing elsewhere.
    """
    frame = table.drop_columns(["numbers"]).to_pandas()
    frame["values"] = [" ".join(numbers) for numbers in table["numbers"].to_pylist()]
    rows = zip(
        frame["question"], table["numbers"].to_pylist(), frame["equation"], frame["answer"], frame["steps"],
        frame["operators"], strict=True
    )  # fmt: skip
    worked = pd.DataFrame([_work(*row) for row in rows], columns=_WORKED, index=frame.index)
    frame = pd.concat([frame, worked], axis=1)
    frame["shared_group"] = _shared(frame, "group")
    frame["shared_program"] = _shared(frame, "program")
    return frame


_WORKED = ["fault", "program", "smallest", "largest", "distractors", "letters"]


def _work(
    question: str, texts: Sequence[str], equation: str, answer: str, steps: int, signs: str
) -> tuple[str | None, str | None, float, float, float, float]:
    nothing = float("nan")
    try:
        numbers = [parse_decimal(text) for text in texts]
        expression = _parse(equation)
        value, stated = evaluate(expression, numbers), parse_value(answer)
    except (Refused, AttributeError, TypeError) as error:  # the others: a value is missing
        return f"cannot be worked out: {error}", None, nothing, nothing, nothing, nothing
    fault = None
    words = question.split()
    if value != stated:
        fault = f"wrong answer: {answer}, the equation gives {print_value(value)}"
    elif operators(expression) != signs or len(signs) != steps:
        fault = f"wrong steps: {steps} as {signs!r}, the equation has {operators(expression)!r}"
    elif list(dict.fromkeys(_MASK.findall(question))) != [f"number{index}" for index in range(len(texts))]:
        fault = f"wrong number of numbers: {len(texts)}, the question names others or in another order"
    values = [float(number) for number in (*numbers, stated)]
    used = len({part.index for part in walk(expression) if isinstance(part, Number)})
    unused = len(texts) - used
    clauses = words.count(".") - 1  # the last one ends the equation
    letters = (clauses - unused) / used if used else nothing
    return fault, _program(expression, texts), min(values), max(values), float(unused > 0), letters


def _program(expression: Expression, texts: Sequence[str]) -> str:
    """The equation with its values, the operands of + and * in a fixed order."""
    if isinstance(expression, Constant):
        return print_value(expression.value)
    if isinstance(expression, Number):
        return texts[expression.index]
    left, right = _program(expression.left, texts), _program(expression.right, texts)
    if expression.op in "+*" and right < left:
        left, right = right, left
    return f"({left} {expression.op} {right})"


def _shared(frame: pd.DataFrame, column: str) -> pd.Series[str]:
    """Splits and value for each row whose value in `column` stands on more than one split."""
    splits: defaultdict[object, set[str]] = defaultdict(set)
    for value, split in zip(frame[column], frame["split"], strict=True):
        splits[value].add(str(split))
    rows = [
        f"{', '.join(sorted(splits[value]))}: {value}" if isinstance(value, str) and len(splits[value]) > 1 else None
        for value in frame[column]
    ]
    return pd.Series(rows, index=frame.index, dtype=object)


def tasks(limits: TaskLimits, expected_steps: Mapping[int, float], rows: int) -> list[Expectation]:
    """Generated tasks: `expected_steps` is how many of the `rows` have so many steps, by the closed form."""
    slack = limits.max_step_deviation * rows + 1
    return [
        *_sound(limits.min_rows, limits.numbers),
        *one_of("split", ("train", "dev")),
        *(count_rows(1, f"split {split!r}", where("split") == split) for split in ("train", "dev")),
        expect(
            "CompoundColumnsToBeUnique",
            column_list=["question", "values"],
            notes="a task must stand once, on one split",
        ),
        absent("shared_program", "no equation with its values may be worked out on both splits"),
        *(
            expect(
                "TableRowCountToBeBetween",
                min_value=max(0, round(count - slack)),
                max_value=round(count + slack),
                row_condition=where("steps") == steps,
                notes="the step histogram must be that of the difficulty",
                description=f"tasks of {steps} steps: {count:.0f} by the closed form",
            )
            for steps, count in expected_steps.items()
        ),
        _mean("distractors", limits.distractor_rate, "share of tasks with numbers nobody needs"),
        _mean("letters", limits.letter_rate, "share of known numbers that have a letter"),
    ]


def problems(limits: ProblemLimits) -> list[Expectation]:
    """Word problems: sound rows, test rows enough, nothing of one group on two splits."""
    return [
        *_sound(limits.min_rows, limits.numbers),
        *one_of("split", ("train", "dev", "test")),
        count_rows(limits.min_test_rows, "split 'test'", where("split") == "test"),
    ]


def _sound(min_rows: int, numbers: Range) -> list[Expectation]:
    return [
        count_rows(min_rows, "the product"),
        *unique("id"),
        *filled("question"),
        *filled("group"),
        absent("fault", "every equation must be readable and give its answer"),
        *between("smallest", numbers.low, None, "a number or answer too small"),
        *between("largest", None, numbers.high, "a number or answer too large"),
        absent("shared_group", "rows of one group must be on one split: the test would leak"),
    ]


def _mean(column: str, allowed: Range, notes: str) -> Expectation:
    return expect("ColumnMeanToBeBetween", column=column, min_value=allowed.low, max_value=allowed.high, notes=notes)
