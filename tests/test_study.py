"""Seeds become one result only if the same code made them from the same parameters, and a study stands still."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from click.testing import CliRunner
from dvc.repo import Repo

from selfsown import bootstrap, closure, params, study
from selfsown.cli import app
from selfsown.errors import UserError
from selfsown.evaluation import Counts, Evaluation
from selfsown.tracking import tracking_uri

ROOT = Path(__file__).parents[1]

EVALUATION = Evaluation(
    ("id",),
    ("errors", "words"),
    lambda frames, section: [
        Counts.of(frame, "errors", section["units"]).rate("wer", arm, "") for arm, frame in frames.items()
    ],
)
PARAMETERS = {"composed_from": "study", "toys": {"units": "words"}}


@pytest.fixture
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to keep seeds in, of a pipeline that has this evaluation."""
    module = ModuleType("selfsown.toys.evaluate")
    module.EVALUATION = EVALUATION  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, module.__name__, module)
    return tmp_path


def frame(seed: int, items: int = 50) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    errors = rng.integers(0, 10, items)
    return pd.DataFrame({"id": [f"i{index:03d}" for index in range(items)], "errors": errors, "words": 10})


def kept(folder: Path, seed: int, frames: dict[str, pd.DataFrame] | None = None, **changes: Any) -> Path:
    """A seed as `keep` leaves it."""
    file = folder / f"seed-{seed}.parquet"
    EVALUATION.write_items(frames or {"untouched": frame(0), "mine": frame(seed)}, file)
    mark = {"commit": "a" * 40, "code": "c0de", "parameters": PARAMETERS, **changes}
    file.with_suffix(".json").write_text(json.dumps(mark))
    return file


def test_seeds_are_averaged_before_they_are_measured(toys: Path) -> None:
    files = [kept(toys, 1), kept(toys, 2), kept(toys, 3, commit="b" * 40)]
    made = CliRunner().invoke(app, ["study", "merge", "toys", str(toys / "study.json"), *map(str, files)])
    assert made.output == f"{toys / 'study.json'}: 3 seeds\n"
    merged = json.loads((toys / "study.json").read_text())
    assert {key: merged[key] for key in merged if key != "rows"} == {
        "commits": ["a" * 40, "b" * 40],
        "seeds": ["seed-1", "seed-2", "seed-3"],
        "code": "c0de",
        "parameters": PARAMETERS,
    }
    untouched, mine = merged["rows"]
    values = [float(frame(seed)["errors"].sum() / 500) for seed in (1, 2, 3)]
    assert mine["seeds"] == pytest.approx(values) and mine["value"] == pytest.approx(np.mean(values))
    assert mine["sd"] == pytest.approx(np.std(values, ddof=1)) and untouched["sd"] == 0
    assert mine["hi"] - mine["lo"] < 0.8 * (untouched["hi"] - untouched["lo"]), (
        "an item's luck in one seed averages out"
    )


def test_one_seed_has_no_spread(toys: Path) -> None:
    study.merge("toys", toys / "study.json", [kept(toys, 1)])
    rows = json.loads((toys / "study.json").read_text())["rows"]
    assert [set(row) for row in rows] == [{"measure", "arm", "part", "value", "lo", "hi", "n"}] * 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"code": "other"}, r"seed-2\.parquet: of other code \(commit b{8}\) than \S*seed-1\.parquet \(a{8}\)"),
        (
            {"parameters": {"toys": {"units": "words", "steps": 2}}},
            r"seed-2\.parquet: of other parameters \(commit b{8}\)",
        ),
        ({"frames": {"untouched": frame(0)}}, r"seed-2\.parquet: the items of 'mine' are not those of the other seeds"),
        (
            {"frames": {name: frame(0, 49) for name in ("untouched", "mine")}},
            r"seed-2\.parquet: the items of 'untouched'",
        ),
    ],
)
def test_seeds_of_different_studies_are_not_merged(toys: Path, changes: dict[str, Any], message: str) -> None:
    files = [kept(toys, 1), kept(toys, 2, commit="b" * 40, **changes)]
    with pytest.raises(UserError, match=message):
        study.merge("toys", toys / "study.json", files)
    assert not (toys / "study.json").exists()


def test_a_seed_without_a_mark_is_refused(toys: Path) -> None:
    files = [kept(toys, 1), kept(toys, 2)]
    files[1].with_suffix(".json").unlink()
    with pytest.raises(UserError, match=r"seed-2\.json: not there: nothing says which commit made seed-2\.parquet"):
        study.merge("toys", toys / "study.json", files)


def test_a_seed_of_another_pipeline_is_refused(toys: Path) -> None:
    with pytest.raises(
        UserError, match=r"seed-1\.parquet: no seed of toys: its parameters are of composed_from, boxes"
    ):
        study.merge("toys", toys / "study.json", [kept(toys, 1, parameters={"composed_from": "study", "boxes": {}})])


