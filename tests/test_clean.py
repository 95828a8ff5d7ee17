"""`selfsown clean` shows what can be made again and how much it is, and removes nothing else, nor without a yes."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner

from selfsown.cli import app
from selfsown.settings import settings
from selfsown.sources.registry import load_registry


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A project with something of every kind that may go, and beside each what stays."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SELFSOWN_CACHE", "cache")
    settings.cache_clear()
    write("conf/sources.yaml", (Path(__file__).parents[1] / "conf/sources.yaml").read_text())
    name, source = next(iter(load_registry().items()))
    key = f"{name}-{source.key[:16]}"
    for old in ("gone-0123456789abcdef", f"{name}-0123456789abcdef"):
        write(f"cache/sources/{old}/file", "x" * 1000)
        write(f"cache/sources/{old}.json", "{}")
        Path(f"cache/sources/{old}").chmod(0o555)
    write(f"cache/sources/{key}/file", "x")
    old = {"data/a/old/.work": 9, "models/a/new/.work": 1, ".selfsown/study/p.study": 9, ".selfsown/study/p.study-1": 9}
    for path, days in old.items():
        write(f"{path}/checkpoint/weights", "x" * 100)
        for there in (Path(path), *Path(path).rglob("*")):
            moment = there.stat().st_mtime - 86400 * days
            os.utime(there, (moment, moment))
    write("models/a/done/model.safetensors", "x")
    write("metrics/p.study.json", "{}")
    shutil.copytree(".selfsown/study/p.study", ".selfsown/study/unmerged.study")
    write("metrics/again.study.json", "{}")  # begun anew: its long stage is at work, deep inside
    shutil.copytree(".selfsown/study/p.study", ".selfsown/study/again.study")
    (Path(".selfsown/study/again.study/checkpoint") / "weights").touch()
    yield tmp_path
    settings.cache_clear()


def write(path: str, text: str) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)


def record(uploaded: int) -> None:
    """A local record of two runs, in MLflow's tables."""
    Path(".selfsown/offline.db").unlink(missing_ok=True)
    database = sqlite3.connect(".selfsown/offline.db")
    database.executescript("CREATE TABLE runs (run_uuid TEXT); CREATE TABLE tags (key TEXT, run_uuid TEXT)")
    database.executemany("INSERT INTO runs VALUES (?)", [("a",), ("b",)])
    database.executemany("INSERT INTO tags VALUES (?, ?)", [("sync.done", run) for run in "ab"[:uploaded]])
    database.commit()
    database.close()


def files() -> set[str]:
    return {path.as_posix() for path in Path().rglob("*") if path.is_file()}


def test_it_shows_asks_and_frees_what_can_be_made_again(project: Path) -> None:
    record(uploaded=2)
    before = files()
    asked = CliRunner().invoke(app, ["clean"], input="n\n")
    assert files() == before and "1 kB" in asked.output and "Free " in asked.output
    assert "models/a/new" not in asked.output and "unmerged" not in asked.output and "again.study" not in asked.output
    done = CliRunner().invoke(app, ["clean", "--yes"])
    assert done.exit_code == 0, done.output
    gone = {path.split("/file")[0].split("/checkpoint")[0] for path in before - files()}
    assert gone >= {"cache/sources/gone-0123456789abcdef", "data/a/old/.work", ".selfsown/study/p.study"}
    assert ".selfsown/study/p.study-1" in gone, "a lane's clone"
    assert not [path for path in files() if "0123456789abcdef" in path or path.startswith(".selfsown/offline")]
    assert {path for path in before - files() if path.startswith(("models", "conf", "metrics"))} == set()
    assert len([path for path in files() if path.startswith("cache/sources/")]) == 1, "a source that is in use stays"
    assert CliRunner().invoke(app, ["clean"]).output == "nothing to free\n"


def test_a_record_that_is_not_all_uploaded_stays(project: Path) -> None:
    record(uploaded=1)
    CliRunner().invoke(app, ["clean", "--yes"])
    assert Path(".selfsown/offline.db").is_file()
