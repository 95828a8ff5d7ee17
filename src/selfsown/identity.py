"""What decides the bytes that a stage makes: half-done work goes on only under the same identity."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Identity:
    """One run of a stage.

    Attributes:
        params: the stage's parameters, JSON-able.
        arguments: what the command line says beside paths: the words of a DVC matrix.
        inputs: sha256 of each input, by argument.
        code: sha256 over the source files that the stage reaches (`selfsown.closure`).
    """

    stage: str
    params: Mapping[str, Any]
    arguments: Mapping[str, str]
    inputs: Mapping[str, str]
    code: str

    @cached_property
    def digest(self) -> str:
        """Sha256 over all of it."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True, default=str).encode()).hexdigest()
