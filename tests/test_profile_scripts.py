"""Which profile is active: there and back, with variants, and never over somebody's edits."""

import subprocess
import sys
from pathlib import Path

import pytest
import yaml

SCRIPTS = Path(__file__).parent.parent / "scripts"


def git(*arguments: str) -> None:
    subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments], check=True, capture_output=True)


def set_profile(*overrides: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, SCRIPTS / "set_profile.py", *overrides], capture_output=True, text=True)


def active() -> object:
    return yaml.safe_load(Path("params.yaml").read_text())


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for group in ("profile", "toy", "variant"):
        Path("conf", group).mkdir(parents=True)
    groups = "  - profile: laptop\n  - toy: ${profile}\n  - variant: []\n  - _self_\n"
    Path("conf/config.yaml").write_text(f"defaults:\n{groups}")
    for name in ("fewer", "more"):
        Path(f"conf/variant/{name}.yaml").write_text(f"# @package _global_\ntoy:\n  train:\n    {name}: 2\n")
    for name, steps in (("laptop", 100), ("smoke", 2)):
        Path(f"conf/profile/{name}.yaml").write_text(f"# @package _global_\ncomposed_from: {name}\nseed: 1\n")
        Path(f"conf/toy/{name}.yaml").write_text(f"train:\n  steps: {steps}\n")
    assert set_profile("profile=laptop").returncode == 0
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "start")
    return tmp_path


@pytest.mark.usefixtures("project")
def test_there_and_back_leaves_git_clean() -> None:
    assert set_profile("profile=smoke").returncode == 0
    assert active() == {"composed_from": "smoke", "seed": 1, "toy": {"train": {"steps": 2}}}
    assert set_profile("profile=smoke", "seed=3").returncode == 0
    assert active() == {"composed_from": "smoke", "seed": 3, "toy": {"train": {"steps": 2}}}
    assert set_profile("profile=smoke", "variant=more", "seed=2").returncode == 0
    assert active() == {"composed_from": "smoke", "seed": 2, "toy": {"train": {"steps": 2, "more": 2}}}
    assert set_profile("profile=laptop", "variant=[more,fewer]", "seed=2").returncode == 0
    assert active() == {"composed_from": "laptop", "seed": 2, "toy": {"train": {"steps": 100, "more": 2, "fewer": 2}}}
    assert set_profile("profile=laptop", "variant=[]").returncode == 0
    git("diff", "--exit-code")


@pytest.mark.usefixtures("project")
def test_edits_are_never_lost_without_a_word() -> None:
    mine = Path("params.yaml").read_text().replace("100", "55")
    Path("params.yaml").write_text(mine)
    refused = set_profile("profile=smoke")
    assert refused.returncode == 1
    assert "git checkout params.yaml" in refused.stderr
    assert Path("params.yaml").read_text() == mine
    git("commit", "-qam", "mine")
    assert set_profile("profile=smoke").returncode == 0


@pytest.mark.usefixtures("project")
def test_an_unknown_profile_or_key_is_one_clear_line() -> None:
    wrong = set_profile("profile=smoek")
    assert wrong.returncode == 1
    assert wrong.stderr == "profile: no profile 'smoek'; there are: laptop, smoke\n"
    key = set_profile("profile=smoke", "sede=3")
    assert key.returncode == 1
    assert "sede" in key.stderr
    assert "Traceback" not in key.stderr
