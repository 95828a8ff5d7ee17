"""Parameters flattened within MLflow's limits; products known by the hash DVC gives them."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pynvml
import pytest
import yaml

from selfsown.products import CardInfo, read_card
from selfsown.settings import settings
from selfsown.shards import write_product
from selfsown.tracking.lineage import (
    LONGEST_PARAM,
    contaminated,
    device,
    dvc_digest,
    flatten,
    made_from,
    product,
    source_tags,
)


def test_flatten_keeps_structure_and_limits() -> None:
    flat = flatten({"a": {"b": [1, 2], "c": None}, "text": "x" * 9000, "voices": {"cs+m3": 1, "cs_m3": 2}, "e": {}})
    assert flat["a.b"] == "[1, 2]" and flat["a.c"] == "null" and flat["e"] == "{}"
    assert len(flat["text"]) == LONGEST_PARAM and flat["text"].endswith("...")
    assert len(flat) == 6, "no two keys may collide once '+' is replaced"


def test_digest_is_dvcs(project: Path) -> None:
    folder = Path("data/x")
    for name in ("b.txt", "a/b.txt", "a-b/c.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    for command in (["init", "--no-scm", "-q"], ["add", "-q", str(folder)]):
        subprocess.run([sys.executable, "-m", "dvc", *command], check=True)
    expected = yaml.safe_load(Path("data/x.dvc").read_text())["outs"][0]["md5"]
    assert dvc_digest(folder) == expected
    assert len(expected) == 36


def test_lock_is_believed_only_while_sizes_agree(project: Path) -> None:
    folder = Path("data/demo/speech")
    deps = [{"path": "data/raw", "md5": "1" * 32 + ".dir"}, {"path": "src/selfsown/text.py", "md5": "2" * 32}]
    outs = [{"path": str(folder), "hash": "md5", "md5": "0" * 32 + ".dir", "size": 4, "nfiles": 1}]
    lock = Path("pipelines/demo/dvc.lock")
    lock.parent.mkdir(parents=True)
    lock.write_text(yaml.safe_dump({"schema": "2.0", "stages": {"speech": {"cmd": "x", "deps": deps, "outs": outs}}}))
    assert (product(folder).digest, product(folder).origin) == ("0" * 32 + ".dir", "dvc.lock")
    assert [(used.name, used.digest) for used in made_from(folder)] == [("raw", "1" * 32 + ".dir")]
    assert product(folder).name == "demo/speech"
    (folder / "part-00001.parquet").write_bytes(b"more")
    assert (product(folder).digest, product(folder).origin) == (dvc_digest(folder), "computed")


def test_tags_say_stage_profile_seed_and_commit(project: Path) -> None:
    tags = source_tags("demo.train@a", {"seed": 3}, "f")
    assert (tags["stage"], tags["labels"], tags["composed_from"], tags["seed"]) == ("demo.train", "a", "smoke", "3")
    Path("params.yaml").write_text("{composed_from: study, seed: 2}")
    assert (
        source_tags("demo.transcribe@a", {"limit": 5}, "f").items() >= {"composed_from": "study", "seed": "2"}.items()
    )


SAYS_REPRO = "from selfsown.tracking.lineage import repro; print(repro())"


@pytest.mark.parametrize(("program", "said"), [("dvc", True), ("make", False)])
def test_stages_below_one_process_of_dvc_are_known_as_one_repro(program: str, said: bool, tmp_path: Path) -> None:
    """A program of DVC's name starts two stages, one of them by way of a shell."""
    file = tmp_path / program
    file.write_text(
        "import subprocess, sys, time\n"
        f"stage = [sys.executable, '-c', {SAYS_REPRO!r}]\n"
        "subprocess.run(stage)\n"
        "time.sleep(1.1)\n"
        "subprocess.run(['sh', '-c', '\"$@\"; true', 'sh', *stage])\n"
    )
    done = subprocess.run([sys.executable, file, "repro"], check=True, capture_output=True, text=True)
    first, second = done.stdout.splitlines()
    assert first == second and bool(re.fullmatch(rf"[\d: -]{{19}} {re.escape(socket.gethostname())}", first)) == said


@pytest.mark.parametrize(
    ("visible", "told"),
    [
        (None, "2 x NVIDIA A, 1 x NVIDIA B"),
        ("2", "1 x NVIDIA B"),
        ("", "cpu"),
        ("GPU-7", "1 x NVIDIA B"),
        ("GPU-abbreviated", "1 x GPU-abbreviated"),
    ],
)
def test_a_run_says_what_it_computes_on(visible: str | None, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver's answers are made up: three GPUs of two kinds, the last of which is GPU-7."""

    def by_uuid(name: str) -> str:
        if name != "GPU-7":
            raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)
        return "NVIDIA B"

    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 3)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: ("NVIDIA A", "NVIDIA A", "NVIDIA B")[index])
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByUUID", by_uuid)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetName", lambda handle: handle)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    monkeypatch.delenv("SELFSOWN_DEVICE", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    settings.cache_clear()
    try:
        assert device() == told
    finally:
        settings.cache_clear()


def test_a_model_is_contaminated_by_all_that_it_was_trained_on(project: Path) -> None:
    schema = pa.schema([("a", pa.string())])
    for name, marks in {"data/clean": (), "data/marked": ("bigbench",)}.items():
        info = CardInfo(name=name, licence="x", source="x", seed=1, contaminated=marks)
        write_product(Path(name), [schema.empty_table()], schema=schema, card=info)
        assert read_card(Path(name)).contaminated == marks
        assert ("contaminated" in Path(name, "card.json").read_text()) == bool(marks), "clean cards stay as they were"
        assert ("Contaminated: bigbench" in Path(name, "README.md").read_text()) == bool(marks)
    made = {"models/base": ["data/marked"], "models/fine": ["models/base", "data/clean"], "models/own": ["data/clean"]}
    stages = {
        out: {"cmd": "x", "deps": [{"path": path, "md5": "1" * 32} for path in deps], "outs": [{"path": out}]}
        for out, deps in made.items()
    }
    lock = Path("pipelines/demo/dvc.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    assert [contaminated(Path(name)) for name in (*made, "models/none")] == [["bigbench"], ["bigbench"], [], []]
