"""Which profile is active: there and back, with variants, and never over somebody's edits."""

import shutil
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


@pytest.mark.usefixtures("project")
@pytest.mark.parametrize("edit", ["# mine\n", "more: [\n", "more: 1\n"], ids=["comment", "no YAML", "key"])
@pytest.mark.parametrize("known", [True, False], ids=["in git", "unknown to git"])
def test_every_kind_of_edit_is_refused_and_kept(edit: str, known: bool) -> None:
    if not known:
        git("rm", "-q", "--cached", "params.yaml")
        git("commit", "-qm", "forget")
    mine = Path("params.yaml").read_text() + edit
    Path("params.yaml").write_text(mine)
    refused = set_profile("profile=smoke")
    assert refused.returncode == 1 and "Traceback" not in refused.stderr
    assert refused.stderr.startswith("profile: params.yaml has edits that are in no profile: ")
    assert Path("params.yaml").read_text() == mine


@pytest.mark.parametrize("script", ["repro.sh", "study.sh"])
@pytest.mark.parametrize("commits", [False, True], ids=["no git", "no commit"])
def test_a_tree_without_git_is_one_line_before_anything_is_set_up(script: str, commits: bool, tmp_path: Path) -> None:
    shutil.copytree(SCRIPTS, tmp_path / "scripts")
    if commits:
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    done = subprocess.run([tmp_path / "scripts" / script], cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.count("\n") == 1
    assert done.stderr.startswith("make: this tree has no git commit") and "git init && git add ." in done.stderr
    assert not (tmp_path / ".venv").exists()


COPY = "import yaml; print(yaml.safe_load(open('params.yaml'))['toy'], file=open('made.txt', 'w'))"


@pytest.fixture
def pipeline(project: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with our DVC configuration, a stage that writes down its parameters, and a user who has Hydra on."""
    own = tmp_path_factory.mktemp("user")
    monkeypatch.setenv("DVC_GLOBAL_CONFIG_DIR", str(own))
    monkeypatch.setenv("DVC_NO_ANALYTICS", "1")
    (own / "config").write_text("[hydra]\n    enabled = true\n")
    for key, value in (("NAME", "a"), ("EMAIL", "a@b")):
        monkeypatch.setenv(f"GIT_AUTHOR_{key}", value)
        monkeypatch.setenv(f"GIT_COMMITTER_{key}", value)
    dvc("init", "-q")
    shutil.copy(SCRIPTS.parent / ".dvc/config", ".dvc/config")
    stage = {"cmd": f'{sys.executable} -c "{COPY}"', "params": ["toy"], "outs": ["made.txt"]}
    Path("dvc.yaml").write_text(yaml.safe_dump({"stages": {"make": stage}}, width=1000))
    Path(".gitignore").write_text("/made.txt\n")
    git("add", ".")
    git("commit", "-qm", "pipeline")
    return project


def dvc(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).with_name("dvc")), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def shown(revision: str, file: str) -> object:
    text = subprocess.run(["git", "show", f"{revision}:{file}"], capture_output=True, text=True, check=True).stdout
    return yaml.safe_load(text)


@pytest.mark.slow
@pytest.mark.usefixtures("pipeline")
@pytest.mark.parametrize(
    "command", [["repro"], ["exp", "run"], ["exp", "run", "--temp"], ["exp", "run", "--queue"]], ids=" ".join
)
@pytest.mark.parametrize("change", [None, "seed=7", "toy.train.steps=8"])
def test_dvc_runs_edits_as_they_are(command: list[str], change: str | None) -> None:
    """`-S` changes its own key alone."""
    if command == ["repro"] and change is not None:
        pytest.skip("dvc repro has no -S")
    mine = Path("params.yaml").read_text().replace("100", "999") + "# mine\n"
    Path("params.yaml").write_text(mine)
    wanted = {"composed_from": "laptop", "seed": 1, "toy": {"train": {"steps": 999}}}
    if change == "seed=7":
        wanted["seed"] = 7
    elif change is not None:
        wanted["toy"] = {"train": {"steps": 8}}
    dvc(*command, *(["-S", change] if change else []))
    if "--queue" in command:
        assert shown("refs/exps/celery/stash", "params.yaml") == wanted
        assert Path("params.yaml").read_text() == mine
    elif "--temp" in command:
        refs = subprocess.run(
            ["git", "for-each-ref", "--format=%(refname)", "refs/exps"], capture_output=True, text=True
        )
        (made,) = (ref for ref in refs.stdout.split() if "celery" not in ref and "apply" not in ref)
        assert shown(made, "params.yaml") == wanted
        assert Path("params.yaml").read_text() == mine
    else:
        assert active() == wanted and "# mine" in Path("params.yaml").read_text()
        assert Path("made.txt").read_text().strip() == str(wanted["toy"])
