"""Repositories to report on, and what the page says of them."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from dvc.repo import Repo
from tests.profiles import PROFILES, ROOT, composed

from selfsown.report.page import PageParams, page

__all__ = ["PROFILES", "ROOT", "composed"]


def write(path: Path, value: object) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))


def row(place: str, value: float, half: float | None = None, n: int | None = None, **more: object) -> dict[str, Any]:
    """A row of figures at `measure arm` or `measure arm part`, its interval as wide as `half` on both sides."""
    measure, arm, part = [*place.split(), ""][:3]
    ends = {"lo": None, "hi": None} if half is None else {"lo": value - half, "hi": value + half}
    return {"measure": measure, "arm": arm, "part": part, "value": value, **ends, "n": n, **more}


def repository(root: Path, params: Mapping[str, Any], stages: Mapping[str, Mapping[str, Any]]) -> Path:
    """A DVC repo with these parameters and the stages of each pipeline, which all lead to the report."""
    write(root / "params.yaml", params)
    front = {"report": {"cmd": "f", "deps": ["metrics"], "outs": ["reports/index.html"]}}
    write(root / "dvc.yaml", {"stages": front})
    for name, declared in stages.items():
        path = root / "pipelines" / name / "dvc.yaml"
        path.parent.mkdir(parents=True)
        made = {stage: {"wdir": "../..", **body} for stage, body in declared.items()}
        path.write_text(yaml.safe_dump({"vars": ["../../params.yaml"], "stages": made}))
    Repo.init(str(root), no_scm=True).close()
    return root


def made(project: Path, folder: str = "out") -> tuple[str, ...]:
    """The page, its Markdown twin and the picture of the stages."""
    out = project / folder
    page(
        PageParams(),
        figures=project / "metrics",
        pipelines=project / "pipelines",
        parameters=project / "params.yaml",
        html=out / "index.html",
        markdown=out / "results.md",
        picture=out / "dag.svg",
    )
    return tuple((out / name).read_text() for name in ("index.html", "results.md", "dag.svg"))


def said_of(name: str, root: Path, rows: list[dict[str, Any]], *overrides: str) -> str:
    """What the Markdown says of a pipeline of this repository, whose rows these are under a composed profile."""
    if not (root / "dvc.yaml").is_file():
        repository(root, {}, {})
    write(root / "params.yaml", composed(*overrides))
    write(root / f"metrics/{name}.rows.json", rows)
    paper = root / "pipelines" / name / "paper.yaml"
    paper.parent.mkdir(parents=True, exist_ok=True)
    paper.write_bytes((ROOT / "pipelines" / name / "paper.yaml").read_bytes())
    return made(root)[1]
