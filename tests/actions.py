"""Workflows on this machine, by `act` without Docker: the jobs are ours, the actions of others stubs."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
OURS = "me/selfsown"

# What an action of somebody else does here: nothing, but a checkout brings the repository.
STUB = """
name: stub
description: stands in for an action
inputs: {path: {}, ref: {}}
runs:
  using: composite
  steps:
    - run: case "$GITHUB_ACTION_PATH" in *checkout*) cp -r "$SOURCE/." . ;; esac
      shell: bash
"""


@dataclass(frozen=True)
class Done:
    """What came of a workflow: how each job ended that ran (`succeeded`, `failed`), and all that was said."""

    jobs: dict[str, str]
    said: str


def repository(folder: Path, scripts: Mapping[str, str]) -> Path:
    """A repository with our workflows and these scripts."""
    shutil.copytree(ROOT / ".github", folder / ".github")
    for name, text in scripts.items():
        script = folder / "scripts" / name
        script.parent.mkdir(parents=True, exist_ok=True)
        script.write_text(text)
        script.chmod(0o755)
    commit(folder)
    return folder


def commit(folder: Path) -> None:
    """All that is there as a commit of a new repository."""
    for words in ("init -q", "add -A", "-c user.name=a -c user.email=a@b commit -qm start"):
        subprocess.run(["git", *words.split()], cwd=folder, check=True)


def run(repository: Path, workflow: str, event: str, payload: Mapping[str, Any], **variables: str) -> Done:
    """Run the jobs of a workflow for an event, on every kind of runner, with these variables."""
    home = repository.with_name(f"{repository.name}-act")
    named = {
        match
        for file in (ROOT / ".github").rglob("*.yml")
        for match in re.findall(r"uses: ([\w./-]+@[0-9a-f]{40})", file.read_text())
    }
    options = []
    for action in sorted(named):
        stub = home / "actions" / action.partition("@")[0]
        if not stub.is_dir():
            stub.mkdir(parents=True)
            (stub / "action.yml").write_text(STUB)
            commit(stub)
        options += ["--local-repository", f"{action}={stub}"]
    (home / "event.json").write_text(json.dumps({"repository": {"full_name": OURS}, **payload}))
    for runner in ("self-hosted", "gpu", "ubuntu-24.04"):
        options += ["-P", f"{runner}=-self-hosted"]
    for name, value in {"SOURCE": str(repository), "GITHUB_REPOSITORY": OURS, **variables}.items():
        options += ["--env", f"{name}={value}", "--var", f"{name}={value}"]
    done = subprocess.run(
        ["act", event, "-W", f".github/workflows/{workflow}", "-e", str(home / "event.json"), *options],
        cwd=repository,
        env={**os.environ, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache"), "GITHUB_REPOSITORY": OURS},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    jobs = re.findall(r"^\[[\w-]+/([\w-]+)\s*\] .*Job (succeeded|failed)$", done.stdout, re.MULTILINE)
    return Done(dict(jobs), done.stdout)
