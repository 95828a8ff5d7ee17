"""The one model that a source holds: its folder, and the files that a model is."""

from __future__ import annotations

from pathlib import Path

from selfsown.errors import UserError
from selfsown.sources.fetch import fetch

KEPT = (".json", ".model", ".txt", ".jinja", ".safetensors")


def model_folder(source: str) -> Path:
    """The folder of a fetched source that has `config.json` and safetensors.

    Raises:
        UserError: not exactly one has.
    """
    configs = [path for path in sorted(fetch(source).rglob("config.json")) if list(path.parent.glob("*.safetensors"))]
    if len(configs) != 1:
        raise UserError(f"{source}: {len(configs)} folders with config.json and safetensors; needs exactly one")
    return configs[0].parent


def model_files(source: str, because: str) -> list[Path]:
    """The model's files, a fast tokenizer among them.

    Args:
        because: why that is needed, for the error.

    Raises:
        UserError: as `model_folder`; no `tokenizer.json`.
    """
    files = [path for path in sorted(model_folder(source).iterdir()) if path.is_file() and path.suffix in KEPT]
    if "tokenizer.json" not in {path.name for path in files}:
        raise UserError(f"{source}: no tokenizer.json: {because}")
    return files
