"""GSM-Symbolic: templates of grade-school problems, each an endless supply, with the reasoning that solves them.

The templates are a part of the package reasoning-gym, which cannot be installed with this project: it needs a dozen
small packages for its other tasks, one of which is built by a C compiler. So it is a source like any other, pinned by
its sha256, and the two modules of templates are imported from the fetched folder. They need one more module of the
package and the standard library. The package's own `__init__` files, which import everything, are not run: empty
modules stand in their place during the import and are taken away afterwards.

A problem follows from its template's number and a seed alone. Its reasoning is annotated line by line (`lines`); one
with a line that cannot be read or is wrong, or that does not lead to the answer, is refused with its reason.
"""

from __future__ import annotations

import ast
import importlib
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from random import Random
from types import ModuleType
from typing import Any

from selfsown.arithmetic import Refused, find_annotations, parse_decimal, print_value
from selfsown.corpora.readers.rationales.lines import annotate
from selfsown.corpora.readers.rationales.worked import Worked
from selfsown.errors import UserError
from selfsown.reasoning.rationale import MARK, final_answer

PACKAGES = ("reasoning_gym", "reasoning_gym.arithmetic", "reasoning_gym.arithmetic.gsm_symbolic")
"""Whose `__init__` is not run."""

MODULES = ("generators_00_49", "generators_50_99")
SOUND = "tasks_ok"
"""The list, in the package, of the templates that its authors hold to be sound."""

Generator = Callable[[Random, float], dict[str, Any]]

_DIFFICULTY = 1.0  # the only one that the templates are made for


class Templates:
    """The sound templates of a fetched source, by number.

    Raises:
        UserError: the folder does not hold them.
    """

    def __init__(self, folder: Path, source: str) -> None:
        self.source = source
        place = folder.joinpath(*PACKAGES[-1].split("."))
        try:
            sound = _listed(place / "gsm_symbolic.py")
            with _bare_packages(folder):
                modules = [importlib.import_module(f"{PACKAGES[-1]}.{name}") for name in MODULES]
        except (OSError, ImportError, SyntaxError) as error:
            raise UserError(f"source '{source}': no templates of GSM-Symbolic in {folder}: {error}") from None
        made = {name: value for module in modules for name, value in vars(module).items()}
        self._generators: dict[int, Generator] = {number: made[f"generate_{number}"] for number in sound}

    @property
    def numbers(self) -> tuple[int, ...]:
        """Of all templates."""
        return tuple(sorted(self._generators))

    def group(self, number: int) -> str:
        """A template's name."""
        return f"{self.source}/{number}"

    def problem(self, number: int, name: str, seed: int) -> Worked:
        """A problem of a template; the same for the same template and seed."""
        worked = Worked(id=f"{self.group(number)}/{name}", source=self.source, group=self.group(number))
        try:
            made = self._generators[number](Random(seed), _DIFFICULTY)
        except (ArithmeticError, ValueError) as error:
            return replace(worked, reason=f"not made: {error}")
        worked = replace(worked, question=made["question"].strip())
        try:
            rationale, answer = annotated(made["metadata"]["answer_cot"], made["answer"])
        except Refused as error:
            return replace(worked, reason=error.reason)
        return replace(worked, rationale=rationale, answer=answer)


def annotated(reasoning: str, answer: str) -> tuple[str, Fraction]:
    """Reasoning that ends with `#### <answer>` as a rationale, and the answer.

    Raises:
        Refused: a line cannot be read or is wrong, nothing is computed, or something else than the answer.
    """
    value = parse_decimal(answer)
    if final_answer(reasoning) != value:
        raise Refused(f"wrong answer: the reasoning does not end with {MARK} {answer}")
    lines = [line.strip() for line in reasoning.splitlines()]
    body = [annotate(line) for line in lines if line and not line.startswith(MARK)]
    computed = find_annotations("\n".join(body))
    if not computed:
        raise Refused("no calculation: no line computes anything")
    if parse_decimal(computed[-1].stated) != value:
        raise Refused(f"does not follow: the last line comes to {computed[-1].stated}, the answer is {answer}")
    return "\n".join([*body, f"{MARK} {print_value(value)}"]), value


def _listed(file: Path) -> list[int]:
    """The sound templates' numbers: a list of numbers that a module assigns; the module itself is not run."""
    for node in ast.parse(file.read_bytes()).body:
        if isinstance(node, ast.Assign) and any(isinstance(to, ast.Name) and to.id == SOUND for to in node.targets):
            return [int(number) for number in ast.literal_eval(node.value)]
    raise ImportError(f"{file.name} has no list {SOUND}")


@contextmanager
def _bare_packages(folder: Path) -> Iterator[None]:
    """Packages of these names that only say where their modules lie; nothing is written beside the modules."""
    before = {name: module for name, module in sys.modules.items() if name.split(".")[0] == PACKAGES[0]}
    writes = sys.dont_write_bytecode
    for name in before:
        del sys.modules[name]
    for name in PACKAGES:
        sys.modules[name] = ModuleType(name)
        sys.modules[name].__path__ = [str(folder.joinpath(*name.split(".")))]
    sys.dont_write_bytecode = True  # the folder is shared, and checked against its manifest
    try:
        yield
    finally:
        sys.dont_write_bytecode = writes
        for name in [name for name in sys.modules if name.split(".")[0] == PACKAGES[0]]:
            del sys.modules[name]
        sys.modules.update(before)
