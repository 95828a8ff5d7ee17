"""Kill -9 over a command of `selfsown`: a restart ends where an undisturbed run ends.

Each campaign runs a real command undisturbed, then kills its whole process group: in named windows, each a few
milliseconds wide, and at random moments spread over its measured duration. The killed command is started again over
what it left, several times before it may finish. After each kill nothing half-written passes for whole; after each end
the result is that of the undisturbed run, with nothing beside it.

A moment is CPU time that the group has spent, not time of day, so that other work on the machine does not move it.
"""

from __future__ import annotations

import contextlib
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from selfsown.sources.tree import file_sha256

SOURCE = Path(__file__).parents[1] / "src"
SEED = 11
MOMENTS = 7

# Python tells an audit hook of a change to the file system just before it is made.
WATCH = """
import os, re, signal, sys
pattern = os.environ.pop("KILL_BEFORE", None)

def watch(event, arguments):
    if event in ("os.rename", "os.remove", "os.rmdir") and re.search(pattern, f"{event} {arguments[0]} {arguments[1]}"):
        os.killpg(0, signal.SIGKILL)

if pattern:
    sys.addaudithook(watch)
"""


@dataclass
class Job:
    """A command of `selfsown` and what it makes.

    Attributes:
        folder: where it runs.
        out: what it writes below that; there when work has begun, and removed to begin anew.
        sound: fails if something half-written in `out` would be taken for whole.
        whole: fails if `out` is not what an undisturbed run makes; gets how often the work was done to its end.
        settings: environment variables.
        runs: number of finished MLflow runs, for a tracked stage.
    """

    folder: Path
    command: Sequence[str]
    out: str
    sound: Callable[[Path], None]
    whole: Callable[[Path, int], None]
    settings: dict[str, str]
    runs: Callable[[], int] = lambda: 0
    ended: int = 0

    @contextlib.contextmanager
    def running(self, window: str | None = None) -> Iterator[subprocess.Popen[bytes]]:
        """The command in a process group of its own, which kills itself before a change that `window` matches."""
        hooks = self.folder / "hooks"  # a module of this name is imported as Python starts
        hooks.mkdir(exist_ok=True)
        (hooks / "sitecustomize.py").write_text(WATCH)
        outer = {key: value for key, value in os.environ.items() if not key.startswith(("SELFSOWN_", "MLFLOW_"))}
        environment = outer | {"OMP_NUM_THREADS": "1", "PYTHONPATH": f"{hooks}{os.pathsep}{SOURCE}", **self.settings}
        if window:
            environment["KILL_BEFORE"] = window
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "selfsown", *self.command],
                cwd=self.folder, env=environment, stdout=log, stderr=log, start_new_session=True,
            )  # fmt: skip
        try:
            yield process
        finally:
            if process.poll() is None:  # the test failed meanwhile
                os.killpg(process.pid, signal.SIGKILL)
                process.wait()

    def end(self, process: subprocess.Popen[bytes]) -> None:
        """It must have ended well, with the whole result."""
        assert process.wait(600) == 0, (self.folder / "log").read_text()[-3000:]
        self.ended += 1
        self.whole(self.folder / self.out, self.ended)

    def undisturbed(self) -> tuple[float, float]:
        """Run it; the CPU seconds it had spent when work began, and at its end."""
        begun = spent = 0.0
        with self.running() as process:
            while process.poll() is None:
                spent = max(spent, cpu_seconds(process.pid))
                if not begun and (self.folder / self.out).exists():
                    begun = spent
                time.sleep(0.03)
            self.end(process)
        return begun, spent

    def killed(self, moment: float | str) -> bool:
        """Run it until it has spent that many CPU seconds, or into that window; false if it ended before."""
        with self.running(moment if isinstance(moment, str) else None) as process:
            while process.poll() is None:
                if not isinstance(moment, str) and cpu_seconds(process.pid) >= moment:
                    os.killpg(process.pid, signal.SIGKILL)
                    process.wait()
                time.sleep(0.03)
        if process.returncode != -signal.SIGKILL:
            self.end(process)
            return False
        if self.runs() > self.ended:  # all was done, only the process had not yet exited
            self.ended += 1
            self.whole(self.folder / self.out, self.ended)
        self.sound(self.folder / self.out)
        return True


def cpu_seconds(pid: int) -> float:
    """What a process and its descendants have spent."""
    total = 0.0
    with contextlib.suppress(psutil.NoSuchProcess):
        process = psutil.Process(pid)
        for each in [process, *process.children(recursive=True)]:
            with contextlib.suppress(psutil.NoSuchProcess):
                total += sum(each.cpu_times()[:4])
    return total


def campaign(job: Job, windows: Sequence[str], begun: float, end: float) -> None:
    """Kill the job in each window and at `MOMENTS` moments: one while it starts, the others while it works."""
    rng = random.Random(SEED)
    step = (end - begun) / (MOMENTS - 1)
    moments = [rng.uniform(0, begun), *(begun + step * (part + rng.random()) for part in range(MOMENTS - 1))]
    rng.shuffle(moments)
    kills = at_work = 0
    for planned in [*moments[:4], *windows, *moments[4:]]:
        kill, tries = planned, 0
        while not job.killed(kill):  # less was left to do, or the machine is quicker than when it was measured
            tries += 1
            assert tries < 4, f"it ended before {kill} {tries} times"
            kill = kill if isinstance(kill, str) else 0.85 * kill
            shutil.rmtree(job.folder / job.out)
        kills += 1
        at_work += (job.folder / job.out).exists()
        print(f"killed at {kill}: {listing(job.folder / job.out)}")
    with job.running() as process:
        job.end(process)
    assert kills == MOMENTS + len(windows) and at_work >= kills // 2


def listing(out: Path) -> list[str]:
    return sorted(str(path.relative_to(out)) for path in out.rglob("*")) if out.exists() else []


def contents(folder: Path) -> dict[str, str]:
    """Every file below a folder, hidden ones too, with its sha256."""
    return {str(path.relative_to(folder)): file_sha256(path) for path in folder.rglob("*") if path.is_file()}
