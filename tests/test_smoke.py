"""What a finished smoke run made, whatever the pipelines: all that they declare is there, whole, and recorded."""

import json
import shlex
from pathlib import Path

import pytest
from dvc.repo import Repo
from dvc.stage import PipelineStage
from tests.profiles import PIPELINES

from selfsown.evaluation import HEADLINE, HEADLINE_CHARACTERS
from selfsown.products import read_card, read_product
from selfsown.stage import load_stage

pytestmark = [pytest.mark.recipe, pytest.mark.usefixtures("smoke")]


@pytest.fixture
def outs(smoke: None) -> dict[Path, PipelineStage]:
    """What each stage makes."""
    with Repo(".") as repo:
        return {Path(out.fs_path).relative_to(Path.cwd()): out.stage for out in repo.index.outs}


def folders(outs: dict[Path, PipelineStage], first: str) -> list[Path]:
    found = [out for out in outs if out.parts[0] == first and out.is_dir()]
    assert found
    return found


def test_all_that_is_declared_is_there(outs: dict[Path, PipelineStage]) -> None:
    assert {out.parts[1] for out in outs if out.parts[0] == "data"} == set(PIPELINES)
    assert [out for out in outs if not out.exists()] == []
    assert [out for out in outs if (out / ".work").exists()] == []


def test_every_product_is_whole(outs: dict[Path, PipelineStage]) -> None:
    for product in folders(outs, "data"):
        if not any(product.glob("part-*")):  # another tool's files, such as lm-eval's tasks
            assert any(product.iterdir())
            continue
        card = read_card(product)
        assert read_product(product).num_rows == card.rows > 0, product
        assert card.licence and card.source and card.seed == 1


def test_every_model_is_safetensors_and_no_pickle(outs: dict[Path, PipelineStage]) -> None:
    for folder in folders(outs, "models"):
        assert list(folder.rglob("*.safetensors")) or list(folder.rglob("tokenizer.json")), folder
        assert not [path for path in folder.rglob("*") if path.suffix in (".bin", ".pt", ".pth", ".pkl")]


def test_every_evaluation_has_a_few_headline_figures_among_its_rows() -> None:
    files = sorted(Path("metrics").glob("*.rows.json"))
    assert files
    for file in files:
        rows = json.loads(file.read_text())
        headline = json.loads(Path("metrics", file.name.replace(".rows", "")).read_text())
        assert 0 < len(headline) <= HEADLINE and sum(map(len, headline)) <= HEADLINE_CHARACTERS
        assert set(headline.values()) <= {row["value"] for row in rows}
        assert len({(row["measure"], row["arm"], row["part"]) for row in rows}) == len(rows)
        for row in rows:
            assert row["lo"] is None or row["lo"] <= row["value"] <= row["hi"], row


def test_pages(outs: dict[Path, PipelineStage]) -> None:
    page = Path("reports/index.html").read_text()
    assert all(file.parent.name in page for file in Path("pipelines").glob("*/paper.yaml"))
    assert all((folder / "index.html").is_file() for folder in folders(outs, "reports"))


def test_mlflow_has_a_finished_run_of_every_tracked_stage(outs: dict[Path, PipelineStage]) -> None:
    from mlflow import MlflowClient

    from selfsown.tracking import tracking_uri

    client = MlflowClient(tracking_uri())
    runs = client.search_runs(
        [experiment.experiment_id for experiment in client.search_experiments()], max_results=5000
    )
    assert not [run.info.run_name for run in runs if run.info.status == "RUNNING"]
    finished = {run.info.run_name for run in runs if run.info.status == "FINISHED"}
    tracked = set()
    for stage in outs.values():
        _, name, *options = shlex.split(stage.cmd)
        declared = load_stage(name)
        if declared.tracked:
            given = dict(zip((option[2:].replace("-", "_") for option in options[::2]), options[1::2], strict=True))
            words = given.keys() & declared.arguments.keys() - {*declared.inputs, *declared.outputs}
            tracked.add(f"{name}@{Path(given[declared.outputs[0]]).name}" if words else name)
    assert tracked and tracked <= finished
