"""What a run was made from: parameters, code, and input products by their DVC hash."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
import subprocess
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import psutil

from selfsown.params import read_yaml
from selfsown.products import read_card
from selfsown.workers import visible_gpus

if TYPE_CHECKING:
    from mlflow.entities import DatasetInput

LONGEST_PARAM = 6000
LONGEST_KEY = 250


@dataclass(frozen=True)
class Product:
    """A file or folder with its DVC hash: 32 hex digits, and `.dir` for a folder (36 characters: all MLflow takes).

    Attributes:
        origin: `dvc.lock` where the hash was read from, or `computed`.
    """

    path: str
    digest: str
    origin: str

    @property
    def name(self) -> str:
        """Of a data product its path below `data/`; other paths whole."""
        return self.path.removeprefix("data/")


def product(path: Path) -> Product:
    """Look a path up in the project's `dvc.lock` files, or hash it as DVC would.

    A lock entry is believed if number of files and size agree with the disk, so a product changed by hand is hashed
    anew unless its size is the same to the byte.
    """
    relative = os.path.relpath(path)
    files = _files(path)
    entry = _locked(relative)
    size = sum(file.stat().st_size for file in files.values())
    if entry and entry.get("size") == size and entry.get("nfiles", 1) == len(files):
        return Product(relative, entry["md5"], "dvc.lock")
    return Product(relative, dvc_digest(path), "computed")


def _files(path: Path) -> dict[str, Path]:
    if path.is_file():
        return {path.name: path}
    return {file.relative_to(path).as_posix(): file for file in sorted(path.rglob("*")) if file.is_file()}


def made_from(path: Path) -> list[Product]:
    """The data and models a DVC output was made from, by the `dvc.lock` entry of its stage; empty if there is none."""
    relative = os.path.relpath(path)
    for stage in _locked_stages():
        if relative in [entry["path"] for entry in stage.get("outs", [])]:
            used = [entry for entry in stage.get("deps", []) if entry["path"].startswith(("data/", "models/"))]
            return [Product(entry["path"], entry["md5"], "dvc.lock") for entry in used]
    return []


def contaminated(path: Path) -> list[str]:
    """The benchmarks that a model was trained on though their authors ask not to, as the cards of its data say."""
    names: set[str] = set()
    seen, todo = {os.path.relpath(path)}, [path]
    while todo:
        for made in made_from(todo.pop()):
            if made.path in seen:
                continue
            seen.add(made.path)
            if made.path.startswith("models/"):
                todo.append(Path(made.path))
            names.update(*(read_card(card.parent).contaminated for card in Path(made.path).rglob("card.json")))
    return sorted(names)


def _locked_stages() -> Iterator[dict[str, Any]]:
    for lock in (*Path().glob("pipelines/*/dvc.lock"), *Path().glob("dvc.lock")):
        yield from (read_yaml(lock) or {}).get("stages", {}).values()


def _locked(relative: str) -> dict[str, Any] | None:
    """The entry of a path: where it is made, else where it is used."""
    found: dict[str, Any] | None = None
    for stage in _locked_stages():
        for kind in ("deps", "outs"):
            for entry in stage.get(kind, []):
                if entry["path"] == relative and "md5" in entry and (kind == "outs" or found is None):
                    found = entry
    return found


def dvc_digest(path: Path) -> str:
    """DVC's hash: md5 of a file; of a folder, md5 of its sorted list of relative paths and md5s, with `.dir`."""
    if path.is_file():
        return _md5(path)
    listing = [{"md5": _md5(file), "relpath": name} for name, file in _files(path).items()]
    text = json.dumps(sorted(listing, key=lambda item: item["relpath"]), sort_keys=True)
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest() + ".dir"


