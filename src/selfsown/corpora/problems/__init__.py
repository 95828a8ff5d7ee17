"""Math word problems: question with its numbers masked, equation in prefix form, exact answer.

sets of problems, questions that are held out -> rows of `selfsown.arithmetic.PROBLEM`.

Every equation is executed and must give the answer that the source states. Where a set has no splits of its own,
near-duplicates are grouped (their numbers do not count) and no group is torn. Published splits and folds stay as they
are: a row with a fold is tested in that fold and trained on in the others, so it is stored once. A set that is made
from templates is split by template. Every row that is dropped is in `rejected.parquet` with its reason.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from functools import partial
from pathlib import Path

import pyarrow as pa
from pydantic import Field, field_validator

from selfsown.arithmetic import (
    PROBLEM,
    Expression,
    Number,
    Refused,
    evaluate,
    operators,
    parse_decimal,
    parse_prefix,
    print_prefix,
    print_value,
    read_questions,
    walk,
)
from selfsown.corpora.problems import stories, symbolic
from selfsown.corpora.problems.templates import Split, StorySplits, TemplateSplits
from selfsown.corpora.readers.word_problems import SETS, WordProblem, masked_numbers, read, without_numbers
from selfsown.errors import UserError
from selfsown.params import Range, check_known
from selfsown.products import REJECTED, CardInfo, joined, losses
from selfsown.shards import with_reason, write_product
from selfsown.shards.seeds import rank
from selfsown.sources import describe, fetch
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.text.written.normal import normalize_for_comparison
from selfsown.text.written.overlap import near_groups

ROWS_PER_SHARD = 20_000
MADE = (stories.SOURCE, symbolic.SOURCE)
"""The sets that are made from templates."""


class ProblemsParams(StageParams):
    """Section `corpora.problems`."""

    data_seed: int = Field(ge=0)
    sets: tuple[str, ...] = Field(min_length=1, description=f"of {', '.join((*MADE, *SETS))}")
    stories: StorySplits
    gsm_symbolic: TemplateSplits
    rows: dict[Split, int | None] = Field(
        description="split: rows wanted of a set without splits of its own, filled in this order; null takes the rest"
    )
    constants: tuple[str, ...] = Field(
        description="what a program of bigbench-elementary-math or gsm-symbolic may use beside its numbers"
    )
    steps: Range = Field(description="operators in the equation, of a set without splits of its own")
    quantities: Range = Field(description="numbers in the question, of such a set")
    tolerance: float = Field(ge=0, description="of answers that a source states rounded; the papers' code allows 0.01")
    near_duplicate: float = Field(gt=0, le=1, description="Jaccard overlap of character 3-grams")

    @field_validator("sets")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        check_known(names, (*MADE, *SETS))
        return names

    @field_validator("constants")
    @classmethod
    def _decimals(cls, constants: tuple[str, ...]) -> tuple[str, ...]:
        for constant in constants:
            parse_decimal(constant)
        return constants


@dataclass(frozen=True)
class Judged:
    """A problem with the operators and the value of its equation, both empty where it was dropped."""

    problem: WordProblem
    operators: str = ""
    value: Fraction | None = None
    group: str = ""

    @property
    def dropped(self) -> bool:
        """Whether the row is kept out of the product."""
        return bool(self.problem.reason)


@stage()
def problems(params: ProblemsParams, *, questions: In, corpus: Out) -> Metrics:
    """Make the problems product; no story gives one of the `questions` away.

    Raises:
        UserError: a set cannot be read, or no problem of it is left.
    """
    judged: list[Judged] = []
    for source in params.sets:
        found = _found(source, params, questions)
        rows = grouped(refuse_repeats([judge(problem, params) for problem in found]), params.near_duplicate)
        judged += assign(rows, params.rows, params.data_seed)
    kept = [row for row in judged if not row.dropped]
    dropped = [row for row in judged if row.dropped]
    origins = [describe(source) for source in params.sets if source != stories.SOURCE]
    credits = [stories.CREDITS] * (stories.SOURCE in params.sets) + [origin.credits for origin in origins]
    write_product(
        corpus,
        [_table(kept[start : start + ROWS_PER_SHARD]) for start in range(0, max(1, len(kept)), ROWS_PER_SHARD)],
        schema=PROBLEM,
        card=CardInfo(
            name="corpora/problems",
            **joined(credits),
            seed=params.data_seed,
            note=" ".join(origin.note for origin in origins),
        ),
        rejected=with_reason(_table(dropped), [row.problem.reason for row in dropped]),
    )
    for source in sorted(set(params.sets) - {row.problem.source for row in kept}):
        reasons = Counter(row.problem.reason.partition(":")[0] for row in dropped if row.problem.source == source)
        raise UserError(
            f"corpora.problems: no problem of {source!r} is left. Refused: {losses(reasons)}.\n"
            f"  rows with their reasons: {corpus / REJECTED}"
        )
    return _counts(judged)


def _found(source: str, params: ProblemsParams, questions: Path) -> Iterable[WordProblem]:
    """The problems of a set, as they are read or made."""
    if source == stories.SOURCE:
        held_out = [question.text for question in read_questions(questions)]
        return stories.stories(params.stories, held_out, params.data_seed)
    if source == symbolic.SOURCE:
        constants = {parse_decimal(constant) for constant in params.constants}
        return symbolic.symbolic(fetch(source), params.gsm_symbolic, constants, params.data_seed)
    return read(source, fetch(source), params.constants, Fraction(str(params.tolerance)))


def judge(problem: WordProblem, params: ProblemsParams) -> Judged:
    """Execute the equation; the row is dropped if it is not sound or does not give the stated answer."""
    if problem.reason:
        return Judged(problem)
    try:
        numbers = [parse_decimal(number) for number in problem.numbers]
        expression = parse_prefix(problem.equation)
    except Refused as error:
        return Judged(replace(problem, reason=f"unreadable equation: {error.reason}"))
    if reason := _misfit(problem, expression, params):
        return Judged(replace(problem, reason=reason))
    try:
        value = evaluate(expression, numbers)
    except Refused as error:
        return Judged(replace(problem, reason=f"not executable: {error.reason}"))
    if abs(value - problem.answer) > problem.tolerance:
        stated, given = print_value(problem.answer), print_value(value)
        return Judged(replace(problem, reason=f"wrong answer: the equation gives {given}, stated is {stated}"))
    plain = tuple(print_value(number) for number in numbers)
    return Judged(replace(problem, numbers=plain, equation=print_prefix(expression)), operators(expression), value)


def _misfit(problem: WordProblem, expression: Expression, params: ProblemsParams) -> str:
    """Why question, numbers and equation do not fit each other or the limits, or an empty text."""
    count, steps, masked = len(problem.numbers), len(operators(expression)), masked_numbers(problem.question)
    if masked != [f"number{index}" for index in range(count)]:
        return f"wrong number of numbers: {count} given, masked are {' '.join(masked) or 'none'}"
    if problem.split:  # such a set is taken whole: its test rows are those that others report on
        return ""
    if not params.quantities.low <= count <= params.quantities.high:
        return f"quantities: {count}, allowed {params.quantities.low:g} to {params.quantities.high:g}"
    if not params.steps.low <= steps <= params.steps.high:
        return f"steps: {steps}, allowed {params.steps.low:g} to {params.steps.high:g}"
    if not any(isinstance(part, Number) for part in walk(expression)):
        return "no quantity: the equation uses no number of the question"
    return ""


def refuse_repeats(rows: Sequence[Judged]) -> list[Judged]:
    """Of equal questions with equal numbers the first is kept, in a set that is not published as it is."""
    first: dict[tuple[str, ...], str] = {}
    result = []
    for row in rows:
        problem = row.problem
        if not row.dropped and (problem.group or not problem.split):
            same = first.setdefault((normalize_for_comparison(problem.question), *problem.numbers), problem.id)
            if same != problem.id:
                row = replace(row, problem=replace(problem, reason=f"duplicate: of {same}"))
        result.append(row)
    return result


def grouped(rows: Sequence[Judged], near_duplicate: float) -> list[Judged]:
    """Near-duplicates share a group, their numbers apart; where a set has splits, only those within one split.

    What a set itself says belongs together, as a template's problems do, stays so.
    """
    forms = [normalize_for_comparison(without_numbers(row.problem.question)) for row in rows]
    splits = {row.problem.split for row in rows if _alone(row)}
    leaders = {
        split: near_groups(
            (form for form, row in zip(forms, rows, strict=True) if _alone(row) and row.problem.split == split),
            near_duplicate,
        )
        for split in splits
    }
    result = []
    for form, row in zip(forms, rows, strict=True):
        if not row.dropped:
            own = row.problem.group or f"{row.problem.split}:{leaders[row.problem.split][form]}"
            row = replace(row, group=hashlib.sha256(f"{row.problem.source}:{own}".encode()).hexdigest()[:16])
        result.append(row)
    return result


def _alone(row: Judged) -> bool:
    """Whether nobody says what the row belongs together with."""
    return not (row.dropped or row.problem.group)


def assign(rows: Sequence[Judged], wanted: Mapping[Split, int | None], seed: int) -> list[Judged]:
    """Give each group without a split the first one, in the order of `wanted`, that has room left for all of it.

    Groups come in the order of a hash of `seed` and their name. What no split takes is dropped, with that reason.
    """
    groups: defaultdict[str, list[int]] = defaultdict(list)
    for index, row in enumerate(rows):
        if not row.dropped and not row.problem.split:
            groups[row.group].append(index)
    room = {split: len(rows) if count is None else count for split, count in wanted.items()}
    result = list(rows)
    for group in sorted(groups, key=partial(rank, seed)):
        members = groups[group]
        split = next((split for split, left in room.items() if len(members) <= left), None)
        if split is not None:
            room[split] -= len(members)
        for index in members:
            problem = rows[index].problem
            reason = "" if split else f"limit: no split has room for its group of {len(members)}"
            result[index] = replace(rows[index], problem=replace(problem, split=split or "", reason=reason))
    return result


def _table(rows: Sequence[Judged]) -> pa.Table:
    return pa.Table.from_pylist([_row(row) for row in rows], PROBLEM)


def _row(row: Judged) -> dict[str, object]:
    problem = row.problem
    return {
        "id": problem.id,
        "question": problem.question,
        "numbers": list(problem.numbers),
        "equation": problem.equation,
        "answer": print_value(problem.answer if row.value is None else row.value),
        "steps": len(row.operators),
        "operators": row.operators,
        "group": row.group,
        "fold": problem.fold,
        "source": problem.source,
        "split": problem.split,
    }


def _counts(rows: Sequence[Judged]) -> dict[str, float]:
    """Rows and groups by set and split, rejected rows by set and reason; `yield` is the share of a set that is kept."""
    counts: Counter[str] = Counter()
    groups: defaultdict[str, set[str]] = defaultdict(set)
    for row in rows:
        source, split, reason = row.problem.source, row.problem.split, row.problem.reason
        if row.dropped:
            counts[f"{source}_rejected_{reason.partition(':')[0].replace(' ', '_')}"] += 1
        else:
            counts[f"{source}_{split}"] += 1
            groups[f"{source}_{split}_groups"].add(row.group)
    kept = Counter(row.problem.source for row in rows if not row.dropped)
    total = Counter(row.problem.source for row in rows)
    yields = {f"{source}_yield": kept[source] / total[source] for source in total}
    return {**counts, **{name: len(members) for name, members in groups.items()}, **yields}
