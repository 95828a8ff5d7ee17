"""What tests of profiles share: each composed as `make repro PROFILE=` does, and what DVC makes of it."""

from __future__ import annotations

import shutil
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from dvc.repo import Repo
from dvc.stage import PipelineStage

from selfsown.plan.profile import parameters

ROOT = Path(__file__).parents[1]
PROFILES = sorted(path.stem for path in (ROOT / "conf" / "profile").glob("*.yaml"))
VARIANTS = sorted(path.stem for path in (ROOT / "conf" / "variant").glob("*.yaml"))
PIPELINES = sorted(path.parent.name for path in ROOT.glob("pipelines/*/dvc.yaml"))


@cache
def composed(*overrides: str) -> dict[str, Any]:
    """The parameters of these Hydra overrides; whoever changes them copies first."""
    return parameters(*overrides, conf=ROOT / "conf")


def write_params(folder: Path, config: dict[str, Any]) -> Path:
    """The parameters as a file in `folder`."""
    path = folder / "params.yaml"
    path.write_text(yaml.dump(config, Dumper=yaml.CSafeDumper))  # ten times as fast as PyYAML's own
    return path


def outs(folder: Path, config: dict[str, Any]) -> dict[str, PipelineStage]:
    """All that the pipelines make with these parameters, by path; DVC raises where they do not fit together."""
    write_params(folder, config)
    for path in (ROOT / "dvc.yaml", *ROOT.glob("pipelines/*/dvc.yaml")):
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    Repo.init(str(folder), no_scm=True).close()
    with Repo(str(folder)) as repo:
        repo.index.check_graph()
        return {Path(out.fs_path).relative_to(folder).as_posix(): out.stage for out in repo.index.outs}
