"""The picture of the DAG shows what DVC would run, once each, with arrows that lead downwards."""

import re
import shutil
import xml.etree.ElementTree as ET  # only reads what this test made
from pathlib import Path

import networkx as nx
import pytest
from dvc.repo import Repo
from tests.report.pages import PROFILES, ROOT, composed, write

from selfsown.report.dag import Node, mermaid, read_dag, svg


def test_nodes_are_stages_and_a_matrix_is_one(project: Path) -> None:
    graph = read_dag(project / "dvc.yaml")
    assert set(graph) == {
        Node("", "report"),
        Node("boxes", "wood"),
        Node("boxes", "paint"),
        Node("toys", "make"),
        Node("toys", "train", each=True),
        Node("toys", "evaluate"),
    }


def test_implied_arrows_are_left_out_and_order_is_kept(project: Path) -> None:
    graph = read_dag(project / "dvc.yaml")
    wood, train = Node("boxes", "wood"), Node("toys", "train", each=True)
    assert (wood, train) not in graph.edges and nx.has_path(graph, wood, train)
    assert nx.has_path(graph, train, Node("", "report"))


def test_the_picture_is_well_formed_names_every_stage_and_never_overlaps(project: Path) -> None:
    graph = read_dag(project / "dvc.yaml")
    root = ET.fromstring(svg(graph))  # noqa: S314
    space = "{http://www.w3.org/2000/svg}"
    boxes = [
        {key: float(box.get(key, "0")) for key in ("x", "y", "width", "height")} for box in root.iter(f"{space}rect")
    ]
    assert sorted(text.text for text in root.iter(f"{space}text") if text.get("class") == "name") == sorted(
        n.stage for n in graph
    )
    for index, a in enumerate(boxes):
        for b in boxes[index + 1 :]:
            apart = a["x"] + a["width"] <= b["x"] or b["x"] + b["width"] <= a["x"]
            assert apart or a["y"] + a["height"] <= b["y"] or b["y"] + b["height"] <= a["y"]
    arrows = [path.get("d", "") for path in root.iter(f"{space}path") if path.get("marker-end")]
    assert len(arrows) == graph.number_of_edges()
    for arrow in arrows:
        numbers = [float(x) for x in re.findall(r"-?[\d.]+", arrow)]
        assert numbers[1] < numbers[-1]
    assert "Real wood &lt;sawn&gt;" in svg(graph)


def test_mermaid_boxes_each_pipeline(project: Path) -> None:
    text = mermaid(read_dag(project / "dvc.yaml"))
    assert text.startswith("flowchart TD")
    assert "  subgraph toys\n" in text and text.count("\n  end") == 2
    assert 'toys_train["train (one per arm)"]' in text and "toys_evaluate --> root_report" in text


def test_unconnected_parts_stand_side_by_side() -> None:
    graph = nx.DiGraph()
    for name in ("a", "b", "c"):
        graph.add_node(Node("p", name), desc="")
    graph.add_edge(Node("p", "a"), Node("p", "b"))
    lefts = [float(x) for x in re.findall(r'<rect x="([\d.]+)"', svg(graph))]
    assert len(lefts) == 3 and len({round(x) for x in lefts}) > 1


@pytest.mark.parametrize("profile", PROFILES)
def test_a_bare_repro_runs_every_stage(profile: str, tmp_path: Path) -> None:
    """Everything that is declared leads to the report, in every profile."""
    write(tmp_path / "params.yaml", composed(f"profile={profile}"))
    for path in [ROOT / "dvc.yaml", *ROOT.glob("pipelines/*/dvc.yaml")]:
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    Repo.init(str(tmp_path), no_scm=True).close()
    graph = read_dag(tmp_path / "dvc.yaml")
    report = Node("", "report")
    assert set(graph) - {report} == nx.ancestors(graph, report)
    assert len({svg(graph) for _ in range(6)}) == 1, "so large a graph was once laid out anew each time"
