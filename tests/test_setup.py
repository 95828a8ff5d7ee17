"""Set-up of the environment, on a small project with a lock file of one package: the real scripts, no network."""

import base64
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest

SCRIPTS = Path(__file__).parent.parent / "scripts"

PYPROJECT = """
[build-system]
requires = []
build-backend = "backend"
backend-path = ["."]
[project]
name = "selfsown"
version = "0"
"""

# What an editable install needs, so that the test depends on no build tool being at hand.
BACKEND = """
import zipfile
from pathlib import Path

def build_editable(folder, config_settings=None, metadata_directory=None):
    info, tag = "selfsown-0.dist-info/", "Root-Is-Purelib: true\\nTag: py3-none-any\\n"
    with zipfile.ZipFile(Path(folder) / "selfsown-0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("selfsown.pth", str(Path("src").resolve()))
        wheel.writestr(info + "METADATA", "Metadata-Version: 2.1\\nName: selfsown\\nVersion: 0\\n")
        wheel.writestr(info + "WHEEL", "Wheel-Version: 1.0\\nGenerator: x\\n" + tag)
        wheel.writestr(info + "entry_points.txt", "[console_scripts]\\nselfsown = selfsown.cli:main\\n")
        wheel.writestr(info + "RECORD", "")
    return "selfsown-0-py3-none-any.whl"
"""


def make_wheel(folder: Path) -> Path:
    """A wheel of one module, `pebble`."""
    path = folder / "pebble-1.0-py3-none-any.whl"
    files = {
        "pebble.py": b"WEIGHT = 3\n",
        "pebble-1.0.dist-info/METADATA": b"Metadata-Version: 2.1\nName: pebble\nVersion: 1.0\n",
        "pebble-1.0.dist-info/WHEEL": b"Wheel-Version: 1.0\nGenerator: x\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    digests = {name: base64.urlsafe_b64encode(hashlib.sha256(data).digest()) for name, data in files.items()}
    record = "".join(f"{n},sha256={digests[n].decode().rstrip('=')},{len(d)}\n" for n, d in files.items())
    with zipfile.ZipFile(path, "w") as wheel:
        for name, data in files.items():
            wheel.writestr(name, data)
        wheel.writestr("pebble-1.0.dist-info/RECORD", record + "pebble-1.0.dist-info/RECORD,,\n")
    return path


class Checkout:
    """A small checkout with the real scripts."""

    def __init__(self, root: Path, wheels: Path, says: str) -> None:
        self.root, self.wheels = root, wheels
        (root / "src" / "selfsown").mkdir(parents=True)
        (root / "src" / "selfsown" / "__init__.py").touch()
        (root / "src" / "selfsown" / "cli.py").write_text(
            f"import pebble\ndef main(): print({says!r}, pebble.WEIGHT)\n"
        )
        (root / "pyproject.toml").write_text(PYPROJECT)
        (root / "backend.py").write_text(BACKEND)
        digest = hashlib.sha256((wheels / "pebble-1.0-py3-none-any.whl").read_bytes()).hexdigest()
        (root / "requirements.lock").write_text(f"pebble==1.0 --hash=sha256:{digest}\n")
        shutil.copytree(SCRIPTS, root / "scripts")

    def environment(self, **more: str) -> dict[str, str]:
        keep = {key: value for key, value in os.environ.items() if not key.startswith(("PIP_", "SELFSOWN_", "PYTHON"))}
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels), "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
        return keep | offline | {"PIP_CONFIG_FILE": os.devnull, "PYTHON": sys.executable} | more

    def run(self, script: str = "scripts/setup.sh", **more: str) -> subprocess.CompletedProcess[str]:
        command = ["bash", "-c", script]
        return subprocess.run(command, cwd=self.root, env=self.environment(**more), capture_output=True, text=True)

    def says(self, **more: str) -> str:
        """What this checkout's `selfsown` prints when a script runs it."""
        done = self.run(". scripts/env.sh; selfsown", **more)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()


@pytest.fixture
def wheels(tmp_path: Path) -> Path:
    folder = tmp_path / "wheels"
    folder.mkdir()
    make_wheel(folder)
    return folder


@pytest.fixture
def checkout(tmp_path: Path, wheels: Path) -> Checkout:
    return Checkout(tmp_path / "first", wheels, "first")


