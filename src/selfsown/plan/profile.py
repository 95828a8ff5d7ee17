"""A profile's parameters: `conf/` composed by Hydra, as `make repro PROFILE=` writes them into `params.yaml`."""

from __future__ import annotations

from pathlib import Path

from hydra import compose, initialize_config_dir
from omegaconf import OmegaConf

from selfsown.project import root


def choices(group: str) -> list[str]:
    """What one may choose of a group of `conf/`."""
    return sorted(path.stem for path in _conf(group).glob("*.yaml"))


def composed(*overrides: str) -> str:
    """The text of `params.yaml` for these Hydra overrides.

    Raises:
        HydraException: `conf/` has no such choice or key.
    """
    with initialize_config_dir(str(_conf().resolve()), version_base=None):
        config = compose(config_name="config", overrides=list(overrides))
    OmegaConf.resolve(config)
    return OmegaConf.to_yaml(config)


def _conf(*group: str) -> Path:
    return root().joinpath("conf", *group)
