"""Execution settings: where and how fast work runs, never what it computes.

Nothing here is a DVC parameter, so no change of a setting re-runs a stage. Each is read from the environment
(`SELFSOWN_*`) or from the file `.env` of the project; `.env.example` lists them all.
"""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from selfsown.errors import UserError
from selfsown.project import home

SITES = ("http://", "https://")


class Settings(BaseSettings):
    """One attribute per `SELFSOWN_*` variable."""

    model_config = SettingsConfigDict(env_prefix="SELFSOWN_", env_ignore_empty=True, extra="ignore", frozen=True)

    cache: Path = Field(Path("~/.cache/selfsown"), description="downloads and unpacked sources, keyed by digest")
    work: Path | None = Field(
        None, description="folder on a disk that outlives this checkout: half-done work and the record of runs"
    )
    mirror: str | None = Field(None, description="folder or URL laid out like <source>/<file>, tried before the origin")
    offline: bool = Field(False, description="never ask an origin: cache and mirror only")
    device: Literal["auto", "cpu", "cuda"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = Field(
        "auto", description="auto: bf16 where the processor or GPU multiplies it natively, else fp32"
    )
    workers: int | None = Field(None, ge=1, description="processes of the local engine; default: one per GPU or core")
    engine: Literal["local", "ray"] = Field("local", description="where map_shards runs its shards")
    launcher: Literal["none", "torchrun", "deepspeed"] = Field("none", description="how training stages start")
    nproc: int = Field(1, ge=1, description="processes per node under the launcher")
    hostfile: Path | None = Field(None, description="hosts for deepspeed over ssh, outside Slurm: NAME slots=PROCESSES")
    tracking: bool = Field(True, description="log runs to MLflow; false keeps metrics files only")
    traceback: bool = Field(False, description="show where an error was raised, not only its message")
    coqui_tos_agreed: bool = Field(False, description="you accept the licence of the coqui model you name")

    @property
    def cache_dir(self) -> Path:
        """The cache folder, which counts from the project."""
        return home() / self.cache.expanduser()

    @property
    def work_dir(self) -> Path | None:
        """The folder for half-done work, which counts from the project; None: beside what it will be."""
        return None if self.work is None else home() / self.work.expanduser()

    @property
    def mirror_dir(self) -> Path | None:
        """The mirror, where it is a folder; it counts from the project."""
        return None if self.mirror is None or self.mirror.startswith(SITES) else home() / Path(self.mirror).expanduser()

    @property
    def environment(self) -> dict[str, str]:
        """The variables that give a process elsewhere what was set here, by the environment or by `.env`."""
        prefix = self.model_config["env_prefix"]
        values = {name: getattr(self, name) for name in sorted(self.model_fields_set)}
        return {f"{prefix}{name}".upper(): str(value) for name, value in values.items() if value is not None}

    @property
    def worker_count(self) -> int:
        """`workers`, or the cores this process may use."""
        return self.workers or len(os.sched_getaffinity(0))


@cache
def settings() -> Settings:
    """The settings of this process, read once.

    Raises:
        UserError: a variable has a value that is not allowed.
    """
    try:
        return Settings(_env_file=home() / ".env")
    except ValidationError as error:
        lines = (
            f"SELFSOWN_{e['loc'][0]}".upper() + f": {e['input']!r} is not allowed: {e['msg']}" for e in error.errors()
        )
        raise UserError("\n".join(lines)) from None
