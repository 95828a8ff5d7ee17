"""Sets of problems by name: which rows of a `PROBLEM` product a set is tested on, and which may be learnt from."""

from __future__ import annotations

import re
from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from selfsown.errors import UserError

FOLD = re.compile(r"(?P<source>.+)-fold(?P<fold>\d+)")


class ProblemSet(NamedTuple):
    """Problems of one source; `fold`: which fold is the test, None where the source has one test split."""

    source: str
    fold: int | None


def parse_set(name: str) -> ProblemSet:
    """What the name of a set means.

    >>> parse_set("svamp"), parse_set("asdiv-a-fold2")
    (ProblemSet(source='svamp', fold=None), ProblemSet(source='asdiv-a', fold=2))
    """
    match = FOLD.fullmatch(name)
    return ProblemSet(match["source"], int(match["fold"])) if match else ProblemSet(name, None)


def set_rows(problems: pa.Table, name: str, test: bool) -> pa.Table:
    """The test rows of a set, by id, or all its others.

    Raises:
        UserError: there are none.
    """
    source, fold = parse_set(name)
    is_test = pc.field("split") == "test" if fold is None else pc.field("fold") == fold
    rows = problems.filter(pc.field("source") == source).filter(is_test if test else ~is_test).sort_by("id")
    if not rows.num_rows:
        what = "test" if test else "training"
        known = ", ".join(sorted(set(problems["source"].to_pylist())))
        raise UserError(f"{name!r}: the problems have no {what} row of it; they are of {known}")
    return rows
