"""Questions with answers, some with rationales: what models learn to reason from, and what they are tested on.

sets of problems -> rows of `selfsown.reasoning.rationale.RATIONALE`.

Every line that a rationale calculates is executed again. Where a set has no splits of its own they are drawn by seed.
Tests are filled first: a question that has the same numbers as one of dev, test or unseen, and says nearly the same, is
neither labelled nor in the pool. The pool has answers alone: its rationales, programs and numbers of steps are left
out. Every problem that is dropped is in `rejected.parquet` with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from fractions import Fraction
from functools import partial

import pyarrow as pa
from pydantic import Field, field_validator

from selfsown.arithmetic import Refused, find_annotations, parse_decimal, print_value
from selfsown.corpora.rationales.sets import ProblemSet, TestSet, supply
from selfsown.corpora.rationales.twins import Twins
from selfsown.corpora.readers.rationales.program import mask, program
from selfsown.corpora.readers.rationales.worked import Split, Worked
from selfsown.params import Range
from selfsown.products import CardInfo, joined
from selfsown.reasoning.rationale import LEARNT, RATIONALE, Form, in_form
from selfsown.shards import with_reason, write_product
from selfsown.sources import describe
from selfsown.stage import Metrics, Out, StageParams, stage

EVALUATION: tuple[Split, ...] = ("test", "unseen", "dev")
"""Splits that no model learns from; they are filled first."""

ROWS_PER_SHARD = 20_000


class RationalesParams(StageParams):
    """Section `corpora.rationales`."""

    data_seed: int = Field(ge=0)
    form: Form = Field(description="of calculator annotations; brackets for vocabularies without <, such as T5's")
    sets: tuple[ProblemSet, ...] = Field(min_length=1)
    steps: Range = Field(description="annotations of a rationale; sets of kind test are taken whole")
    quantities: Range = Field(description="numbers in the question, likewise")
    constants: tuple[str, ...] = Field(description="what a program may use beside the numbers of its question")
    tolerance: float = Field(ge=0, description="of answers that a source states rounded")
    near_duplicate: float = Field(gt=0, le=1, description="overlap (Jaccard) from which two questions say the same")

    @field_validator("sets")
    @classmethod
    def _different(cls, sets: tuple[ProblemSet, ...]) -> tuple[ProblemSet, ...]:
        if again := [name for name, times in Counter(one.source for one in sets).items() if times > 1]:
            raise ValueError(f"{again[0]!r} stands twice")
        return sets

    @field_validator("constants")
    @classmethod
    def _decimals(cls, constants: tuple[str, ...]) -> tuple[str, ...]:
        for constant in constants:
            parse_decimal(constant)
        return constants


@stage()
def rationales(params: RationalesParams, *, corpus: Out) -> Metrics:
    """Make the rationales product.

    Raises:
        UserError: a source cannot be read, or has too few problems.
    """
    whole = [isinstance(wanted, TestSet) for wanted in params.sets]
    supplies = [
        supply(
            wanted,
            partial(judge, params=params, whole=taken_whole),
            tolerance=Fraction(str(params.tolerance)),
            near_duplicate=params.near_duplicate,
            seed=params.data_seed,
        )
        for wanted, taken_whole in zip(params.sets, whole, strict=True)
    ]
    taken = _Taken(params.near_duplicate)
    for splits in (EVALUATION, LEARNT):
        for found, taken_whole in zip(supplies, whole, strict=True):
            for split in splits:
                found.fill(split, taken.always if taken_whole else taken.unless_known)
    dropped = taken.dropped + [problem for found in supplies for problem in found.refused()]
    origins = [describe(wanted.source) for wanted in params.sets]
    kept = taken.kept
    write_product(
        corpus,
        [
            _table(kept[start : start + ROWS_PER_SHARD], params.form)
            for start in range(0, max(1, len(kept)), ROWS_PER_SHARD)
        ],
        schema=RATIONALE,
        card=CardInfo(
            name="corpora/rationales",
            **joined(origin.credits for origin in origins),
            seed=params.data_seed,
            note=" ".join(["Splits labelled, pool (answers alone), dev, test, unseen.", *(o.note for o in origins)]),
        ),
        rejected=with_reason(_table(dropped, params.form), [problem.reason for problem in dropped]),
    )
    return _counts(kept, dropped)


class _Taken:
    """The problems that were taken, none of them the twin of another but in test sets that are taken whole."""

    def __init__(self, near_duplicate: float) -> None:
        self._twins = Twins(near_duplicate)
        self.kept: list[Worked] = []
        self.dropped: list[Worked] = []

    def always(self, problem: Worked) -> bool:
        self._twins.add(problem)
        self.kept.append(problem)
        return True

    def unless_known(self, problem: Worked) -> bool:
        twin = self._twins.find(problem)
        if twin is None:
            return self.always(problem)
        leak = problem.split in LEARNT and twin.split in EVALUATION
        self.dropped.append(replace(problem, reason=f"{'held out' if leak else 'duplicate'}: as {twin.id}"))
        return False


def judge(problem: Worked, params: RationalesParams, whole: bool) -> Worked:
    """The problem with its masked question, its numbers and its program; dropped if it does not fit the limits.

    Args:
        whole: it is of a test set that is taken whole, whatever the limits.
    """
    if problem.reason:
        return problem
    if not problem.masked:
        masked = mask(problem.question)
        constants = {parse_decimal(constant) for constant in params.constants}
        equation = program(problem.rationale, masked, problem.answer, constants)
        problem = replace(problem, masked=masked.text, numbers=masked.numbers, equation=equation)
    count, steps = len(problem.numbers), _steps(problem)
    if whole:
        return problem
    if not params.quantities.low <= count <= params.quantities.high:
        return replace(problem, reason=f"quantities: {count}, allowed {_span(params.quantities)}")
    if problem.rationale and not params.steps.low <= steps <= params.steps.high:
        return replace(problem, reason=f"steps: {steps}, allowed {_span(params.steps)}")
    return problem


def _steps(problem: Worked) -> int:
    try:
        return len(find_annotations(problem.rationale))
    except Refused:  # of a test that is taken as it is
        return 0


def _span(allowed: Range) -> str:
    return f"{allowed.low:g} to {allowed.high:g}"


def _table(problems: Sequence[Worked], form: Form) -> pa.Table:
    return pa.Table.from_pylist([_row(problem, form) for problem in problems], RATIONALE)


def _row(problem: Worked, form: Form) -> dict[str, object]:
    hidden = problem.split == "pool"
    return {
        "id": problem.id,
        "question": problem.question,
        "rationale": "" if hidden else in_form(problem.rationale, form),
        "answer": print_value(problem.answer),
        "masked": problem.masked,
        "numbers": list(problem.numbers),
        "equation": "" if hidden else problem.equation,
        "steps": 0 if hidden else _steps(problem),
        "group": problem.group,
        "source": problem.source,
        "split": problem.split,
    }


def _counts(kept: Collection[Worked], dropped: Collection[Worked]) -> dict[str, float]:
    """Rows and groups by set and split, rows with a program by set, dropped rows by set and reason."""
    counts = Counter(f"{problem.source}_{problem.split}" for problem in kept)
    counts.update(f"{problem.source}_programs" for problem in kept if problem.equation and problem.split != "pool")
    counts.update(
        f"{problem.source}_rejected_{problem.reason.partition(':')[0].replace(' ', '_')}" for problem in dropped
    )
    groups = Counter(f"{source}_{split}_groups" for source, split, _ in {(p.source, p.split, p.group) for p in kept})
    return {**counts, **groups}
