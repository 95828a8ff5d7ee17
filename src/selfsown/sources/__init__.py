"""Where raw data comes from: a registry of pinned sources (`conf/sources.yaml`) and the one fetcher."""

from selfsown.sources.failures import RegistryError, SourceError, UnreachableError, UnsafeArchiveError, WrongDigestError
from selfsown.sources.fetch import fetch
from selfsown.sources.hub import register_hub
from selfsown.sources.registry import Description, describe, register_folder
from selfsown.sources.tree import check_names

__all__ = [
    "Description", "RegistryError", "SourceError", "UnreachableError", "UnsafeArchiveError", "WrongDigestError",
    "check_names", "describe", "fetch", "register_folder", "register_hub"
]  # fmt: skip