def _md5(file: Path) -> str:
    with file.open("rb") as handle:
        return hashlib.file_digest(handle, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def dataset_input(argument: str, made: Product, context: str) -> DatasetInput:
    """An MLflow dataset input of a run; `context` is `training` or `evaluation`."""
    from mlflow.data.dataset_source_registry import get_dataset_source_from_json
    from mlflow.data.meta_dataset import MetaDataset
    from mlflow.entities import DatasetInput, InputTag

    source = get_dataset_source_from_json(json.dumps({"uri": made.path}), "local")
    dataset = MetaDataset(source, name=made.name, digest=made.digest)  # type: ignore[abstract] # MLflow's own omission
    tags = {"mlflow.data.context": context, "argument": argument, "digest_from": made.origin}
    return DatasetInput(dataset._to_mlflow_entity(), [InputTag(key, value) for key, value in tags.items()])


def flatten(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Nested parameters as `a.b.c` -> text; lists as JSON; what exceeds MLflow's limits is cut and ends in `...`."""
    flat: dict[str, str] = {}
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            flat.update(flatten(value, f"{prefix}{key}."))
        else:
            text = value if isinstance(value, str) else json.dumps(value, default=str)
            flat[entity_key(f"{prefix}{key}")] = (
                text if len(text) <= LONGEST_PARAM else f"{text[: LONGEST_PARAM - 3]}..."
            )
    return flat


def entity_key(key: str) -> str:
    """A name MLflow accepts: letters, digits and `_-. /:`; others as their code point, so that none collide."""
    return re.sub(r"[^\w\-. /:]", lambda match: f"_{ord(match[0]):x}", key)[:LONGEST_KEY]


def source_tags(name: str, params: Mapping[str, Any], fingerprint: str) -> dict[str, str]:
    """Tags of a run: stage, profile, seed, commit, dirty flag, DVC's experiment, the `dvc repro`, the device."""
    pipeline_stage = name.partition("@")[0]
    tags = {
        "stage": pipeline_stage,
        "fingerprint": fingerprint,
        "mlflow.source.name": f"selfsown {pipeline_stage}",
        "mlflow.source.type": "LOCAL",
        **git_tags(),
    }
    if "@" in name:
        tags["labels"] = name.partition("@")[2]
    # A test of a model has no seed of its own; that of `params.yaml` tells which training it belongs to.
    outer = (read_yaml(Path("params.yaml")) if Path("params.yaml").is_file() else None) or {}
    tags |= {key: str(value) for key, value in {**outer, **params}.items() if key in ("composed_from", "seed")}
    if experiment := os.environ.get("DVC_EXP_NAME"):
        tags["dvc.exp"] = experiment
    tags |= {"repro": repro(), "device": device()}
    return {key: value for key, value in tags.items() if value}


def repro() -> str:
    """When and where the `dvc repro` (or experiment) that runs this stage was started; empty without one.

    All its stages are below one process of DVC's. A stage that a later one finishes has the later one's.
    """
    for process in psutil.Process().parents():
        try:
            words = [Path(word).name for word in process.cmdline()[:3]]  # python, perhaps -m, dvc
        except psutil.Error:
            continue
        if "dvc" in words:
            started = datetime.fromtimestamp(process.create_time(), UTC)
            return f"{started:%Y-%m-%d %H:%M:%S} {socket.gethostname()}"
    return ""


def device() -> str:
    """What a stage computes on: `2 x NVIDIA A100-SXM4-80GB`, or `cpu`."""
    import pynvml

    gpus = visible_gpus()
    try:
        handles = [
            pynvml.nvmlDeviceGetHandleByIndex(int(name)) if name.isdigit() else pynvml.nvmlDeviceGetHandleByUUID(name)
            for name in gpus
        ]
        names = Counter(map(pynvml.nvmlDeviceGetName, handles))
    except pynvml.NVMLError:  # CUDA takes abbreviations too: a run does not end for its description
        names = Counter(gpus)
    return ", ".join(f"{count} x {name}" for name, count in names.items()) or "cpu"


@cache
def git_tags() -> dict[str, str]:
    """Commit and dirty flag of the working tree; empty outside one."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return {}
    dirty = bool(_git("status", "--porcelain", "--untracked-files=no"))
    return {"mlflow.source.git.commit": commit, "git.commit": commit, "git.dirty": str(dirty).lower()}


def _git(*arguments: str) -> str | None:
    try:
        done = subprocess.run(["git", *arguments], capture_output=True, text=True, timeout=10, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout.strip()
