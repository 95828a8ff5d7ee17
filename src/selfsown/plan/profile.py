"""A profile's parameters: `conf/` composed by Hydra, as `make repro PROFILE=` writes them into `params.yaml`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from selfsown.project import root


def choices(group: str) -> list[str]:
    """What one may choose of a group of `conf/`."""
    return sorted(path.stem for path in _conf(group).glob("*.yaml"))


def parameters(*overrides: str, conf: Path | None = None) -> dict[str, Any]:
    """What `conf/` says with these Hydra overrides.

    Profiles build on each other, and Hydra merges what they say: only `null` takes an entry of a pipeline's `matrix`
    away that an earlier one has.

    Raises:
        HydraException: `conf/` has no such choice or key.
    """
    with initialize_config_dir(str((conf or _conf()).resolve()), version_base=None):
        config = compose(config_name="config", overrides=list(overrides))
    made: dict[str, Any] = OmegaConf.to_container(config, resolve=True)  # type: ignore[assignment]
    for section in made.values():
        if isinstance(section, dict) and isinstance(matrix := section.get("matrix"), dict):
            section["matrix"] = _without_nulls(matrix)
    return made


def _without_nulls(block: dict[str, Any]) -> dict[str, Any]:
    return {
        key: _without_nulls(value) if isinstance(value, dict) else value
        for key, value in block.items()
        if value is not None
    }


def composed(*overrides: str) -> str:
    """The same as the text of `params.yaml`."""
    return OmegaConf.to_yaml(OmegaConf.create(parameters(*overrides)))


def _conf(*group: str) -> Path:
    return root().joinpath("conf", *group)