def made_from(folder: Path) -> Path:
    """The file that the kept seeds of a folder are merged into, when the last of them is there."""
    return ROOT / "metrics" / ".".join([folder.parent.name, *([folder.name] if folder.name != "plain" else []), "json"])


STUDIES = [folder for folder in sorted((ROOT / "metrics").glob("*.study/*")) if made_from(folder).is_file()]


def merged_again(folder: Path, out: Path) -> Path:
    """Merge what is kept in the repository; the file that was made from it."""
    pipeline = folder.parent.name.removesuffix(".study")
    study.merge(pipeline, out, sorted(folder.glob("*.parquet")))
    return made_from(folder)


@pytest.mark.parametrize("folder", STUDIES, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_committed_studies_have_the_figures_of_their_seeds(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bootstrap, "RESAMPLES", 10)  # the slow test has the intervals too
    committed = json.loads(merged_again(folder, tmp_path / "study.json").read_text())
    found = json.loads((tmp_path / "study.json").read_text())
    for row in (*committed["rows"], *found["rows"]):
        row.pop("lo"), row.pop("hi")
    assert found == committed


@pytest.mark.slow
@pytest.mark.parametrize("folder", STUDIES, ids=lambda folder: f"{folder.parent.name}-{folder.name}")
def test_committed_studies_are_their_seeds_merged(folder: Path, tmp_path: Path) -> None:
    committed = merged_again(folder, tmp_path / "study.json")
    assert (tmp_path / "study.json").read_bytes() == committed.read_bytes()


WOOD = '''"""Wood of a kind."""

from selfsown.boxes.saw import LENGTH
from selfsown.stage import Metrics, Out, StageParams, stage


class WoodParams(StageParams):
    data_seed: int
    hard: bool


@stage()
def wood(params: WoodParams, *, wood: Out) -> Metrics:
    wood.parent.mkdir(parents=True, exist_ok=True)
    wood.write_text(LENGTH * params.data_seed)
'''
MAKE = '''"""Toys of wood."""

from selfsown.stage import In, Metrics, Out, StageParams, stage


class MakeParams(StageParams):
    seed: int
    steps: int


@stage()
def make(params: MakeParams, *, wood: In, made: Out) -> Metrics:
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_text(wood.read_text() * params.seed * params.steps)
'''
EVALUATE = '''"""How long toys are."""

import pandas as pd

from selfsown.evaluation import Counts, Evaluation, write_rows
from selfsown.stage import In, Metrics, Out, StageParams, stage

EVALUATION = Evaluation(
    ("id",), ("length",), lambda frames, _: [Counts.of(frames["mine"], "length").rate("length", "mine", "")]
)


@stage()
def evaluate(params: StageParams, *, made: In, items: Out, rows: Out) -> Metrics:
    frames = {"mine": pd.DataFrame({"id": ["a", "b"], "length": len(made.read_text())})}
    EVALUATION.write_items(frames, items)
    return write_rows(EVALUATION.measure(frames, {}), {"length": ("length", "mine", "")}, rows)
'''
STAGES = {
    "boxes": {
        "wood": {
            "matrix": {"kind": ["oak"]},
            "cmd": "selfsown boxes.wood --wood data/boxes/wood/${item.kind}",
            "params": ["data_seed", "boxes.wood"],
            "outs": ["data/boxes/wood/${item.kind}"],
        },
        "paint": {"cmd": "selfsown boxes.paint --paint data/boxes/paint", "outs": ["data/boxes/paint"]},
    },
    "toys": {
        "make": {
            "cmd": "selfsown toys.make --wood data/boxes/wood/oak --made data/toys/made",
            "params": ["seed", "toys.make"],
            "deps": ["data/boxes/wood/oak"],
            "outs": ["data/toys/made"],
        },
        "evaluate": {
            "cmd": "selfsown toys.evaluate --made data/toys/made --items data/toys/items.parquet --rows metrics/r.json",
            "deps": ["data/toys/made"],
            "outs": ["data/toys/items.parquet", {"metrics/r.json": {"cache": False}}],
        },
    },
}
SOURCES = {
    "src/selfsown/boxes/wood.py": WOOD,
    "src/selfsown/boxes/saw.py": 'LENGTH = "x"\n',
    "src/selfsown/boxes/paint.py": WOOD.replace("boxes.saw", "boxes.brush").replace("wood", "paint"),
    "src/selfsown/boxes/brush.py": 'LENGTH = "y"\n',
    "src/selfsown/toys/make.py": MAKE,
    "src/selfsown/toys/evaluate.py": EVALUATE,
    "conf/config.yaml": "defaults: [{profile: laptop}, {variant: []}, _self_]\n",
    "conf/profile/laptop.yaml": (
        "# @package _global_\n{composed_from: laptop, seed: 1, data_seed: 3, languages: [cs],"
        " boxes: {wood: {hard: true}, paint: {hard: false}}, toys: {make: {steps: 1}, evaluate: {}}}\n"
    ),
    "conf/profile/study.yaml": "# @package _global_\ndefaults: [laptop, _self_]\ncomposed_from: study\n",
    "conf/variant/more.yaml": "# @package _global_\ntoys: {make: {steps: 2}}\n",
    "scripts/setup.sh": "#!/bin/sh\n# .venv is there\n",
    ".gitignore": ".venv\n.selfsown/\n__pycache__/\n/data/\n",
}


def git(*arguments: str) -> str:
    command = ["git", "-c", "user.name=a", "-c", "user.email=a@b", *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository of this package with two small pipelines beside its own, committed."""
    monkeypatch.chdir(tmp_path)
    shutil.copytree(ROOT / "src/selfsown", "src/selfsown", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "scripts", "scripts")
    for name, text in SOURCES.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text)
    for pipeline, stages in STAGES.items():
        Path("pipelines", pipeline).mkdir(parents=True)
        made = {name: {"wdir": "../..", **stage} for name, stage in stages.items()}
        text = yaml.safe_dump({"vars": ["../../params.yaml"], "stages": made})
        Path("pipelines", pipeline, "dvc.yaml").write_text(text)
    subprocess.run([sys.executable, "scripts/set_profile.py", "profile=laptop"], check=True)
    git("init", "-q")
    Repo.init(".").close()
    Path(".venv").symlink_to(sys.prefix)
    git("add", ".")
    git("commit", "-qm", "start")
    for module in (closure, params):
        monkeypatch.setattr(module, "PACKAGE", Path("src/selfsown").resolve())
    return tmp_path


def test_the_code_of_a_study_is_what_its_stages_reach_in_whichever_pipeline(project: Path) -> None:
    before = study.code("toys")
    for file in ("boxes/brush.py", "boxes/paint.py", "cli.py", "workers/cluster.py", "report/page.py"):
        with Path("src/selfsown", file).open("a") as source:
            source.write("\nUNREACHED = 1\n")
    assert study.code("toys") == before
    seen = {before}
    for file in ("toys/make.py", "boxes/saw.py", "evaluation.py", "bootstrap.py"):
        with Path("src/selfsown", file).open("a") as source:
            source.write("\nREACHED = 1\n")
        seen.add(study.code("toys"))
    assert len(seen) == 5


def test_a_seed_is_kept_with_what_made_it(project: Path) -> None:
    out = project / "metrics/toys.study/plain/seed-1.parquet"
    with pytest.raises(UserError, match=r"data/toys/items\.parquet: not there; `dvc repro pipelines/toys/dvc\.yaml`"):
        study.keep("toys", out)
    items = Path("data/toys/items.parquet")
    items.parent.mkdir(parents=True)
    items.write_bytes(b"items")
    for file in (
        "src/selfsown/toys/make.py",
        "conf/variant/more.yaml",
        "pipelines/boxes/dvc.yaml",
        "src/selfsown/new.py",
    ):
        old = Path(file).read_text() if Path(file).is_file() else None
        Path(file).write_text(f"{old}\n# edited\n")
        with pytest.raises(UserError, match=rf"not committed: {file}; a seed names the commit that made it"):
            study.keep("toys", out)
        Path(file).unlink() if old is None else Path(file).write_text(old)
    assert not out.exists() and not out.with_suffix(".json").exists()
    Path("params.yaml").write_text(Path("params.yaml").read_text().replace("seed: 1", "seed: 2"))
    made = CliRunner().invoke(app, ["study", "keep", "toys", str(out)], catch_exceptions=False)
    assert made.exit_code == 0 and out.read_bytes() == b"items"
    assert json.loads(out.with_suffix(".json").read_text()) == {
        "commit": git("rev-parse", "HEAD"),
        "code": study.code("toys"),
        "parameters": {
            "composed_from": "laptop",
            "data_seed": 3,
            "languages": ["cs"],
            "boxes": {"wood": {"hard": True}},
            "toys": {"make": {"steps": 1}, "evaluate": {}},
        },
    }


def test_runs_of_a_study_go_where_those_of_its_checkout_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    for copy in (".selfsown/study/toys.study", ".dvc/tmp/exps/tmp1", ""):
        (tmp_path / copy).mkdir(parents=True, exist_ok=True)
        monkeypatch.chdir(tmp_path / copy)
        assert tracking_uri() == f"sqlite:///{tmp_path / 'mlflow.db'}"


@pytest.mark.slow
def test_a_study_stands_still_at_the_commit_of_its_first_seed(project: Path) -> None:
    def run(seeds: str, **also: str) -> subprocess.CompletedProcess[str]:
        left_out = ("SELFSOWN_VENV_CACHE", "PYTHONPATH", "PROFILE")
        environment = {key: value for key, value in os.environ.items() if key not in left_out}
        asked = {"PIPELINE": "toys", "VARIANT": "[more]", "SEEDS": seeds, **also}
        return subprocess.run(["scripts/study.sh"], env={**environment, **asked}, capture_output=True, text=True)

    first = run("1")
    assert first.returncode == 0, first.stderr
    began = git("rev-parse", "HEAD")
    kept, clone = Path("metrics/toys.study/more"), Path(".selfsown/study/toys.study.more")
    assert "seed 1, commit" in first.stderr and not git("diff", "--stat"), "the checkout is as it was"
    other = run("1", PROFILE="laptop")
    assert other.returncode == 0, other.stderr
    merged = json.loads(Path("metrics/toys.study.laptop+more.json").read_text())
    assert merged["parameters"]["composed_from"] == "laptop" and merged["parameters"]["toys"]["make"] == {"steps": 2}
    assert not (clone / ".dvc/cache").exists() and any(Path(".dvc/cache").rglob("*")), "the cache is the checkout's"
    written = (kept / "seed-1.parquet").stat().st_mtime_ns

    Path("src/selfsown/toys/make.py").write_text("broken =\n")  # an edit here, committed or not, is not in the study
    git("commit", "-qam", "broken")
    Path("src/selfsown/boxes/saw.py").write_text("broken =\n")
    second = run("1 2")
    assert second.returncode == 0, second.stderr
    assert "seed 1, commit" not in second.stderr, "it went on"
    ran = "Running stage 'pipelines/boxes/dvc.yaml:wood@oak'"
    assert ran in first.stdout and ran not in second.stdout, "in the clone that was there"
    assert (kept / "seed-1.parquet").stat().st_mtime_ns == written
    marks = [json.loads((kept / f"seed-{seed}.json").read_text()) for seed in (1, 2)]
    assert marks[0] == marks[1] and marks[0]["commit"] == began
    assert marks[0]["parameters"]["toys"]["make"] == {"steps": 2}
    merged = json.loads(Path("metrics/toys.study.more.json").read_text())
    assert merged["commits"] == [began] and merged["rows"][0]["seeds"] == [6, 12]

    shutil.rmtree(clone)
    (clone.parent / f"{clone.name}.tmp").mkdir()  # killed while it cloned
    third = run("1 2 3")
    assert third.returncode == 0, third.stderr
    assert json.loads((kept / "seed-3.json").read_text()) == marks[0], "a new clone is at the commit of the first seed"
    both = run("4 5", AT_ONCE="2")
    assert both.returncode == 0, both.stderr
    ran_in = [Path(words.split(", in ")[1]).name for words in both.stderr.splitlines() if ", in " in words]
    assert sorted(ran_in) == ["toys.study.more", "toys.study.more-1"], "side by side"
    (kept / "seed-5.parquet").unlink()
    again = run("4 5", AT_ONCE="2")
    assert again.returncode == 0, again.stderr
    assert "seed 4, commit" not in again.stderr and "in " + str(clone.resolve()) + "-1" in again.stderr, "where it was"
    assert run("6", AT_ONCE="two").stderr.endswith("study: AT_ONCE=two is no number of seeds: 1, 2, ...\n")
    assert [json.loads((kept / f"seed-{seed}.json").read_text()) for seed in (4, 5)] == [marks[0]] * 2

    shutil.move(kept, "kept")  # killed before it kept a seed, and this checkout went on: a lane more is at its commit
    shutil.rmtree(f"{clone}-1")
    more = run("8 9", AT_ONCE="2")
    assert more.returncode == 0, more.stderr
    assert more.stderr.count(f"commit {began[:7]}") == 2, "of one commit"
    shutil.rmtree(kept)
    shutil.move("kept", kept)

    git("-C", str(clone), "checkout", "-qf", "--detach", git("rev-parse", "HEAD"))
    moved = run("6 7")
    assert "seed 7" not in moved.stderr, "where one fails no other begins"
    assert moved.returncode == 1 and f"is not at {began[:8]}, the commit of the other seeds" in moved.stderr
    for seed in (1, 2, 3, 4, 5):
        (kept / f"seed-{seed}.json").write_text(json.dumps({**marks[0], "code": "not recorded"}, indent=1))
    again, more = run("1 2 3"), run("6")
    assert again.returncode == 0, again.stderr
    assert more.returncode == 1 and "do not say which code made them" in more.stderr
