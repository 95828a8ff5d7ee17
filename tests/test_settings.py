"""Settings: what is wrong in the environment is one readable line, and the example file can be used as it is."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from selfsown import device
from selfsown.errors import UserError
from selfsown.settings import Settings, settings

EXAMPLE = Path(__file__).parents[1] / ".env.example"


@pytest.fixture(autouse=True)
def own_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.chdir(tmp_path)
    for name in Settings.model_fields:
        monkeypatch.delenv(f"SELFSOWN_{name.upper()}", raising=False)
    settings.cache_clear()
    yield
    settings.cache_clear()


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("DEVICE", "gpu", "'auto', 'cpu' or 'cuda'"),
        ("PRECISION", "half", "'auto', 'fp32' or 'bf16'"),
        ("WORKERS", "0", "greater than or equal to 1"),
        ("WORKERS", "many", "valid integer"),
        ("OFFLINE", "perhaps", "valid boolean"),
    ],
)
def test_a_wrong_value_is_named_with_what_is_allowed(
    name: str, value: str, allowed: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"SELFSOWN_{name}", value)
    with pytest.raises(UserError, match=rf"^SELFSOWN_{name}: '{value}' is not allowed: .*{allowed}"):
        settings()


def test_the_command_line_shows_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFSOWN_DEVICE", "gpu")
    monkeypatch.setenv("SELFSOWN_WORKERS", "0")
    ran = subprocess.run([sys.executable, "-m", "selfsown", "doctor"], capture_output=True, text=True, check=False)
    assert ran.returncode == 1 and "Traceback" not in ran.stderr
    assert re.fullmatch(r"selfsown: SELFSOWN_DEVICE: 'gpu' .*'cuda'\nSELFSOWN_WORKERS: '0' .*\n", ran.stderr), (
        ran.stderr
    )


def test_cuda_where_there_is_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device.torch.cuda, "is_available", lambda: False)
    monkeypatch.setenv("SELFSOWN_DEVICE", "cuda")
    with pytest.raises(UserError, match=r"SELFSOWN_DEVICE: 'cuda' is not allowed: .*auto or cpu"):
        device.compute_device()


def test_every_line_of_the_example_may_be_uncommented() -> None:
    ours = re.findall(r"^# (SELFSOWN_\w+)=", EXAMPLE.read_text(), re.MULTILINE)
    assert sorted(ours) == sorted(f"SELFSOWN_{name.upper()}" for name in Settings.model_fields)
    Path(".env").write_text(re.sub(r"^# (?=[A-Z_]+=)", "", EXAMPLE.read_text(), flags=re.MULTILINE))
    defaults = Settings(_env_file=None)
    assert settings() == defaults.model_copy(update={"mirror": "/srv/mirror"})


def test_a_process_elsewhere_gets_what_was_set_here_from_the_file_too(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("SELFSOWN_PRECISION=fp32\nSELFSOWN_OFFLINE=true\nSELFSOWN_MIRROR=\nOTHER=1\n")
    monkeypatch.setenv("SELFSOWN_WORKERS", "2")
    here = settings()
    assert here.environment == {"SELFSOWN_OFFLINE": "True", "SELFSOWN_PRECISION": "fp32", "SELFSOWN_WORKERS": "2"}
    Path(".env").unlink()
    for name, value in here.environment.items():
        monkeypatch.setenv(name, value)
    assert Settings() == here
