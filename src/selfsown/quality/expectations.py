"""Expectations that the suites of several pipelines are made of.

Every expectation carries a note: the rule in words, shown in the error and in the Data Docs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from great_expectations.expectations.expectation import Expectation


def expect(kind: str, **arguments: Any) -> Expectation:
    """The expectation `Expect<kind>` of Great Expectations, which takes seconds to import: not before it is needed."""
    import great_expectations.expectations

    made: Expectation = getattr(great_expectations.expectations, f"Expect{kind}")(**arguments)
    return made


def where(column: str) -> Any:
    """A column to compare with `==`, `!=`, ...: rows that an expectation looks at."""
    from great_expectations.expectations.row_conditions import Column

    return Column(column)


def unique(column: str, notes: str = "ids must be unique") -> list[Expectation]:
    """A value must be there, and stand once."""
    return [*filled(column), expect("ColumnValuesToBeUnique", column=column, notes=notes)]


def absent(column: str, notes: str) -> Expectation:
    """No row has a value: the column holds faults."""
    return expect("ColumnValuesToBeNull", column=column, notes=notes)


def filled(column: str, condition: Any = None) -> list[Expectation]:
    """No value is missing, of the rows that the condition lets through."""
    return [expect("ColumnValuesToNotBeNull", column=column, row_condition=condition, notes="a value is missing")]


def count_rows(minimum: int, of: str, condition: Any = None) -> Expectation:
    """At least `minimum` rows; described by us, as Great Expectations does not show the condition of a row count."""
    words = f"too few rows: {of}"
    return expect(
        "TableRowCountToBeBetween",
        min_value=minimum,
        row_condition=condition,
        notes=words,
        description=f"{of}: at least {minimum} rows",
    )


def one_of(column: str, allowed: tuple[str, ...]) -> list[Expectation]:
    """A value must be there, and be one of those allowed."""
    return [
        *filled(column),
        expect(
            "ColumnValuesToBeInSet", column=column, value_set=list(allowed), notes=f"known values: {', '.join(allowed)}"
        ),
    ]


def between(
    column: str,
    low: float | None,
    high: float | None,
    notes: str,
    *,
    strict_min: bool = False,
    condition: Any = None,
) -> list[Expectation]:
    """A number must be there (NaN counts as missing) and in range, in the rows that the condition lets through."""
    return [
        *filled(column, condition),
        expect(
            "ColumnValuesToBeBetween",
            column=column,
            min_value=low,
            max_value=high,
            strict_min=strict_min,
            row_condition=condition,
            notes=notes,
        ),
    ]
