"""Write into every `dvc.yaml` which source files each of its stages reaches, as `selfsown.closure` says.

    python scripts/write_deps.py

Data and models among the dependencies stay as they are written. A test holds the files to what this script would write.
"""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from selfsown.closure import in_folders, reached
from selfsown.params import stage_files

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Rewrite what is not as it should be; comments and order of a file stay."""
    yaml = YAML()
    yaml.preserve_quotes = True
    yaml.width = 10_000
    yaml.indent(mapping=2, sequence=4, offset=2)
    for path in (ROOT / "dvc.yaml", *sorted(ROOT.glob("pipelines/*/dvc.yaml"))):
        declared = yaml.load(path.read_text(encoding="utf-8"))
        stages = [stage.get("do", stage) for stage in declared.get("stages", {}).values()]  # "do": of a `foreach`
        before = [list(stage.get("deps", [])) for stage in stages]
        for stage in stages:
            stage["deps"] = dependencies(stage)
        if before != [list(stage["deps"]) for stage in stages]:
            with path.open("w", encoding="utf-8") as file:
                yaml.dump(declared, file)
            print(f"{path.relative_to(ROOT)}: written", file=sys.stderr)


def dependencies(stage: dict[str, Any]) -> list[str]:
    """What a stage is declared to depend on: the data that stands there already, then its code."""
    name = shlex.split(stage["cmd"])[1]
    data = [dependency for dependency in stage.get("deps", []) if not str(dependency).startswith("src/")]
    return [*data, *(place.relative_to(ROOT).as_posix() for place in in_folders(reached(stage_files()[name])))]


if __name__ == "__main__":
    main()
