"""A stage's code is what its file reaches by imports: `dvc.yaml` names all of it, and nothing more."""

import importlib.util
import textwrap
from pathlib import Path
from typing import Any

import pytest
import yaml

from selfsown import closure
from selfsown.params import stage_files

ROOT = Path(__file__).parents[1]
STAGES: dict[str, dict[str, Any]] = {
    f"{path.parent.relative_to(ROOT)}:{name}": stage.get("do", stage)  # "do": of a `foreach`
    for path in (ROOT / "dvc.yaml", *sorted(ROOT.glob("pipelines/*/dvc.yaml")))
    for name, stage in yaml.safe_load(path.read_text())["stages"].items()
}
UNSEEN = {"tracking": {"bootstrap"}}
"""What machinery imports besides machinery, and why no byte hangs on it: a promotion compares two models' errors."""


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_the_code_of_a_stage_is_what_write_deps_would_write(stage: dict[str, Any]) -> None:
    spec = importlib.util.spec_from_file_location("write_deps", ROOT / "scripts" / "write_deps.py")
    assert spec is not None and spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    assert stage["deps"] == script.dependencies(stage), "run scripts/write_deps.py"


@pytest.mark.parametrize("stage", STAGES.values(), ids=STAGES)
def test_a_stage_that_asks_for_sources_tracks_their_registry(stage: dict[str, Any]) -> None:
    tracked = any("conf/sources.yaml" in param for param in stage.get("params", []) if isinstance(param, dict))
    assert tracked == closure.reads_sources(stage_files()[stage["cmd"].split()[1]])


def test_the_lists_are_short_enough_to_be_read() -> None:
    ours = [stage for key, stage in STAGES.items() if key.startswith("pipelines/")]
    assert sum(dep.startswith("src/") for stage in ours for dep in stage["deps"]) <= 7 * len(ours)


def test_machinery_hides_nothing_that_decides_bytes() -> None:
    for name in closure.MACHINERY - {"cli"}:  # it is above all stages
        place = closure.PACKAGE / name
        files = [*place.rglob("*.py"), *place.parent.glob(f"{name}.py")]
        assert files, f"{name}: no such module"
        names = {part[0] for file in files for part in closure._names(file)}
        assert names - closure.MACHINERY == UNSEEN.get(name, set())


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package `toys` with a stage, `pipe/train.py`."""
    monkeypatch.chdir(tmp_path)
    made = {
        "__init__.py": "VERSION = 1",
        "stage.py": "from toys import hidden",
        "hidden.py": "X = 1",
        "far.py": "X = 1",
        "top/__init__.py": "from toys.top.named import X",
        "top/named.py": "X = 1",
        "top/aside.py": "X = 1",
        "words/__init__.py": '"""Only words."""',
        "words/one.py": "from ..later import within",
        "words/two.py": "X = 1",
        "words/table.csv": "a,b",
        "words/.one.py.swp": "",
        "words/deep/more.txt": "text",
        "later/__init__.py": "",
        "later/within.py": "import toys.far",
        "pipe/__init__.py": "X = 1",
        "pipe/train.py": """
            from toys.stage import X
            from toys import top
            def train():
                from toys.words import one
        """,
        "pipe/other.py": "X = 1",
    }
    for place, text in made.items():
        file = tmp_path / "toys" / place
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text))
    monkeypatch.setattr(closure, "PACKAGE", tmp_path / "toys")
    return tmp_path / "toys"


def reached(package: Path) -> set[str]:
    return {file.relative_to(package).as_posix() for file in closure.reached(package / "pipe/train.py")}


def test_imports_are_followed_wherever_they_stand_through_packages_and_not_through_machinery(package: Path) -> None:
    assert reached(package) == {
        "pipe/__init__.py", "pipe/train.py",  # the package is executed before the stage in it
        "top/__init__.py", "top/named.py",  # what a package names, and nothing beside it
        "words/one.py", "words/table.csv", "words/deep/more.txt",  # imported in a function; with the package's data
        "later/within.py", "far.py",
    }  # fmt: skip


def test_a_folder_stands_for_its_files_where_all_of_them_are_reached(package: Path) -> None:
    def places(*files: str) -> list[str]:
        found = closure.in_folders(package / file for file in files)
        return [place.relative_to(package).as_posix() for place in found]

    assert places("later/within.py", "far.py") == ["far.py", "later"]
    assert places("words/one.py", "words/two.py", "words/table.csv") == [
        "words/one.py", "words/table.csv", "words/two.py",
    ]  # fmt: skip
    assert places("words/one.py", "words/two.py", "words/table.csv", "words/deep/more.txt") == ["words"]


@pytest.mark.parametrize(
    ("file", "text", "matters"),
    [
        ("far.py", "X = 2", True),
        ("far.py", "X = 1\n# said", True),
        ("words/table.csv", "a,c", True),
        ("words/new.csv", "", True),
        ("words/__init__.py", '"""Other words."""', False),
        ("words/__init__.py", "X = 1", True),
        ("words/two.py", "X = 2", False),
        ("words/one.py~", "", False),
        ("hidden.py", "X = 2", False),
        ("stage.py", "X = 2", False),
        ("pipe/other.py", "X = 2", False),
    ],
)
def test_the_digest_changes_with_what_is_reached_and_with_nothing_else(
    file: str, text: str, matters: bool, package: Path
) -> None:
    before = closure.digest(package / "pipe/train.py")
    (package / file).write_text(text)
    assert (closure.digest(package / "pipe/train.py") != before) == matters


def test_a_file_that_moves_is_another_one(package: Path) -> None:
    before = closure.digest(package / "pipe/train.py")
    (package / "far.py").rename(package / "near.py")
    (package / "later/within.py").write_text("import toys.near")
    moved = closure.digest(package / "pipe/train.py")
    (package / "near.py").rename(package / "far.py")
    (package / "later/within.py").write_text("import toys.far")
    assert moved != before == closure.digest(package / "pipe/train.py")


def test_who_asks_for_sources(package: Path) -> None:
    assert not closure.reads_sources(package / "pipe/train.py")
    (package / "far.py").write_text("from toys.sources import fetch")
    assert closure.reads_sources(package / "pipe/train.py")
