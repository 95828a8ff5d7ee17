"""A file or a folder is whole or not there, whenever its writer is killed."""

import subprocess
import sys
from pathlib import Path

import pytest

from selfsown import files
from selfsown.files import clear_temporaries, whole_folder, write_atomic

SOURCE = Path(files.__file__).parents[1]


def killed(code: str, folder: Path) -> None:
    """Run code that ends as a kill would: nothing after it is run, nothing is tidied up."""
    given = f"import os\nfrom pathlib import Path\nfrom selfsown.files import *\n{code}"
    environment = {"PYTHONPATH": str(SOURCE)}
    done = subprocess.run([sys.executable, "-c", given], cwd=folder, env=environment, check=False)
    assert done.returncode == 9


FILL = """
with whole_folder(Path("models/mine")) as made:
    (made / "weights").write_text("new")
    {killed}
    Path.rename = lambda *_: os._exit(9)
"""


@pytest.mark.parametrize("moment", ["os._exit(9)", "pass"], ids=["while it fills", "before it is in its place"])
@pytest.mark.parametrize("old", [False, True])
def test_a_killed_folder_is_not_there_and_the_next_start_clears_what_it_left(
    moment: str, old: bool, tmp_path: Path
) -> None:
    model = tmp_path / "models" / "mine"
    if old:
        model.mkdir(parents=True)
        (model / "weights").write_text("old")
    killed(FILL.format(killed=moment), tmp_path)
    assert not model.exists() or (model / "weights").read_text() == "old"
    assert [path for path in model.parent.iterdir() if path != model], "killed when nothing was at work"
    for _ in range(2):  # and again over a finished one
        with whole_folder(model) as made:
            assert not list(made.iterdir())
            (made / "weights").write_text("newer")
        assert list(model.parent.iterdir()) == [model] and (model / "weights").read_text() == "newer"


def test_a_folder_whose_filling_fails_leaves_the_old_one(tmp_path: Path) -> None:
    model = tmp_path / "mine"
    model.mkdir()
    (model / "weights").write_text("old")
    with pytest.raises(FileNotFoundError), whole_folder(model) as made:
        (made / "absent" / "weights").write_text("new")
    assert list(tmp_path.iterdir()) == [model] and (model / "weights").read_text() == "old"


def test_a_killed_file_keeps_its_old_bytes_and_what_was_left_can_be_cleared(tmp_path: Path) -> None:
    write_atomic(tmp_path / "figures", b"old")
    killed('Path.replace = lambda *_: os._exit(9)\nwrite_atomic(Path("figures"), b"new")', tmp_path)
    assert (tmp_path / "figures").read_bytes() == b"old" and len(list(tmp_path.iterdir())) == 2
    clear_temporaries(tmp_path, "other")
    assert len(list(tmp_path.iterdir())) == 2
    clear_temporaries(tmp_path, "figures")
    assert [path.name for path in tmp_path.iterdir()] == ["figures"]
