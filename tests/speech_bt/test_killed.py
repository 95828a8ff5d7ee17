"""Kill -9 over synthesis and training."""

from __future__ import annotations

import contextlib
import json
import random
import re
import shutil
import sqlite3
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
import yaml
from tests.killing import SEED, Job, campaign, contents, listing

from selfsown.audio import UTTERANCE
from selfsown.corpora.sentences import SENTENCE
from selfsown.products import CardInfo, read_product
from selfsown.shards import write_product
from selfsown.sources.tree import file_sha256

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]

STEPS = 24
CARD = CardInfo(name="made", licence="CC0-1.0", source="made here", seed=1)


def test_synthesize(tmp_path: Path) -> None:
    rng = random.Random(SEED)
    words = ["voda", "ryba", "loď", "moře", "kámen", "hlubina", "světlo", "bublina", "písek", "vrak", "poklad", "tma"]
    rows = [
        {"id": f"s{index:02d}", "text": " ".join(rng.choices(words, k=60)) + ".", "language": "cs", "source": "made",
         "domain": "prose"} for index in range(58)
    ]  # fmt: skip
    rows += [{**rows[0], "id": f"m{index}", "text": "…"} for index in range(2)]  # nothing to say: refused
    write_product(tmp_path / "sentences", [pa.Table.from_pylist(rows, SENTENCE)], schema=SENTENCE, card=CARD)
    prompts = pa.Table.from_pylist(
        [{"id": "u1", "split": "seed", "language": "nl"}], UTTERANCE
    )  # espeak clones no voice
    write_product(tmp_path / "speech", [prompts], schema=UTTERANCE, card=CARD)
    section = {
        "sentences": {"prose": 60}, "renditions": 1, "shard_size": 5, "matched": {"splits": ["seed"], "texts": 2},
        "voices": {"cs": [{"engine": "espeak", "voice": f"cs+{name}"} for name in ("f2", "m3", "m1")]},
        "qualities": {},
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
        assert read_product(out).num_rows == 58 and len(expected) == 15

    command = ["speech_bt.synthesize", "--sentences", "sentences", "--speech", "speech", "--synthetic", "synthetic"]
    job = Job(tmp_path, command, "synthetic", sound, whole, {"SELFSOWN_WORKERS": "2"})
    begun, end = job.undisturbed()
    shutil.rmtree(tmp_path / "synthetic")
    # before a shard, what was refused, or the card has its name, while the work folder is removed
    windows = [r"rename .*part-00004", r"rename .*/\.rejected\.parquet\.\d", r"rename .*card\.json"]
    campaign(job, [*windows, r"remove .*00007\.json"], begun, end)


def test_train(tmp_path: Path) -> None:
    import torch  # here: synthesis needs nothing that takes so long to import
    from safetensors.torch import load_file
    from tests.speech_bt.test_train import PARAMS, clips
    from tests.speech_bt.tiny_whisper import tiny_model, tiny_processor

    from selfsown.training import last_checkpoint

    names = ("untouched", "speech", "synthetic", "accepted")
    tiny_model().export(tmp_path / "untouched")
    tiny_processor().save_pretrained(tmp_path / "untouched")
    real = pa.Table.from_pylist(clips(8, "seed") + clips(4, "dev"), UTTERANCE)
    write_product(tmp_path / "speech", [real], schema=UTTERANCE, card=CARD)
    made = pa.Table.from_pylist(clips(10, "synthetic"), UTTERANCE)
    write_product(tmp_path / "synthetic", [made], schema=UTTERANCE, card=CARD)
    ids = made.select(["id"])
    write_product(tmp_path / "accepted", [ids[:7]], schema=ids.schema, card=CARD)
    params = {key: value for key, value in PARAMS.items() if key not in ("seed", "data_seed", "languages")}
    arguments = params["arguments"] | {"max_steps": STEPS, "logging_steps": 3, "eval_steps": 6, "save_steps": 6}
    section = params | {"arguments": arguments}
    (tmp_path / "params.yaml").write_text(
        yaml.safe_dump({"seed": 3, "data_seed": 1, "languages": ["cs"], "speech_bt": {"train": section}})
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
        points = [point for point in points if point[0] != "speed/epoch"]  # part of every record, two for some steps
        steps = [(key, step) for key, step, _ in points]
        assert len(set(steps)) == len(steps), "a step was logged twice"
        others = "system/|speed/|train/mean_loss"  # which the trainer takes over the steps since it was started
        trained = {(key, step): value for key, step, value in points if not re.match(others, key)}
        history.update(history or trained)
        assert trained.keys() == history.keys(), "holes, or points of nowhere"
        assert trained == pytest.approx(history, rel=1e-4, abs=1e-6)
        assert {step for key, step in trained if key == "train/loss"} == set(range(3, STEPS + 1, 3))

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
