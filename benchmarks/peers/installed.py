"""Packages of a peer in a folder of their own, so that they change nothing in our environment."""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

from selfsown.settings import settings


def installed(requirements: Path) -> Path:
    """The folder with exactly what the file pins, none of what those packages ask for; made once a file's content."""
    digest = hashlib.sha256(requirements.read_bytes()).hexdigest()[:16]
    folder = settings().cache_dir / "peers" / f"{requirements.stem}-{digest}"
    if not folder.is_dir():
        half = folder.with_suffix(".half")
        shutil.rmtree(half, ignore_errors=True)
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--require-hashes"]
        subprocess.run([*pip, "--target", str(half), "--requirement", str(requirements)], check=True)
        half.rename(folder)
    return folder
