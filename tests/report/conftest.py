"""A small project to report on. Its figures are made up, in the shape and size of real ones."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.repo import Repo
from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

ROOT = Path(__file__).parents[2]

PARAMS: dict[str, Any] = {
    "profile": "fixture",
    "seed": 1,
    "languages": ["cs"],
    "speech_bt": {
        "matrix": {"arms": ["real", "synthetic", "mixed"]},
        "pretrained": {"source": "whisper-base"},
        "synthesize": {"sentences": {"dialogue": 1600, "prose": 400}},
        "gate": {"min_norm_i": 0.3},
        "train": {"steps": 320, "learning_rate": 1e-4},
        "transcribe": {
            "windows": [[6, 11]],
            "untouched_windows": [[30], [6, 11]],
            "limit": 250,
            "normalizer": "whisper_basic",
        },
    },
    "report": {"page": {}},
}

PIPELINES = {
    "corpora": {
        "speech": {"cmd": "a", "outs": ["data/speech"], "desc": "Real speech <transcribed>"},
        "sentences": {"cmd": "b", "deps": ["data/speech"], "outs": ["data/sentences"]},
    },
    "speech_bt": {
        "synthesize": {"cmd": "c", "deps": ["data/sentences", "data/speech"], "outs": ["data/synthetic"]},
        "train": {
            "matrix": {"arm": "${speech_bt.matrix.arms}"},
            "cmd": "d",
            "deps": ["data/synthetic", "data/speech"],
            "outs": ["models/${item.arm}"],
        },
        "evaluate": {"cmd": "e", "deps": ["models"], "metrics": ["metrics/speech_bt.json"]},
    },
}


PROFILES = sorted(path.stem for path in (ROOT / "conf/profile").glob("*.yaml"))


def composed(*overrides: str) -> Any:
    """`params.yaml` of a profile, as DVC composes it."""
    with initialize_config_dir(str(ROOT / "conf"), version_base=None):
        return OmegaConf.to_container(compose("config", list(overrides)), resolve=True)


def estimate(key: str, value: float, half: float, n: int = 197) -> dict[str, float]:
    return {key: value, f"{key}_lo": value - half, f"{key}_hi": value + half, f"{key}_n": n}


def figures() -> dict[str, float]:
    found: dict[str, float] = {}
    rates = {"untouched": 0.664, "real": 0.601, "synthetic": 0.652, "mixed": 0.567}
    for arm, wer in rates.items():
        found |= estimate(f"wer_{arm}", wer, 0.034) | estimate(f"cer_{arm}", wer * 0.48, 0.021)
        found |= estimate(f"ood_wer_{arm}", wer * 1.08, 0.052, 88) | estimate(f"ood_cer_{arm}", wer * 0.55, 0.03, 88)
        found |= {f"substitutions_{arm}": wer * 0.7, f"deletions_{arm}": wer * 0.1, f"insertions_{arm}": wer * 0.2}
        found |= {f"hallucination_{arm}": 0.1, f"repeated_{arm}": 0.005, f"cut_{arm}": 0.0}
    found |= estimate("wer_untouched_11s", 0.691, 0.036) | estimate("wer_mixed_30s", 0.574, 0.035)
    found |= estimate("wer_relative_reduction", 0.146, 0.053) | estimate("ood_wer_relative_reduction", 0.031, 0.058, 88)
    found |= estimate("wer_relative_reduction_synthetic", -0.064, 0.041) | estimate(
        "wer_mixed_minus_real", -0.034, 0.025
    )
    return found


SAMPLES = [
    {
        "kind": "worst",
        "arm": "mixed",
        "reference": "Ticho!",
        "hypothesis": "ty | chodí <b>ven</b>",
        "untouched": "",
        "wer": 3.0,
    },
    {
        "kind": "worst",
        "arm": "mixed",
        "reference": "tak jdeme",
        "hypothesis": "tak i ty máš",
        "untouched": "thank you",
        "wer": 1.5,
    },
    {
        "kind": "median",
        "arm": "mixed",
        "reference": "podívej se na ten obraz tam vzadu na stěně",
        "hypothesis": "podívej se na ten obras tam za duna stěně",
        "untouched": "podivej se na tento brost tam vzadu nas tjene",
        "wer": 0.4444,
    },
]


def write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Root of a DVC repo with two pipelines, the real `paper.yaml` of one, and metrics."""
    write(tmp_path / "params.yaml", PARAMS)
    front = {"report": {"cmd": "f", "deps": ["metrics"], "outs": ["reports/index.html"]}}
    (tmp_path / "dvc.yaml").write_text(yaml.safe_dump({"stages": front}))
    for name, stages in PIPELINES.items():
        path = tmp_path / "pipelines" / name / "dvc.yaml"
        path.parent.mkdir(parents=True)
        declared = {stage: {"wdir": "../..", **body} for stage, body in stages.items()}
        path.write_text(yaml.safe_dump({"vars": ["../../params.yaml"], "stages": declared}))
    shutil.copy(ROOT / "pipelines/speech_bt/paper.yaml", tmp_path / "pipelines/speech_bt")
    write(tmp_path / "metrics/speech_bt.json", figures())
    voices = {"cs_festival_machac": 1.11, "cs_festival_krb": 1.0, "cs_festival_dita": 0.98, "cs_espeak_m3": 0.28}
    write(
        tmp_path / "metrics/speech_bt.gate.json",
        {f"norm_i_{voice}": value for voice, value in voices.items()} | {"voices": 4},
    )
    curve = [
        {"arm": arm, "step": step, "wer": end + 0.2 * 0.7 ** (step / 40)}
        for arm, end in (("real", 0.6), ("synthetic", 0.65), ("mixed", 0.56))
        for step in range(0, 321, 40)
    ]
    write(tmp_path / "metrics/plots/speech_bt/dev.json", curve)
    write(tmp_path / "metrics/plots/speech_bt/samples.json", SAMPLES)
    Repo.init(str(tmp_path), no_scm=True).close()
    return tmp_path
