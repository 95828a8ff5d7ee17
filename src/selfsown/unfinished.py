"""Where half-done work lies until it is whole: in `.work` of its output, or on the disk that `SELFSOWN_WORK` names.

There `.work` is a link to a folder called after the identity and the place of the output, so that what was killed goes
on in another checkout. The place is below `home()`: copies of a project at work at once have a folder each.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from urllib.parse import quote

from selfsown.files import write_atomic
from selfsown.identity import Identity
from selfsown.project import home
from selfsown.settings import settings

WORK = ".work"
FOLDER = "unfinished"


def begin(out: Path, identity: Identity) -> Path:
    """The work folder of an output; what is there of another identity goes, and the output with it."""
    work = out / WORK
    if is_begun(work, identity):
        return work
    shutil.rmtree(out, ignore_errors=True)
    if (disk := settings().work_dir) is None:
        work.mkdir(parents=True)
    else:
        there = disk / FOLDER / f"{identity.digest[:16]}-{quote(os.path.relpath(out, home()), safe='')}"
        if not is_begun(there, identity):
            shutil.rmtree(there, ignore_errors=True)
            there.mkdir(parents=True)
        out.mkdir(parents=True)
        work.symlink_to(there)
    write_atomic(work / "identity", identity.digest.encode())
    return work


def is_begun(work: Path, identity: Identity) -> bool:
    """Whether a work folder is there, and of this identity."""
    mark = work / "identity"
    return mark.is_file() and mark.read_text() == identity.digest


def place(made: Path, out: Path) -> None:
    """Move a finished file or folder into the output, over what an earlier try that was killed left there."""
    target = out / made.name
    if target.is_dir():  # a folder replaces none that holds something
        shutil.rmtree(target)
    shutil.move(made, target)


def end(work: Path) -> None:
    """Drop the work folder, wherever it is, once the output is whole."""
    (work / "identity").unlink(missing_ok=True)  # first: half a work folder must not be gone on with
    shutil.rmtree(work.resolve())
    work.unlink(missing_ok=True)
