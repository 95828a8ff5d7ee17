"""Workflows: valid, least privilege, every action pinned to a commit, and all work in the scripts CI shares."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
BIN = Path(sys.executable).parent


def run(*command: str | Path) -> None:
    done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_workflows() -> None:
    assert WORKFLOWS


def test_zizmor_finds_nothing() -> None:
    run(BIN / "zizmor", "--offline", "--no-progress", ".github")


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.github-actions", ACTIONS),
        ("vendor.dependabot", [ROOT / ".github" / "dependabot.yml"]),
        ("vendor.citation-file-format", [ROOT / "CITATION.cff"]),
    ],
)
def test_schemas(schema: str, files: list[Path]) -> None:
    run(BIN / "check-jsonschema", "--builtin-schema", schema, *files)


@pytest.mark.parametrize("path", [*WORKFLOWS, *ACTIONS], ids=lambda path: f"{path.parent.name}/{path.name}")
def test_actions_of_others_are_pinned_to_a_commit(path: Path) -> None:
    for uses in re.findall(r"uses: (.*)", path.read_text()):
        if uses.startswith("./"):
            assert ROOT / uses.split()[0] / "action.yml" in ACTIONS
        else:
            assert re.fullmatch(r"[\w.-]+/[\w./-]+@[0-9a-f]{40} # v\d+(\.\d+)*", uses), uses


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_is_a_thin_trigger_with_few_rights(path: Path) -> None:
    text = path.read_text()
    workflow = yaml.safe_load(text)
    assert workflow["permissions"] in ({"contents": "read"}, {})
    assert "concurrency" in workflow
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 24 * 60
        for step in job["steps"]:
            if step.get("uses", "").startswith("actions/checkout@"):
                assert step["with"]["persist-credentials"] is False
            assert step.get("run", "").count("\n") < 5, "work belongs in scripts/"


def test_makefile_targets_are_thin() -> None:
    recipes = re.split(r"\n(?=\w+:)", (ROOT / "Makefile").read_text())[1:]
    names = {recipe.partition(":")[0] for recipe in recipes}
    assert {"repro", "study", "test", "ui", "lint", "bench"} <= names
    assert all(recipe.count("\n\t") < 5 for recipe in recipes)


def test_only_ci_names_the_folder_of_raw_files() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    needle = "shared/" + "mirror"
    naming = [file for file in tracked if (ROOT / file).is_file() and needle.encode() in (ROOT / file).read_bytes()]
    assert set(naming) <= {".ci/run"}