def test_sets_up_once_and_notices_a_move(checkout: Checkout) -> None:
    assert checkout.says(PYTHONDONTWRITEBYTECODE="1") == "first 3"
    # Byte-compiled even where python is told not to: importing the real packages takes twice as long without.
    assert list(checkout.root.glob(".venv/lib/python*/site-packages/__pycache__/pebble*.pyc"))
    stamp = checkout.root / ".venv/stamp"
    os.utime(stamp, (0, 0))
    again = checkout.run(PYTHON="")
    assert again.returncode == 0
    assert again.stderr == "", "nothing is set up again"
    assert stamp.stat().st_mtime > 0, "it says when it was used"
    # Usable without our scripts too, as after `. .venv/bin/activate`.
    assert checkout.run(".venv/bin/selfsown").stdout == "first 3\n"
    moved = checkout.root.with_name("moved")
    checkout.root.rename(moved)
    checkout.root = moved
    assert "setup: done" in checkout.run().stderr
    assert checkout.says() == "first 3"


def test_a_wrong_hash_is_refused_and_leaves_no_finished_environment(checkout: Checkout) -> None:
    (checkout.root / "requirements.lock").write_text(f"pebble==1.0 --hash=sha256:{'0' * 64}\n")
    failed = checkout.run()
    assert failed.returncode != 0
    assert "DO NOT MATCH THE HASHES" in failed.stderr
    assert not (checkout.root / ".venv/stamp").exists()


def test_a_killed_set_up_is_done_again(checkout: Checkout) -> None:
    process = subprocess.Popen(
        ["bash", "scripts/setup.sh"], cwd=checkout.root, env=checkout.environment(), start_new_session=True
    )
    venv = checkout.root / ".venv"
    while not (venv / "pyvenv.cfg").exists():
        time.sleep(0.01)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (venv / "stamp").exists()
    (venv / "left-over").touch()
    assert checkout.says() == "first 3"
    assert not (venv / "left-over").exists()


def test_checkouts_share_an_environment_but_not_their_code(tmp_path: Path, wheels: Path, checkout: Checkout) -> None:
    second = Checkout(tmp_path / "second", wheels, "second")
    cache = str(tmp_path / "cache")
    both = [
        subprocess.Popen(["bash", "scripts/setup.sh"], cwd=one.root, env=one.environment(SELFSOWN_VENV_CACHE=cache))
        for one in (checkout, second)
    ]
    assert [process.wait() for process in both] == [0, 0]
    assert (checkout.root / ".venv").readlink() == (second.root / ".venv").readlink()
    assert checkout.says(SELFSOWN_VENV_CACHE=cache) == "first 3"
    assert second.says(SELFSOWN_VENV_CACHE=cache) == "second 3"
    # An environment from the cache also serves who does not name the cache.
    assert checkout.run(PYTHON="").stderr == ""
    # Another lock file gets another environment; the neighbour's stays.
    lock = second.root / "requirements.lock"
    lock.write_text(lock.read_text() + "# changed\n")
    assert second.says(SELFSOWN_VENV_CACHE=cache) == "second 3"
    assert checkout.says(SELFSOWN_VENV_CACHE=cache) == "first 3"
    assert (checkout.root / ".venv").readlink() != (second.root / ".venv").readlink()


def test_an_old_python_is_one_clear_error(checkout: Checkout, tmp_path: Path) -> None:
    old = tmp_path / "python3.9"
    old.write_text('#!/bin/sh\n[ "$1" = -V ] && echo Python 3.9.2\nexit 1\n')
    old.chmod(0o755)
    failed = checkout.run(PYTHON=str(old))
    assert failed.returncode == 1
    assert "Python 3.11 or newer is needed" in failed.stderr
    assert "Python 3.9.2" in failed.stderr
    assert not (checkout.root / ".venv").exists()


@pytest.mark.net
@pytest.mark.skipif(
    shutil.which("apt-get") is None and not Path("/usr/share/python-wheels").is_dir(), reason="not a Debian system"
)
def test_a_python_without_pip_gets_it_from_debian(checkout: Checkout, tmp_path: Path) -> None:
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "ensurepip.py").write_text("raise ImportError('kept in python3-venv')\n")
    done = checkout.run(PYTHONPATH=str(bare))
    assert done.returncode == 0, done.stderr
    assert checkout.says() == "first 3"
