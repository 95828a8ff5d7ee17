"""Where the project is: found from a folder inside it, and from the copy in which an experiment runs."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner

from selfsown import project as project_module
from selfsown.corpora.commands.source import command
from selfsown.params import ParamsError, load_params
from selfsown.project import COPIES, home, root
from selfsown.settings import settings
from selfsown.sources import fetch, register_folder
from selfsown.sources.download import mirror_origin
from selfsown.sources.registry import RegistryError, find_source
from selfsown.stage import StageParams

SOURCE = Path(project_module.__file__).parents[1]


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with settings, an empty registry and recordings that git does not know."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SELFSOWN_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("SELFSOWN_MIRROR", raising=False)
    for name in (".dvc", "conf", "notes/deep", "mine"):
        Path(name).mkdir(parents=True)
    Path(".dvc/config").touch()
    Path("conf/sources.yaml").touch()
    Path("params.yaml").write_text("toys: {toy: {}}\n")
    Path("mine/a.txt").write_text("Ahoj.")
    Path(".env").write_text("SELFSOWN_MIRROR=mirror\n")
    settings.cache_clear()
    yield tmp_path
    settings.cache_clear()


def copies(project: Path) -> list[Path]:
    """Copies as DVC and `make study` make them: what git does not know is not in them."""
    made = []
    for within in COPIES:
        copy = project / within / "one"
        (copy / "notes").mkdir(parents=True)
        for name in (".dvc", "conf"):
            (copy / name).mkdir()
        for name in (".dvc/config", "conf/sources.yaml", "params.yaml"):
            shutil.copy(project / name, copy / name)
        made.append(copy)
    return made


def test_the_root_is_the_nearest_above_and_home_is_what_was_copied(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (project, project / "notes/deep"):
        monkeypatch.chdir(place)
        assert (root(), home()) == (project, project)
    for copy in copies(project):
        for place in (copy, copy / "notes"):
            monkeypatch.chdir(place)
            assert (root(), home()) == (copy, project)


def test_outside_of_any_project_it_is_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert root() == home() == tmp_path


@pytest.mark.parametrize("said", ["mine", "../../mine", "{project}/mine", "./../../notes/../mine/"])
def test_a_folder_in_the_project_is_found_from_everywhere_and_after_a_move(
    said: str, project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(project if said == "mine" else project / "notes/deep")
    register_folder(Path(said.format(project=project)), "mine")
    assert yaml.safe_load((project / "conf/sources.yaml").read_text())["mine"]["path"] == "mine"
    for place in (project, project / "notes", *copies(project)):
        monkeypatch.chdir(place)
        settings.cache_clear()
        assert fetch("mine").resolve() == project / "mine"
    monkeypatch.chdir(project)
    key = find_source("mine").key
    moved = tmp_path_factory.mktemp("moved") / "there"
    shutil.move(project, moved)
    monkeypatch.chdir(moved)
    assert fetch("mine", full=True).resolve() == moved / "mine" and find_source("mine").key == key


def test_a_folder_elsewhere_is_kept_whole(
    project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path_factory.mktemp("other")
    (other / "a.txt").write_text("Ahoj.")
    monkeypatch.chdir(project / "notes")
    register_folder(Path(os.path.relpath(other)), "other")
    assert yaml.safe_load((project / "conf/sources.yaml").read_text())["other"]["path"] == str(other)
    assert fetch("other") == other


def test_settings_and_a_mirror_in_the_project_are_found_from_everywhere(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for place in (project, project / "notes/deep", *copies(project)):
        monkeypatch.chdir(place)
        settings.cache_clear()
        origin = mirror_origin("mine", "a.zip")
        assert origin is not None and origin.label == str(project / "mirror/mine/a.zip")


def test_parameters_are_those_of_the_root(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(project / "notes/deep")
    with pytest.raises(ParamsError, match=r"^params\.yaml: toys: unknown key"):
        load_params("toys.toy", StageParams)


def test_no_second_registry_is_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine/a.txt").touch()
    with pytest.raises(RegistryError, match=r"conf/sources\.yaml is missing: run inside the repository"):
        CliRunner().invoke(command, ["add", "mine", "mine"], catch_exceptions=False)
    assert not (tmp_path / "conf").exists()


def test_a_command_in_a_subfolder_leaves_nothing_there(project: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    environment.pop("MLFLOW_TRACKING_URI", None)
    promote = [sys.executable, "-m", "selfsown", "promote", "mine"]
    done = subprocess.run(promote, cwd=project / "notes/deep", env=environment, capture_output=True, text=True)
    assert done.returncode == 1 and f"sqlite:///{project}/mlflow.db is away (no such file" in done.stderr, done.stderr
    assert "Traceback" not in done.stderr
    assert not list((project / "notes/deep").iterdir()) and not (project / "mlflow.db").exists()
