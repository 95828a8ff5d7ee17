"""Workflows: valid, least privilege, every action pinned to a commit, and all work in the scripts CI shares."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from tests import actions

ROOT = Path(__file__).parent.parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
ACTIONS = sorted((ROOT / ".github" / "actions").glob("*/action.yml"))
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
BIN = Path(sys.executable).parent


def run(*command: str | Path) -> None:
    done = subprocess.run([str(part) for part in command], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_there_are_workflows() -> None:
    assert WORKFLOWS


def test_zizmor_finds_nothing() -> None:
    run(BIN / "zizmor", "--offline", "--no-progress", ".github")


def test_actionlint_finds_nothing() -> None:
    run("actionlint")


@pytest.mark.parametrize(
    ("schema", "files"),
    [
        ("vendor.github-workflows", WORKFLOWS),
        ("vendor.github-actions", ACTIONS),
        ("vendor.dependabot", [ROOT / ".github" / "dependabot.yml"]),
        ("vendor.github-issue-forms", FORMS),
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


GPU_SCRIPT = """#!/bin/bash
echo "on a GPU runner: $PROFILE against $BASE"
mkdir -p reports
echo "what changed" >reports/summary.md
exit ${STATUS:-0}
"""
GH = '#!/bin/bash\necho "gh $*: $(cat "${@: -1}")"\n'


@pytest.mark.parametrize(
    ("head", "label", "status", "jobs"),
    [
        (actions.OURS, "gpu", 0, {"repro": "succeeded", "comment": "succeeded"}),
        pytest.param(actions.OURS, "gpu", 1, {"repro": "failed", "comment": "succeeded"}, marks=pytest.mark.slow),
        (actions.OURS, "other", 0, {}),
        ("stranger/selfsown", "gpu", 0, {}),
    ],
)
def test_only_our_own_heads_with_the_label_run_on_a_gpu_runner(
    head: str, label: str, status: int, jobs: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    repository = actions.repository(tmp_path / "repository", {"gpu_repro.sh": GPU_SCRIPT, "bin/gh": GH})
    monkeypatch.setenv("PATH", f"{repository / 'scripts/bin'}:{os.environ['PATH']}")
    (repository / "reports").mkdir()
    (repository / "reports/summary.md").write_text("what changed")  # what the stub of the download leaves
    pull = {"number": 7, "head": {"sha": "0" * 40, "repo": {"full_name": head}}, "base": {"ref": "main"}}
    payload = {"action": "labeled", "label": {"name": label}, "pull_request": pull}
    done = actions.run(repository, "gpu-repro.yml", "pull_request", payload, STATUS=str(status))
    assert done.jobs == jobs, done.said
    assert ("on a GPU runner: gpu against origin/main" in done.said) == bool(jobs)
    assert ("actions/upload-artifact" in done.said) == bool(jobs), "what is there comes back from a failed run too"
    assert ("gh pr comment 7 --repo me/selfsown --edit-last --create-if-none" in done.said) == bool(jobs)


def test_a_gpu_run_whose_set_up_fails_leaves_no_summary_of_an_earlier_one(tmp_path: Path) -> None:
    for name, text in {"env.sh": "exit 3", "needs_git.sh": "", "../reports/summary.md": "of yesterday"}.items():
        (tmp_path / "scripts" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "scripts" / name).write_text(text)
    (tmp_path / "scripts/gpu_repro.sh").write_bytes((ROOT / "scripts/gpu_repro.sh").read_bytes())
    assert subprocess.run(["bash", tmp_path / "scripts/gpu_repro.sh"], check=False).returncode == 3
    assert not list((tmp_path / "reports").iterdir())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("event", "inputs", "variables", "told"),
    [
        ("schedule", {}, {"GPU_NIGHTLY": "true"}, "gpu against origin/main"),
        ("schedule", {}, {}, ""),
        ("workflow_dispatch", {"profile": "paper", "pipeline": ""}, {}, "paper against origin/main"),
    ],
)
def test_a_night_that_is_asked_for_and_a_request_run_without_a_comment(
    event: str, inputs: dict[str, str], variables: dict[str, str], told: str, tmp_path: Path
) -> None:
    repository = actions.repository(tmp_path / "repository", {"gpu_repro.sh": GPU_SCRIPT})
    done = actions.run(repository, "gpu-repro.yml", event, {"inputs": inputs}, **variables)
    assert done.jobs == ({"repro": "succeeded"} if told else {}), done.said
    assert f"on a GPU runner: {told}" in done.said if told else "on a GPU runner" not in done.said


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
