"""`scripts/keep_made.py` keeps what a run changed in git, whole, and never puts it over what else was changed since."""

import importlib.util
import subprocess
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).parents[1]
LOCK = "schema: '2.0'\nstages:\n  a: {cmd: b}\n"


@pytest.fixture
def script() -> ModuleType:
    spec = importlib.util.spec_from_file_location("keep_made", ROOT / "scripts" / "keep_made.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with the lock of one pipeline and its figures."""
    for name in ("pipelines/p", "metrics", "src"):
        (tmp_path / "one" / name).mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "one")
    Path("pipelines/p/dvc.lock").write_text(LOCK)
    Path("metrics/p.json").write_text("1")
    Path("src/code.py").write_text("a = 1")
    subprocess.run(["git", "init", "-q"], check=True)
    commit()
    return tmp_path


def commit() -> None:
    for words in ("add .", "-c user.name=a -c user.email=a@b commit -qm start"):
        subprocess.run(["git", *words.split()], check=True)


def blob(path: str) -> str:
    """Git's id of what is committed there."""
    return subprocess.check_output(["git", "rev-parse", f"HEAD:{path}"], text=True).strip()


def test_what_a_run_changed_goes_on_in_another_checkout(
    checkout: Path, script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = checkout / "kept"
    base = blob("pipelines/p/dvc.lock")
    script.save(kept)
    assert not kept.exists(), "nothing is changed"
    Path("pipelines/p/dvc.lock").write_text(LOCK + "  b: {cmd: c}\n")
    Path("metrics/new.json").write_text("2")
    Path("src/code.py").write_text("a = 2")
    script.save(kept)
    assert {path.relative_to(kept).as_posix() for path in kept.rglob("*") if path.is_file()} == {
        "new/metrics/new.json",
        f"{base}/pipelines/p/dvc.lock",
    }
    figures = kept / blob("metrics/p.json") / "metrics/p.json"
    figures.parent.mkdir(parents=True)
    figures.write_text("of the other")
    subprocess.run(["git", "clone", "-q", ".", "../two"], check=True)
    monkeypatch.chdir(checkout / "two")
    Path("metrics/p.json").write_text("mine")
    script.restore(kept)
    assert "b: {cmd: c}" in Path("pipelines/p/dvc.lock").read_text() and Path("metrics/new.json").read_text() == "2"
    assert Path("metrics/p.json").read_text() == "mine", "it was changed here"


def test_what_was_committed_since_stays(checkout: Path, script: ModuleType) -> None:
    kept, lock, new = checkout / "kept", Path("pipelines/p/dvc.lock"), Path("metrics/new.json")
    lock.write_text(LOCK + "  b: {cmd: of an older run}\n")
    new.write_text("of an older run")
    script.save(kept)
    lock.write_text(LOCK + "  b: {cmd: newer}\n")
    new.write_text("newer")
    commit()
    script.restore(kept)
    assert script.changed() == [], "the copies are of another commit's files"
    lock.write_text(LOCK)
    new.unlink()
    commit()
    script.restore(kept)
    assert sorted(script.changed()) == [new, lock], "it is as it was when they were kept"


def test_what_vanishes_while_it_is_looked_at_ends_no_watch(
    checkout: Path, script: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("metrics/new.json").write_text("2")
    gone = [Path("metrics/gone.json"), Path("pipelines/q/dvc.lock")]  # DVC removes what a stage makes before it runs
    monkeypatch.setattr(script, "changed", lambda: [*gone, Path("metrics/new.json")])
    script.save(checkout / "kept", settled=-1)
    assert (checkout / "kept/new/metrics/new.json").read_text() == "2"


def test_the_workflow_brings_all_of_it_back(script: ModuleType) -> None:
    workflow = yaml.safe_load((ROOT / ".github/workflows/gpu-repro.yml").read_text())
    (upload,) = (s for s in workflow["jobs"]["repro"]["steps"] if "upload-artifact" in s.get("uses", ""))
    assert upload["if"] == "success() || failure() || cancelled()"
    paths = upload["with"]["path"].split()
    assert [made for made in script.MADE if not any(f"{made}/".startswith(f"{path}/") for path in paths)] == []
    assert "params.yaml" in paths, "whose locks these are"


@pytest.mark.parametrize("half", ["schema: '2.0'\nstages:\n  a: {cmd", "schema: '2", ""])
def test_a_lock_that_is_being_written_is_not_kept(half: str, checkout: Path, script: ModuleType) -> None:
    kept, copy = checkout / "kept", f"{blob('pipelines/p/dvc.lock')}/pipelines/p/dvc.lock"
    Path("pipelines/p/dvc.lock").write_text(LOCK + "  b: {cmd: c}\n")
    script.save(kept, settled=2)
    assert not kept.exists(), "it was written a moment ago"
    script.save(kept)
    Path("pipelines/p/dvc.lock").write_text(half)
    script.save(kept)
    assert (kept / copy).read_text() == LOCK + "  b: {cmd: c}\n"
