"""Examples that a rule carries with it: what it is meant to do, beside the rule. A test runs them all."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

F = TypeVar("F", bound=Callable[..., Any])

EXAMPLES: list[tuple[Callable[..., Any], tuple[Any, ...], Any]] = []
"""(function, arguments, expected result) of every example of every rule that has been imported."""


def examples(*cases: tuple[Any, ...]) -> Callable[[F], F]:
    """Attach cases `(*arguments, expected)` to a function."""

    def attach(function: F) -> F:
        EXAMPLES.extend((function, case[:-1], case[-1]) for case in cases)
        return function

    return attach
