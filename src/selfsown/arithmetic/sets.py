"""Sets of problems by name: which rows of a `PROBLEM` product a set is tested on, and which may be learnt from.

`stories+gsm-symbolic+plain` is three sets that one solver learns from together and is asked one by one.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from selfsown.errors import UserError

QUESTIONS = "plain"
"""The set of questions in plain English (`read_questions`): no product has a row of it, and nothing learns from it."""

FOLD = re.compile(r"(?P<source>.+)-fold(?P<fold>\d+)")


class ProblemSet(NamedTuple):
    """Problems of one source; `fold`: which fold is the test, None where the source has one test split."""

    source: str
    fold: int | None


def members(name: str) -> tuple[str, ...]:
    """The sets that a name joins.

    >>> members("stories+plain"), members("svamp")
    (('stories', 'plain'), ('svamp',))
    """
    return tuple(name.split("+"))


def parse_set(name: str) -> ProblemSet:
    """What the name of a single set means.

    >>> parse_set("svamp"), parse_set("asdiv-a-fold2")
    (ProblemSet(source='svamp', fold=None), ProblemSet(source='asdiv-a', fold=2))
    """
    match = FOLD.fullmatch(name)
    return ProblemSet(match["source"], int(match["fold"])) if match else ProblemSet(name, None)


def set_rows(problems: pa.Table, name: str, test: bool) -> pa.Table:
    """The test rows of a set, by id, or all its others; of joined sets those of all, of which some are for tests alone.

    Raises:
        UserError: a set of a product has none, or nothing is left to learn from.
    """
    found = [_rows(problems, member, test) for member in members(name) if member != QUESTIONS]
    if not sum(rows.num_rows for rows in found):
        raise UserError(f"{name!r}: nothing learns from these questions; join them to a set: 'stories+{name}'")
    return pa.concat_tables(found).sort_by("id")


def _rows(problems: pa.Table, name: str, test: bool) -> pa.Table:
    source, fold = parse_set(name)
    is_test = pc.field("split") == "test" if fold is None else pc.field("fold") == fold
    own = problems.filter(pc.field("source") == source)
    rows = own.filter(is_test if test else ~is_test)
    if not own.num_rows or (test and not rows.num_rows):
        known = ", ".join(sorted(set(problems["source"].to_pylist())))
        raise UserError(f"{name!r}: the problems have no {'test ' * test}row of it; they are of {known}")
    return rows
