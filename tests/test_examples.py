"""Every example beside a rule or in a docstring says what the code does."""

import doctest
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import selfsown
from selfsown.examples import EXAMPLES

PACKAGE = Path(selfsown.__file__).parent


def modules_with(mark: str) -> list[str]:
    files = [file for file in sorted(PACKAGE.rglob("*.py")) if mark in file.read_text()]
    places = [file.relative_to(PACKAGE.parent).with_suffix("").parts for file in files]
    return [".".join(place).removesuffix(".__init__") for place in places]


for name in modules_with("\n@examples("):
    import_module(name)


@pytest.mark.parametrize(
    ("rule", "arguments", "expected"), EXAMPLES, ids=lambda value: getattr(value, "__name__", None)
)
def test_a_rule_does_what_its_example_says(rule: Any, arguments: tuple[Any, ...], expected: Any) -> None:
    assert rule(*arguments) == expected


@pytest.mark.parametrize("name", modules_with("\n    >>> "))
def test_examples_in_docstrings(name: str) -> None:
    found = doctest.testmod(import_module(name))
    assert found.failed == 0 and found.attempted > 0
