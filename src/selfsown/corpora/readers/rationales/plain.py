"""Problems with an answer and no reasoning, to test on: MAWPS, ASDiv-A, SVAMP.

They are word problems as `selfsown.corpora.readers.word_problems` reads them, their masks filled with their numbers.
The stated program must give the stated answer, which its files round.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

from selfsown.arithmetic import Refused, evaluate, parse_decimal, parse_prefix, print_prefix, print_value
from selfsown.corpora.readers import word_problems
from selfsown.corpora.readers.rationales.worked import Worked
from selfsown.reasoning.rationale import filled

SETS = ("asdiv-a", "mawps", "svamp")


def read(source: str, folder: Path, tolerance: Fraction) -> Iterator[Worked]:
    """The test problems of a set; `tolerance` is of its answers."""
    for problem in word_problems.read(source, folder, (), tolerance):
        if problem.split == "test":
            yield Worked(problem.id, source, reason=problem.reason) if problem.reason else _worked(problem)


def _worked(problem: word_problems.WordProblem) -> Worked:
    named = word_problems.masked_numbers(problem.question)
    if named != [f"number{index}" for index in range(len(problem.numbers))]:
        reason = f"wrong number of numbers: {len(problem.numbers)} given, masked are {' '.join(named) or 'none'}"
        return Worked(problem.id, problem.source, problem.question, reason=reason)
    try:
        numbers = [parse_decimal(number) for number in problem.numbers]
        equation = parse_prefix(problem.equation)
        value = evaluate(equation, numbers)
        if abs(value - problem.answer) > problem.tolerance:
            given, stated = print_value(value), print_value(problem.answer)
            raise Refused(f"it gives {given}, stated is {stated}")
        printed = print_prefix(equation)
    except Refused as error:
        return Worked(problem.id, problem.source, problem.question, reason=f"wrong equation: {error.reason}")
    plain = tuple(map(print_value, numbers))
    return Worked(
        id=problem.id,
        source=problem.source,
        question=filled(problem.question, plain),
        answer=value,
        masked=problem.question,
        numbers=plain,
        equation=printed,
    )
