"""A set whose texts repeat by design, spoken digits, from `source add` to what the pipeline measures."""

from __future__ import annotations

import csv
import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from selfsown.audio import resample
from selfsown.speech_bt.engines import EspeakVoice, Failure
from selfsown.speech_bt.engines.espeak import Espeak

ROOT = Path(__file__).parents[2]
WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SPEAKERS = ("en", "en+f2", "en-us", "en+m3", "en-us+f4", "en+m5")


def speak_digits(folder: Path) -> None:
    """10 texts, 6 speakers, 8 kHz, 0.15 to 2.3 s: what the Free Spoken Digit Dataset looks like."""
    rng, engine, rows = random.Random(1), Espeak(), []
    folder.mkdir()
    for speaker, name in enumerate(SPEAKERS):
        for word in WORDS:
            for take, rate in enumerate((450, 260, 120)):
                voice = EspeakVoice(engine="espeak", voice=name, rate=rate, pitch=rng.randrange(30, 70))
                (sound,) = engine.synthesize([word], voice)
                assert not isinstance(sound, Failure)
                loud = np.flatnonzero(np.abs(sound) > 0.01)
                spoken = resample(sound[loud[0] : loud[-1]], engine.sample_rate, 8000)
                tail = np.zeros(max(rng.choice((0, 0, 8000)), 1200 - len(spoken)), np.float32)
                clip = np.concatenate([spoken, tail])
                path = folder / f"{word}_{speaker}_{take}.wav"
                soundfile.write(path, clip, 8000)
                rows.append((path.name, word, f"s{speaker}"))
    with (folder / "manifest.csv").open("w", newline="") as file:
        csv.writer(file).writerows([("audio", "text", "speaker"), *rows])


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_spoken_digits_run_to_the_figures(tmp_path: Path) -> None:
    listed = subprocess.run(
        ["git", "ls-files", "-coz", "--exclude-standard"], cwd=ROOT, capture_output=True, check=True
    )
    for name in filter(None, listed.stdout.decode().split("\0")):
        if (ROOT / name).is_file() and not name.startswith("metrics/"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, tmp_path / name)
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("MLFLOW_", "PYTEST_"))}
    environment = kept | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(tmp_path / "src"),
    }

    def run(*command: str) -> str:
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert done.returncode == 0, f"{' '.join(command)}: {done.stdout[-4000:]}"
        return done.stdout

    run("git", "init")
    speak_digits(tmp_path / "digits")
    run(sys.executable, "scripts/set_profile.py", "profile=smoke")
    file = tmp_path / "params.yaml"
    params = yaml.safe_load(file.read_text())
    params["languages"] = ["en"]
    params["corpora"]["speech"]["own"]["disjoint"] = "speaker"
    params["corpora"]["speech"]["in_domain"] = ["digits"]
    params["speech_bt"]["synthesize"]["voices"]["en"] = [{"engine": "espeak", "voice": name} for name in SPEAKERS[:2]]
    file.write_text(yaml.safe_dump(params))
    said = run("selfsown", "source", "add", "digits", "digits")
    assert (
        said.startswith("digits: 180 recordings") and "the stage will split en into seed 120, dev 30, test 30" in said
    )
    run("dvc", "repro", "pipelines/speech_bt/dvc.yaml")
    rows = json.loads((tmp_path / "metrics/speech_bt.rows.json").read_text())
    arms = {row["arm"] for row in rows if row["measure"] == "wer"}
    assert {*params["speech_bt"]["matrix"]["transcribed"], "alpha_0.5", "alpha_1"} == arms - {"untouched_short"}
    assert "Running stage 'report'" in run("dvc", "repro", "--single-item", "report")
    assert "speech_bt" in (tmp_path / "reports/results.md").read_text()
