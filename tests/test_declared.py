"""What the code imports is what `pyproject.toml` declares: an upgrade of something else must not take it away."""

import ast
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def imported(file: Path) -> set[str]:
    """First parts of the names of all that a file imports absolutely."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and not node.level:
            names.add(str(node.module))
    return {name.partition(".")[0] for name in names}


@pytest.mark.parametrize("folder", ["src", "scripts", "benchmarks"])
def test_imports_are_declared(folder: str) -> None:
    declared = {canonicalize_name(Requirement(text).name) for text in PROJECT["project"]["dependencies"]}
    files = sorted((ROOT / folder).rglob("*.py"))
    own = {"selfsown", folder, *(name for file in files for name in (file.stem, file.parent.name))}
    owners = packages_distributions()
    lists = (ROOT / folder).glob("peers/*.txt")  # what a benchmark installs into a folder of its own
    peers = {line.partition("==")[0] for file in lists for line in file.read_text().splitlines() if "==" in line}
    for file in files:
        for name in imported(file) - own - peers - set(sys.stdlib_module_names):
            distributions = {canonicalize_name(owner) for owner in owners[name]}
            assert distributions & declared, f"{file.relative_to(ROOT)} imports {name} of {distributions}"
