"""The DAG of all stages, as DVC sees it: a picture (SVG) and a Mermaid graph.

The copies of a matrix stage are one node, and an arrow that a chain of other arrows implies is left out: what feeds
what stays readable. So is an arrow that leads back: where stages take turns, the first turn is shown. Positions are
Sugiyama's layered layout (grandalf), so they follow from the graph alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from html import escape
from pathlib import Path

import networkx as nx
from dvc.repo import Repo
from grandalf.graphs import Edge, Graph, Vertex
from grandalf.layouts import SugiyamaLayout, VertexViewer
from grandalf.routing import EdgeViewer, route_with_lines

HEIGHT = 42.0
"""Of a node, in SVG units (CSS pixels at full size)."""

_STYLE = """
.dag{--ink:#1c2128;--soft:#59636e;--paper:#fff;--line:#8b949e;font-family:system-ui,sans-serif}
.dag .c0{--hue:#59636e}.dag .c1{--hue:#0b6bcb}.dag .c2{--hue:#9a4d00}.dag .c3{--hue:#1a7f37}
.dag .c4{--hue:#8250df}.dag .c5{--hue:#bf3989}.dag .c6{--hue:#0a7d84}
@media (prefers-color-scheme:dark){@media screen{
.dag{--ink:#e6edf3;--soft:#9da7b3;--paper:#1b2129;--line:#7d8590}
.dag .c0{--hue:#9da7b3}.dag .c1{--hue:#58a6ff}.dag .c2{--hue:#f0a050}.dag .c3{--hue:#56d364}
.dag .c4{--hue:#bc8cff}.dag .c5{--hue:#f778ba}.dag .c6{--hue:#4fd1d9}}}
.dag rect{fill:var(--paper);stroke:var(--hue);stroke-width:1.5}
.dag .name{fill:var(--ink);font-size:13px;font-weight:600}.dag .of{fill:var(--hue);font-size:10.5px}
.dag path{fill:none;stroke:var(--line);stroke-width:1.3}.dag marker path{fill:var(--line);stroke:none}
"""


@dataclass(frozen=True, order=True)
class Node:
    """A stage; `each` says that a matrix makes several of it. The front door's pipeline is "" (the root)."""

    pipeline: str
    stage: str
    each: bool = False

    @property
    def key(self) -> str:
        """An identifier for Mermaid."""
        return f"{self.pipeline or 'root'}_{self.stage}".replace("-", "_")

    @property
    def owner(self) -> str:
        """The small line of the label."""
        return f"{self.pipeline or 'all pipelines'}{' · one per arm' if self.each else ''}"

    @property
    def width(self) -> float:
        """Room for the longer of the two lines."""
        return max(8.2 * len(self.stage), 6.0 * len(self.owner)) + 24


def read_dag(front_door: Path) -> nx.DiGraph:
    """Nodes (`Node`, attribute `desc`) and edges from producer to consumer, of the DVC repo with this root file."""
    with Repo(str(front_door.parent)) as repo:
        stages = {stage: _node(stage.path_in_repo, stage.name) for stage in repo.index.graph}
        graph = nx.DiGraph()
        for stage, node in sorted(stages.items(), key=lambda pair: pair[1]):
            graph.add_node(node, desc=stage.desc or "")
        edges = {(stages[producer], stages[consumer]) for consumer, producer in repo.index.graph.edges}
        order = [stages[stage] for stage in nx.lexicographical_topological_sort(repo.index.graph.reverse(), key=str)]
    first = {node: place for place, node in reversed(list(enumerate(order)))}
    graph.add_edges_from(sorted(edge for edge in edges if edge[0] != edge[1]))
    turns = [graph.subgraph(nodes) for nodes in nx.strongly_connected_components(graph)]
    graph.remove_edges_from([edge for among in turns for edge in among.edges if first[edge[0]] > first[edge[1]]])
    reduced = nx.transitive_reduction(graph)
    reduced.add_nodes_from(graph.nodes(data=True))
    return reduced


def _node(dvc_yaml: str, address: str) -> Node:
    """The node of a stage as DVC names it: file from the repo's root, `name` or `name@values`."""
    stage, at, _ = address.partition("@")
    folder = Path(dvc_yaml).parent
    return Node(folder.name if folder != Path() else "", stage, bool(at))


def mermaid(graph: nx.DiGraph) -> str:
    """The graph as a Mermaid flowchart, a box around each pipeline."""
    lines = ["flowchart TD"]
    for pipeline in pipelines(graph):
        indent = "  " if pipeline else ""
        nodes = [node for node in sorted(graph) if node.pipeline == pipeline]
        inner = [f'{indent}  {node.key}["{node.stage}{" (one per arm)" if node.each else ""}"]' for node in nodes]
        lines += [f"  subgraph {pipeline}", *inner, "  end"] if pipeline else inner
    lines += [f"  {source.key} --> {target.key}" for source, target in sorted(graph.edges)]
    return "\n".join(lines)


def pipelines(graph: nx.DiGraph) -> list[str]:
    """Names of the pipelines in the graph, the root's "" among them."""
    return sorted({node.pipeline for node in graph})


def svg(graph: nx.DiGraph) -> str:
    """The picture: it follows the reader's light or dark scheme, alone in a file as well as within a page."""
    centres, routes, (width, height) = _layout(graph)
    colour = {name: f"c{index % 7}" for index, name in enumerate(pipelines(graph))}
    ranks = sorted(graph, key=lambda node: (centres[node][1], centres[node][0]))
    title = f"{len(graph)} stages in the order they run, from top to bottom"
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" class="dag" viewBox="0 0 {width:.0f} {height:.0f}" '
            f'width="{width:.0f}" height="{height:.0f}" style="min-width:{0.75 * width:.0f}px" '
            'role="img" aria-labelledby="dag-title">',
            f'<title id="dag-title">{title}</title>',
            f"<style>{_STYLE}</style>",
            '<defs><marker id="dag-tip" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="8" markerHeight="8" '
            'orient="auto"><path d="M0 0.5L8 4L0 7.5z"/></marker></defs>',
            *(f'<path d="{_curve(points)}" marker-end="url(#dag-tip)"/>' for points in routes),
            *(_box(node, centres[node], colour[node.pipeline], graph.nodes[node]["desc"]) for node in ranks),
            "</svg>\n",
        ]
    )


Point = tuple[float, float]


class _Placed(Edge):
    """An edge that is hashed by its place: the library has sets of them, in whose order addresses would show."""

    def __init__(self, place: int, source: Vertex, target: Vertex) -> None:
        self.place = place
        super().__init__(source, target)

    def __hash__(self) -> int:
        return self.place


def _layout(graph: nx.DiGraph) -> tuple[dict[Node, Point], list[list[Point]], Point]:
    """Centres of the nodes, points of the edges, and the size of the picture; unconnected parts side by side."""
    vertices = {node: Vertex(node) for node in sorted(graph)}
    for node, vertex in vertices.items():
        vertex.view = VertexViewer(w=node.width, h=HEIGHT)
    ends = [(vertices[source], vertices[target]) for source, target in sorted(graph.edges)]
    edges = [_Placed(place, *pair) for place, pair in enumerate(ends)]
    for edge in edges:
        edge.view = EdgeViewer()
    margin, left, bottom = 8.0, 8.0, 0.0
    centres: dict[Node, Point] = {}
    routes: list[list[Point]] = []
    for core in Graph(vertices.values(), edges).C:
        layout = SugiyamaLayout(core)
        layout.xspace, layout.yspace = 22, 34
        layout.route_edge = route_with_lines
        layout.init_all(roots=[vertex for vertex in core.sV if not vertex.e_in()], optimize=True)
        layout.draw(5)
        x0 = min(vertex.view.xy[0] - vertex.view.w / 2 for vertex in core.sV)
        y0 = min(vertex.view.xy[1] - vertex.view.h / 2 for vertex in core.sV)
        for vertex in core.sV:
            x, y = vertex.view.xy
            centres[vertex.data] = (x - x0 + left, y - y0 + margin)
        for edge in core.sE:
            inner = [(x - x0 + left, y - y0 + margin) for x, y in edge.view._pts[1:-1]]
            source, target = centres[edge.v[0].data], centres[edge.v[1].data]
            start, end = (source[0], source[1] + HEIGHT / 2), (target[0], target[1] - HEIGHT / 2)
            routes.append([start, *inner, end])
        x1 = max(centres[vertex.data][0] + vertex.view.w / 2 for vertex in core.sV)
        widest = max([x1, *(x for route in routes for x, _ in route)])
        left = widest + 3 * margin
        bottom = max(bottom, *(centres[vertex.data][1] + HEIGHT / 2 for vertex in core.sV))
    return centres, sorted(routes), (left - 2 * margin, bottom + margin)


def _curve(points: Iterable[Point]) -> str:
    """A smooth line through the points, vertical at each of them."""
    (x, y), *rest = points
    path = f"M{x:.1f} {y:.1f}"
    for next_x, next_y in rest:
        middle = (y + next_y) / 2
        path += f"C{x:.1f} {middle:.1f} {next_x:.1f} {middle:.1f} {next_x:.1f} {next_y:.1f}"
        x, y = next_x, next_y
    return path


def _box(node: Node, centre: Point, colour: str, desc: str) -> str:
    x, y = centre
    return (
        f'<g class="{colour}"><title>{escape(desc)}</title>'
        f'<rect x="{x - node.width / 2:.1f}" y="{y - HEIGHT / 2:.1f}" width="{node.width:.1f}" '
        f'height="{HEIGHT:.0f}" rx="7"/>'
        f'<text class="name" x="{x:.1f}" y="{y - 2:.1f}" text-anchor="middle">{escape(node.stage)}</text>'
        f'<text class="of" x="{x:.1f}" y="{y + 13:.1f}" text-anchor="middle">{escape(node.owner)}</text></g>'
    )
