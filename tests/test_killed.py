"""Kill -9 over fetching, synthesis and training: a restart ends where an undisturbed run ends.

Each campaign runs a real command undisturbed, then kills its whole process group: in named windows, each a few
milliseconds wide, and at random moments spread over its measured duration. The killed command is started again over
what it left, several times before it may finish. After each kill nothing half-written passes for whole; after each end
the result is that of the undisturbed run, with nothing beside it.

A moment is CPU time that the group has spent, not time of day, so that other work on the machine does not move it.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import os
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

import psutil
import pyarrow as pa
import pytest
import yaml

from selfsown.audio import UTTERANCE
from selfsown.corpora.sentences import SENTENCE
from selfsown.shards import CardInfo, read_product, write_product
from selfsown.sources.tree import damage, file_sha256, tree_sha256

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

SOURCE = Path(__file__).parents[1] / "src"
SEED = 11
MOMENTS = 7
STEPS = 24
CARD = CardInfo(name="made", licence="CC0-1.0", source="made here", seed=1)

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


# --- fetch


class SlowFiles(SimpleHTTPRequestHandler):
    """Files of a folder, a megabyte in a tenth of a second."""

    def copyfile(self, source: IO[bytes], outputfile: IO[bytes]) -> None:  # type: ignore[override]
        with contextlib.suppress(OSError):
            while chunk := source.read(1 << 16):
                outputfile.write(chunk)
                time.sleep(0.006)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The URL of a mirror and the folder it serves."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: SlowFiles(*args, directory=str(folder)))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", folder
    server.shutdown()
    server.server_close()


def archive(rng: random.Random, name: str, count: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for index in range(count):
            info = tarfile.TarInfo(f"{name}/{index % 9}/{index}.txt")
            info.size = 2000
            tar.addfile(info, io.BytesIO(rng.randbytes(info.size)))
    return out.getvalue()


def test_fetch(mirror: tuple[str, Path], tmp_path: Path) -> None:
    url, held = mirror
    rng = random.Random(SEED)
    files = {f"{name}.tar.gz": archive(rng, name, 500) for name in "abc"}
    files |= {f"{name}.bin": rng.randbytes(1_500_000) for name in "de"}
    pins = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    (held / "made").mkdir()
    for name, data in files.items():
        (held / "made" / name).write_bytes(data)
    entries = [
        {"path": name, "urls": ["http://127.0.0.1:9/none"], "sha256": pins[name], "bytes": len(data)}
        | ({"keep": ["*.txt"]} if name.endswith(".gz") else {})
        for name, data in files.items()
    ]
    (tmp_path / "conf").mkdir()
    source = {"kind": "url", "version": "1", "licence": "CC0-1.0", "citation": "a test", "files": entries}
    (tmp_path / "conf" / "sources.yaml").write_text(yaml.safe_dump({"made": source}))
    trees: set[str] = set()

    def sound(cache: Path) -> None:
        for manifest in cache.glob("sources/*.json"):
            assert damage(manifest, manifest.with_suffix(""), full=True) is None
        for file in cache.glob("sources/*.partial/downloads/*"):
            assert file.suffix == ".part" or file_sha256(file) == pins[file.name]

    def whole(cache: Path, _: int) -> None:
        (folder,) = (path for path in (cache / "sources").iterdir() if path.is_dir())
        assert damage(folder.with_name(f"{folder.name}.json"), folder, full=True) is None
        assert {path.name.removeprefix(folder.name) for path in folder.parent.iterdir()} == {"", ".json", ".lock"}
        trees.add(tree_sha256(folder))
        assert len(trees) == 1 and len(listing(folder)) > 1500

    job = Job(tmp_path, ["source", "fetch", "made"], "cache", sound, whole,
              {"SELFSOWN_CACHE": str(tmp_path / "cache"), "SELFSOWN_MIRROR": url})  # fmt: skip
    begun, end = job.undisturbed()
    shutil.rmtree(tmp_path / "cache")
    # before a download has its name, before the manifest has its name, while what is no longer needed is removed
    campaign(job, [r"rename .*c\.tar\.gz\.part", r"rename .*\.json$", r"remove .*b\.tar\.gz"], begun, end)


# --- synthesize


def test_synthesize(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    words = ["voda", "ryba", "loď", "moře", "kámen", "hlubina", "světlo", "bublina", "písek", "vrak", "poklad", "tma"]
    rows = [
        {"id": f"s{index:02d}", "text": " ".join(rng.choices(words, k=60)) + ".", "language": "cs", "source": "made",
         "domain": "prose"} for index in range(58)
    ]  # fmt: skip
    rows += [{**rows[0], "id": f"m{index}", "text": "…"} for index in range(2)]  # nothing to say: refused
    write_product(tmp_path / "sentences", [pa.Table.from_pylist(rows, SENTENCE)], schema=SENTENCE, card=CARD)
    prompts = pa.Table.from_pylist([{"id": "u1", "split": "seed"}], UTTERANCE)  # espeak clones no voice
    write_product(tmp_path / "speech", [prompts], schema=UTTERANCE, card=CARD)
    section = {
        "sentences": {"prose": 60}, "renditions": 1, "shard_size": 5,
        "voices": {"cs": [{"engine": "espeak", "voice": f"cs+{name}"} for name in ("f2", "m3", "m1")]},
        "augment": {"speed": {"probability": 0.8, "low": 0.9, "high": 1.1}},
    }  # fmt: skip
    (tmp_path / "params.yaml").write_text(
        yaml.safe_dump({"data_seed": 1, "languages": ["cs"], "speech_bt": {"synthesize": section}})
    )
    expected: dict[str, str] = {}

    def sound(out: Path) -> None:
        for path in out.glob("part-*.parquet"):
            assert file_sha256(path) == expected[path.name]
        for path in out.glob(".work/[0-9]*.json"):
            info = json.loads(path.read_text())
            assert expected[info["file"]] == info["sha256"]
        if (out / "card.json").exists():
            assert read_product(out).num_rows == 58
            assert contents(out).items() >= expected.items()

    def whole(out: Path, _: int) -> None:
        expected.update(expected or contents(out))
        assert contents(out) == expected
        assert read_product(out).num_rows == 58 and len(expected) == 14

    command = ["speech_bt.synthesize", "--sentences", "sentences", "--speech", "speech", "--synthetic", "synthetic"]
    job = Job(tmp_path, command, "synthetic", sound, whole, {"SELFSOWN_WORKERS": "2"})
    begun, end = job.undisturbed()
    shutil.rmtree(tmp_path / "synthetic")
    # before a shard, what was refused, or the card has its name, while the work folder is removed
    windows = [r"rename .*part-00004", r"rename .*/\.rejected\.parquet\.\d", r"rename .*card\.json"]
    campaign(job, [*windows, r"remove .*00007\.json"], begun, end)


# --- train


def test_train(tmp_path: Path) -> None:
    import torch  # here: the other two need nothing that takes so long to import
    from safetensors.torch import load_file
    from tests.speech_bt.test_train import PARAMS, clips
    from tests.speech_bt.tiny_whisper import tiny_model, tiny_processor

    from selfsown.training import last_checkpoint

    names = ("pretrained", "speech", "synthetic", "accepted")
    tiny_model().export(tmp_path / "pretrained")
    tiny_processor().save_pretrained(tmp_path / "pretrained")
    real = pa.Table.from_pylist(clips(8, "seed") + clips(4, "dev"), UTTERANCE)
    write_product(tmp_path / "speech", [real], schema=UTTERANCE, card=CARD)
    made = pa.Table.from_pylist(clips(10, "synthetic"), UTTERANCE)
    write_product(tmp_path / "synthetic", [made], schema=UTTERANCE, card=CARD)
    ids = made.select(["id"])
    write_product(tmp_path / "accepted", [ids[:7]], schema=ids.schema, card=CARD)
    params = {key: value for key, value in PARAMS.items() if key not in ("seed", "languages")}
    arguments = params["arguments"] | {"max_steps": STEPS, "logging_steps": 3, "eval_steps": 6, "save_steps": 6}
    section = params | {"arguments": arguments}
    (tmp_path / "params.yaml").write_text(
        yaml.safe_dump({"seed": 3, "languages": ["cs"], "speech_bt": {"train": section}})
    )
    weights: dict[str, Any] = {}
    history: dict[tuple[str, int], float] = {}
    files: set[str] = set()

    def query(text: str, *values: str) -> list[tuple[Any, ...]]:
        try:
            with contextlib.closing(sqlite3.connect(f"file:{tmp_path / 'mlflow.db'}?mode=ro", uri=True)) as database:
                return list(database.execute(text, values))
        except sqlite3.OperationalError:  # not made yet
            return []

    def same_weights(model: Path) -> None:
        found = load_file(model / "model.safetensors")
        assert found.keys() == weights.keys()
        for name, weight in weights.items():
            torch.testing.assert_close(found[name], weight, msg=name)  # fp32: 1.3e-6 relative and 1e-5 absolute

    def sound(model: Path) -> None:
        if (model / "model.safetensors").exists():
            same_weights(model)
        if (model / ".work" / "identity").exists() and (found := last_checkpoint(model / ".work")):
            assert load_file(Path(found, "model.safetensors")).keys() == weights.keys()
            assert torch.load(Path(found, "optimizer.pt"), weights_only=True)["state"]
            assert Path(found, "rng_state.pth").exists() and Path(found, "scheduler.pt").exists()
        if (model / "training.json").exists():
            assert json.loads((model / "training.json").read_text())[-1]["step"] == STEPS

    def whole(model: Path, ended: int) -> None:
        weights.update(weights or load_file(model / "model.safetensors"))
        same_weights(model)
        files.update(files or listing(model))
        assert set(listing(model)) == files and ".work" not in files
        curve = json.loads((model / "training.json").read_text())
        assert [point["step"] for point in curve] == list(range(6, STEPS + 1, 6))
        runs = query("SELECT run_uuid, status FROM runs ORDER BY start_time")
        assert [status for _, status in runs] == ["FINISHED"] * ended
        points = query("SELECT key, step, value FROM metrics WHERE run_uuid = ?", runs[-1][0])
        points = [point for point in points if point[0] != "epoch"]  # part of every record, two for some steps
        steps = [(key, step) for key, step, _ in points]
        assert len(set(steps)) == len(steps), "a step was logged twice"
        trained = {(key, step): value for key, step, value in points if not re.match("system/|train_", key)}
        history.update(history or trained)
        assert trained.keys() == history.keys(), "holes, or points of nowhere"
        assert trained == pytest.approx(history, rel=1e-4, abs=1e-6)
        assert {step for key, step in trained if key == "loss"} == set(range(3, STEPS + 1, 3))

    def finished() -> int:
        return len(query("SELECT 1 FROM runs WHERE status = 'FINISHED'"))

    options = [part for name in names for part in (f"--{name}", name)]
    settings = {"SELFSOWN_DEVICE": "cpu", "SELFSOWN_PRECISION": "fp32"}
    command = ["speech_bt.train", "--arm", "mixed", *options, "--model", "model"]
    job = Job(tmp_path, command, "model", sound, whole, settings, finished)
    begun, end = job.undisturbed()
    for path in (tmp_path / "mlflow.db", tmp_path / ".selfsown"):
        shutil.rmtree(path) if path.is_dir() else path.unlink()
    shutil.rmtree(tmp_path / "model")
    job.ended = 0
    # before a file of the finished model has its name, while the checkpoints are removed
    campaign(job, [r"rename .*training\.json", rf"rmdir .*checkpoint-{STEPS}"], begun, end)
    assert not list((tmp_path / ".selfsown" / "runs").iterdir())
