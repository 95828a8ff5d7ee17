"""A full disk is one line that names the path, what was written and how much is missing; finished work stays."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from safetensors.torch import save_file

from selfsown import disk
from selfsown.cli import main
from selfsown.disk import DiskFull
from selfsown.files import whole_folder, write_atomic

FULL = Path("/dev/full")
"""A device on which every write ends as on a full disk."""

pytestmark = pytest.mark.skipif(not FULL.exists(), reason="needs Linux's /dev/full")


def python(path: Path) -> None:
    with path.open("wb") as file:
        file.write(b"x" * 100_000)


def arrow(path: Path) -> None:
    pq.write_table(pa.table({"a": list(range(1000))}), path)


def pytorch(path: Path) -> None:
    torch.save(torch.zeros(100_000), path)


def numpy(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(100_000))


@pytest.mark.parametrize("write", [python, arrow, pytorch, numpy])
def test_whoever_notices_says_the_same(write: Callable[[Path], None], tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(FULL)
    told = pytest.raises(DiskFull, match=r"^\S*mine: the disk is full: the model needs ")
    with told, disk.writing(tmp_path / "mine", "the model"):
        write(tmp_path / "link")


class Usage(NamedTuple):
    free: int


def with_room(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda _: Usage(room))


def test_safetensors_says_so_in_words(tmp_path: Path) -> None:
    """Its error is no OSError; the words are those of the system."""
    with pytest.raises(Exception, match="os error") as raised:
        save_file({"a": torch.zeros(3)}, tmp_path / "absent" / "model.safetensors")
    words = re.sub(r"message: \"[^\"]*\"|No such file or directory", os.strerror(errno.ENOSPC), str(raised.value))
    assert disk.is_full(type(raised.value)(words)) and not disk.is_full(raised.value)


def test_a_file_says_how_much_is_missing_and_the_old_one_stays(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "part-00000.parquet"
    write_atomic(path, b"old")
    (tmp_path / f".{path.name}.{os.getpid()}.tmp").symlink_to(FULL)
    with_room(monkeypatch, 1_000_000)
    told = rf"^{path}: the disk is full: this file needs 3 MB, 2 MB more than are free; make room and start again"
    with pytest.raises(DiskFull, match=told):
        write_atomic(path, b"x" * 3_000_000)
    assert path.read_bytes() == b"old" and list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_filled_leaves_the_old_one(tmp_path: Path) -> None:
    model = tmp_path / "mine"
    model.mkdir()
    (model / "weights").write_text("old")
    with pytest.raises(DiskFull, match=rf"^{model}: .* needs more than the "), whole_folder(model):
        python(FULL)
    assert list(tmp_path.iterdir()) == [model] and (model / "weights").read_text() == "old"


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_room_is_asked_for_before_the_work_and_every_cause_is_seen(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_room(monkeypatch, 5_000_000_000)
    disk.check(tmp_path / "absent" / "model", "the training", 5_000_000_000)
    with pytest.raises(DiskFull, match=r"absent/model: .* the training needs 7\.5 GB, 2\.5 GB more than are free"):
        disk.check(tmp_path / "absent" / "model", "the training", 7_500_000_000)
    error = RuntimeError("cannot go on")
    error.__cause__ = OSError(number, os.strerror(number))
    assert disk.is_full(error)
    assert not disk.is_full(OSError(errno.EACCES, "no")) and not disk.is_full(ValueError("the disk is nearly full"))


def test_the_command_line_shows_one_line(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "/mine/model.gguf")

    monkeypatch.setattr("selfsown.cli.app", full)
    with pytest.raises(SystemExit):
        main()
    said = capsys.readouterr().err
    assert said.startswith("selfsown: /mine/model.gguf: the disk is full: ") and said.count("\n") == 1
