"""`selfsown doctor`: quick, honest about what is out of reach, silent about passwords."""

import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from selfsown import doctor
from selfsown.doctor import PROFILES, Machine, unreachable

CLUSTER = Machine(cores=64, memory=500, disk=9000, cache=9000, gpus=(("H100", 79.6),) * 8, packages=True, hub=True)
LAPTOP = Machine(cores=2, memory=15.5, disk=60, cache=60, gpus=(), packages=True, hub=False)
NEEDS = {needs.profile: needs for needs in PROFILES}


def test_every_profile_is_judged() -> None:
    conf = Path(__file__).parent.parent / "conf" / "profile"
    assert set(NEEDS) == ({path.stem for path in conf.glob("*.yaml")} or set(NEEDS))


def test_a_laptop_runs_the_default_but_not_the_gpu_profile() -> None:
    assert NEEDS["laptop"].missing(LAPTOP) == []
    reasons = NEEDS["gpu"].missing(LAPTOP)
    assert any("GPU" in reason for reason in reasons)
    assert any("hub" in reason for reason in reasons)
    assert all(needs.missing(CLUSTER) == [] for needs in PROFILES)


def test_without_registries_or_mirror_nothing_runs() -> None:
    island = Machine(cores=64, memory=500, disk=9000, cache=9000, gpus=(), packages=False, hub=False)
    assert all(needs.missing(island) for needs in PROFILES)


def test_reachability_of_servers_folders_and_databases(tmp_path: Path) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        port = server.getsockname()[1]
        assert unreachable(f"http://127.0.0.1:{port}/api") == ""
        assert unreachable(f"postgresql://me:secret@127.0.0.1:{port}/runs") == ""
    fault = unreachable(f"http://127.0.0.1:{port}/api")
    assert f"127.0.0.1:{port}" in fault
    assert unreachable(str(tmp_path)) == ""
    assert unreachable(str(tmp_path / "absent")) == "no such folder"
    assert unreachable(f"sqlite:///{tmp_path}/mlflow.db") == ""
    assert unreachable(f"sqlite:///{tmp_path}/absent/mlflow.db") == "no such folder"


def test_behind_a_proxy_it_is_the_proxy_that_must_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        proxy = f"http://me:secret@127.0.0.1:{server.getsockname()[1]}"
        for name in ("HTTP_PROXY", "https_proxy"):
            monkeypatch.setenv(name, proxy)
        assert unreachable("https://far.invalid/simple") == unreachable("http://far.invalid") == ""
        monkeypatch.setenv("NO_PROXY", "near.invalid")
        assert "near.invalid:443" in unreachable("https://me:secret@near.invalid/simple")
    fault = unreachable("https://far.invalid/simple")
    assert "127.0.0.1" in fault and "secret" not in fault


def test_a_hanging_name_server_does_not_hold_the_report_up(monkeypatch: pytest.MonkeyPatch) -> None:
    over = threading.Event()

    def hang(*_: object, **__: object) -> None:
        over.wait(30)
        raise OSError("the test is over")

    monkeypatch.setattr(socket, "create_connection", hang)
    started = time.monotonic()
    assert doctor.ask("http://one.invalid", "", "http://two.invalid") == ["no answer in 1 s", "", "no answer in 1 s"]
    assert time.monotonic() - started < 10, "it waited for a name server that hangs"
    over.set()


def test_the_report_is_quick_and_keeps_passwords_to_itself(tmp_path: Path) -> None:
    environment = {"PATH": "/usr/bin:/bin", "MLFLOW_TRACKING_URI": "postgresql://me:secret@127.0.0.1:1/runs"}
    environment |= {
        "PYTHONPATH": str(Path(doctor.__file__).parents[1]),
        "SELFSOWN_MIRROR": "http://me:secret@127.0.0.1:1",
    }
    code = (
        "import sys, time; t = time.monotonic(); from selfsown.doctor import report; print(report());"
        "assert not {'torch', 'mlflow', 'great_expectations', 'transformers'} & set(sys.modules), 'heavy import';"
        "print('seconds', time.process_time())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert "secret" not in done.stdout
    assert done.stdout.count("//127.0.0.1:1") == 2, "the store and the mirror"
    assert float(done.stdout.split()[-1]) < 2  # of the processor: the wall clock belongs to whoever shares it
    for profile in NEEDS:
        assert f"\n  {profile}" in done.stdout
