"""The server of `deploy/` without Docker: the compose file's commands, real servers, real runs, a backup restored."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import requests
from botocore.exceptions import ClientError
from tests.deploy.test_compose import DEPLOY, rendered, secrets
from tests.killing import contents
from tests.test_sixth_pipeline import TOY, Clone, clone  # noqa: F401 - a fixture

from selfsown.tracking.store import connect

POSTGRES = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), reverse=True)), None)
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.getuid() == 0 else []
PIPELINE = f"pipelines/{TOY}/dvc.yaml"

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(2400),
    pytest.mark.skipif(sys.platform != "linux", reason="the servers are locked for Linux only"),
    pytest.mark.skipif(POSTGRES is None, reason="needs Debian's Postgres: apt install postgresql"),
]


def free_port() -> int:
    """SeaweedFS listens 10,000 above it too."""
    while True:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        if port < 55_000:
            return port


class Stack:
    """The services of the compose file as processes on 127.0.0.1: their commands and variables, other addresses."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ports = {name: free_port() for name in ("postgres", "storage", "mlflow", "caddy", "s3", "http")}
        self.name = f"localhost:{self.ports['caddy']}"
        self.s3 = f"https://localhost:{self.ports['s3']}"
        self.secrets = secrets(self.name)
        self.config = rendered(self.secrets)
        self.processes: dict[str, subprocess.Popen[bytes]] = {}
        path = os.pathsep.join(
            [str(POSTGRES.parent) if POSTGRES else "", str(Path(sys.executable).parent), os.environ["PATH"]]
        )
        self.environment = {"PATH": path, "HOME": str(folder), "PGPORT": str(self.ports["postgres"])}
        # Postgres refuses root, and others than root may not pass pytest's folders
        self.database = Path(tempfile.mkdtemp(prefix="selfsown-postgres-"))
        self.authority = folder / "caddy/pki/authorities/local/root.crt"

    def local(self, value: str) -> str:
        """A value of the compose file with the addresses of this machine for those of Docker's network."""
        ports = self.ports
        for there, here in {
            "http://storage:8333": f"http://127.0.0.1:{ports['storage']}", "--port=5000": f"--port={ports['mlflow']}",
            "--workers=2": "--workers=1",
            "=0.0.0.0": "=127.0.0.1", "-ip=storage": "-ip=127.0.0.1", "-dir=/data": f"-dir={self.folder / 'files'}",
            "/etc/seaweedfs/keys.json": str(self.folder / "keys.json"), "/deploy/": f"{DEPLOY}/",
        }.items():  # fmt: skip
            value = value.replace(there, here)
        return "127.0.0.1" if value == "postgres" else value

    def variables(self, service: str) -> dict[str, str]:
        given: dict[str, str] = self.config["services"][service]["environment"]
        return self.environment | {name: self.local(value) for name, value in given.items()}

    def start(self, *services: str) -> None:
        for service in services:
            command, settings = getattr(self, f"_{service}")()
            with (self.folder / f"{service}.log").open("ab") as log:
                self.processes[service] = subprocess.Popen(
                    command, cwd="/", env=settings, stdout=log, stderr=log, start_new_session=True
                )
            until = time.monotonic() + 600
            while not self.answers(service):
                assert self.processes[service].poll() is None and time.monotonic() < until, self.log(service)
                time.sleep(0.2)
            if service == "postgres":  # the image makes it
                self.run("createdb", "mlflow")

    def _postgres(self) -> tuple[list[str], dict[str, str]]:
        data, password = self.database / "data", self.database / "password"
        password.write_text(self.secrets["DATABASE_PASSWORD"])
        if NOBODY:
            for path in (self.database, password):
                os.chown(path, 65534, 65534)
        words = [
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--username=mlflow",
            f"--pwfile={password}",
            "--no-sync",
            f"--pgdata={data}",
        ]
        made = subprocess.run([*NOBODY, str(POSTGRES), *words], cwd="/", env=self.environment, capture_output=True)
        assert made.returncode == 0, made.stderr.decode()
        server = [str(POSTGRES and POSTGRES.with_name("postgres")), "-D", str(data), "-p", str(self.ports["postgres"])]
        where = ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories=", "-c", "fsync=off"]
        return [*NOBODY, *server, *where], self.environment

    def _storage(self) -> tuple[list[str], dict[str, str]]:
        (self.folder / "files").mkdir()
        (self.folder / "keys.json").write_text(self.config["configs"]["keys"]["content"])
        service = self.config["services"]["storage"]
        command = [*service["entrypoint"], *map(self.local, service["command"]), f"-s3.port={self.ports['storage']}"]
        return command, self.variables("storage")

    def _mlflow(self) -> tuple[list[str], dict[str, str]]:
        return [*map(self.local, self.config["services"]["mlflow"]["command"])], self.variables("mlflow")

    def _caddy(self) -> tuple[list[str], dict[str, str]]:
        config = (DEPLOY / "Caddyfile").read_text()
        for there, here in {
            "admin off": f"admin off\n\tdefault_bind 127.0.0.1\n\thttp_port {self.ports['http']}",
            "{$SERVER_NAME}:8333": f"localhost:{self.ports['s3']}",
            "mlflow:5000": f"127.0.0.1:{self.ports['mlflow']}", "storage:8333": f"127.0.0.1:{self.ports['storage']}",
        }.items():  # fmt: skip
            assert config.count(there) == 1
            config = config.replace(there, here)
        (self.folder / "Caddyfile").write_text(config)
        settings = self.variables("caddy") | {"XDG_DATA_HOME": str(self.folder)}
        return ["caddy", "run", "--adapter", "caddyfile", "--config", str(self.folder / "Caddyfile")], settings

    def answers(self, service: str) -> bool:
        """Whether it is healthy, asked as the compose file asks."""
        if service == "postgres":
            words = self.config["services"]["postgres"]["healthcheck"]["test"][1:]
            return subprocess.run(words, env=self.environment, capture_output=True).returncode == 0
        urls = {
            "storage": f"http://127.0.0.1:{self.ports['storage']}/healthz",
            "mlflow": f"http://127.0.0.1:{self.ports['mlflow']}/health", "caddy": f"https://{self.name}/health",
        }  # fmt: skip
        try:
            return requests.get(urls[service], timeout=5, verify=str(self.authority)).ok
        except (OSError, requests.RequestException):
            return False

    def log(self, service: str) -> str:
        return (self.folder / f"{service}.log").read_text()[-4000:]

    def run(self, *command: str, fails: bool = False) -> str:
        """A command with the variables of the service mlflow, as `docker compose run mlflow` runs it."""
        done = subprocess.run(
            command, cwd="/", env=self.variables("mlflow"), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert (done.returncode != 0) == fails, done.stdout
        return done.stdout

    def stop(self) -> None:
        for process in self.processes.values():
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        self.processes.clear()

    def wipe(self) -> None:
        """`docker compose down --volumes`"""
        self.stop()
        shutil.rmtree(self.folder / "files")
        shutil.rmtree(self.database / "data")

    def bucket(self, key: str, secret: str) -> Any:
        return boto3.client(
            "s3", endpoint_url=self.s3, aws_access_key_id=key, aws_secret_access_key=self.secrets[secret],
            region_name="us-east-1", verify=str(self.authority),
        )  # fmt: skip


@pytest.fixture
def stack(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    made = Stack(tmp_path_factory.mktemp("stack"))
    for name in ("REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE"):  # Caddy's own authority; a public name needs none
        monkeypatch.setenv(name, str(made.authority))
    try:
        made.start("postgres", "storage", "mlflow", "caddy")
        yield made
    finally:
        made.stop()
        shutil.rmtree(made.database)


def everything(stack: Stack, place: Path) -> dict[str, Any]:
    """All that the server knows: runs with every point of their metrics and digests of their files; models."""
    client = connect(f"https://{stack.name}")
    found: dict[str, Any] = {}
    for experiment in client.search_experiments():
        for run in client.search_runs([experiment.experiment_id]):
            points = {
                key: [vars(p) for p in client.get_metric_history(run.info.run_id, key)] for key in run.data.metrics
            }
            files = place / run.info.run_id
            files.mkdir(parents=True)
            client.download_artifacts(run.info.run_id, "", str(files))
            whole = run.to_dictionary()
            whole["inputs"]["dataset_inputs"].sort(key=lambda given: given["dataset"]["name"])  # a set, to the database
            found[run.info.run_id] = [experiment.name, whole, points, contents(files)]
    for version in client.search_model_versions():
        found[f"{version.name} {version.version}"] = dict(version)
    return found


def pushed(folder: Path) -> dict[str, str]:
    """What `contents` finds that DVC keeps: `.gitignore` is git's."""
    return {name: digest for name, digest in contents(folder).items() if name != ".gitignore"}


def runs_of(found: dict[str, Any]) -> list[tuple[str, str]]:
    """Name and status of each, oldest first."""
    runs = [made[1] for made in found.values() if isinstance(made, list)]
    ordered = sorted(runs, key=lambda run: run["info"]["start_time"])
    return [(run["info"]["run_name"], run["info"]["status"]) for run in ordered]


def sign_in(clone: Clone, stack: Stack, user: str, password: str, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: F811
    """As somebody at a machine of theirs does: the settings in `.env`. This process asks as the same user."""
    settings = {"URI": f"https://{stack.name}", "USERNAME": user, "PASSWORD": password}
    (clone.root / ".env").write_text("".join(f"MLFLOW_TRACKING_{name}={value}\n" for name, value in settings.items()))
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", user)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", password)


def check_refusals(stack: Stack) -> None:
    """Whoever has no password, asks under another name, from another site, or for a bucket that is not theirs."""
    path, admin = "api/2.0/mlflow/experiments/search", ("admin", stack.secrets["ADMIN_PASSWORD"])

    def status(at: str, **more: Any) -> int:
        ask, authority = {"max_results": 5}, str(stack.authority)
        return requests.post(f"{at}/{path}", json=ask, verify=authority, timeout=60, **more).status_code

    outside, inside = f"https://{stack.name}", f"http://127.0.0.1:{stack.ports['mlflow']}"
    assert status(outside) == 401
    assert status(outside, auth=admin, headers={"Origin": "https://elsewhere.example"}) == 403
    assert status(outside, auth=admin, headers={"Origin": outside}) == 200
    assert status(inside, auth=admin, headers={"Host": "elsewhere.example"}) == 403
    assert status(inside, auth=admin, headers={"Host": stack.name}) == 200
    assert requests.get(f"{stack.s3}/dvc", verify=str(stack.authority), timeout=60).status_code == 403
    with pytest.raises(ClientError, match="AccessDenied"):
        stack.bucket("dvc", "DVC_PASSWORD").list_objects_v2(Bucket="mlflow")
    with pytest.raises(ClientError, match="SignatureDoesNotMatch"):
        stack.bucket("dvc", "STORAGE_PASSWORD").list_objects_v2(Bucket="dvc")


def test_what_two_people_logged_and_pushed_comes_back_from_a_backup(
    stack: Stack,
    clone: Clone,  # noqa: F811
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    place = tmp_path_factory.mktemp("kept")
    check_refusals(stack)
    admin = stack.secrets["ADMIN_PASSWORD"]
    clone.run("python", "scripts/set_profile.py", "profile=smoke")
    clone.run("python", "scripts/write_deps.py")

    sign_in(clone, stack, "admin", f"{admin}x", monkeypatch)
    clone.run("dvc", "repro", f"{PIPELINE}:gate")
    said = clone.run("dvc", "repro", PIPELINE, fails=True)
    assert f"https://{stack.name} refuses (401)" in said and "Traceback" not in said

    sign_in(clone, stack, "admin", admin, monkeypatch)
    clone.run("dvc", "repro", PIPELINE)
    ada = {"username": "ada", "password": "lovelace-1815"}
    made = requests.post(
        f"https://{stack.name}/api/2.0/mlflow/users/create", json=ada, auth=("admin", admin), timeout=30,
        verify=str(stack.authority),
    )  # fmt: skip
    assert made.ok and made.json()["user"]["is_admin"] is False

    sign_in(clone, stack, *ada.values(), monkeypatch)
    clone.run("dvc", "repro", "--force", "--single-item", f"{PIPELINE}:evaluate")
    assert "promoted" in clone.run("selfsown", "promote", f"selfsown-{TOY}")

    remote = ["dvc", "remote", "modify", "--local", "store"]
    clone.run("dvc", "remote", "add", "--default", "store", "s3://dvc/selfsown")
    for key, value in {
        "endpointurl": stack.s3, "access_key_id": "dvc", "secret_access_key": stack.secrets["DVC_PASSWORD"]
    }.items():  # fmt: skip
        clone.run(*remote, key, value)
    assert "pushed" in clone.run("dvc", "push", PIPELINE)
    products = {name: pushed(clone.root / name) for name in (f"data/{TOY}", f"models/{TOY}")}

    before = everything(stack, place / "before")
    stages = (f"{TOY}.train@all", f"{TOY}.evaluate", f"{TOY}.evaluate")
    assert runs_of(before) == [(stage, "FINISHED") for stage in stages]
    backup = str(place / "backup")
    assert "no finished backup" in stack.run(str(DEPLOY / "restore.sh"), backup, fails=True)
    stack.run(str(DEPLOY / "backup.sh"), backup)
    assert "only an empty server" in stack.run(str(DEPLOY / "restore.sh"), backup, fails=True)

    stack.wipe()
    stack.start("postgres", "storage")
    stack.run(str(DEPLOY / "restore.sh"), backup)
    stack.start("mlflow", "caddy")
    assert everything(stack, place / "after") == before
    for name in (".dvc/cache", *products):
        shutil.rmtree(clone.root / name)
    clone.run("dvc", "pull", PIPELINE)
    assert {name: pushed(clone.root / name) for name in products} == products
    said = clone.run("selfsown", "guess", "kanete", "lumoru")
    assert said.split() == ["kanete:", "north", "lumoru:", "south"], "the champion, from the server"
    clone.run("dvc", "repro", "--force", "--single-item", f"{PIPELINE}:evaluate")
    stack.run(str(DEPLOY / "backup.sh"), backup)
    assert len(everything(stack, place / "later")) == len(before) + 2, "a run and a version more"
