"""A stage that imports a module runs again when that module changes: `dvc.yaml` names it."""

import ast
import shlex
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
# What says where and how work runs, never what it makes.
MACHINERY = (
    "__init__",
    "cli",
    "device",
    "errors",
    "params",
    "settings",
    "shards",
    "sources",
    "stage",
    "tracking",
    "workers",
)


def imported(module: Path) -> set[Path]:
    """The modules of this package that a module imports, at its top or in a function."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("selfsown"):
            package = ROOT / "src" / Path(*str(node.module).split("."))
            for name in (alias.name for alias in node.names):
                candidates = (package / f"{name}.py", package.with_suffix(".py"), package / "__init__.py")
                found |= {next(path for path in candidates if path.exists())}
    return {
        path for path in found if path.relative_to(ROOT / "src/selfsown").parts[0].removesuffix(".py") not in MACHINERY
    }


def reached(module: Path) -> set[Path]:
    """A module and all that it imports."""
    seen: set[Path] = set()
    ahead = {module}
    while ahead:
        seen |= ahead
        ahead = {path for known in ahead for path in imported(known)} - seen
    return seen


STAGES = [
    (f"{pipeline.name}:{name}", stage)
    for pipeline in sorted((ROOT / "pipelines").iterdir())
    for name, stage in yaml.safe_load((pipeline / "dvc.yaml").read_text())["stages"].items()
]


@pytest.mark.parametrize(("name", "stage"), STAGES, ids=[name for name, _ in STAGES])
def test_dependencies_name_the_code(name: str, stage: dict[str, object]) -> None:
    package, _, function = shlex.split(str(stage["cmd"]))[1].partition(".")
    needed = reached(ROOT / "src/selfsown" / package / f"{function.replace('-', '_')}.py")
    declared = [ROOT / str(path) for path in stage["deps"] if str(path).startswith("src/")]  # type: ignore[attr-defined]
    missing = [path for path in needed if not any(path.is_relative_to(given) for given in declared)]
    assert not [str(path.relative_to(ROOT)) for path in missing if path.name != "__init__.py"]
    assert all(path.exists() for path in declared)
