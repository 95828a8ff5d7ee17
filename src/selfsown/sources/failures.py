"""What can go wrong with a source, each said once and in full: which source, which file, what to do."""

from __future__ import annotations

from typing import Any

from selfsown.errors import UserError, without_password


class SourceError(UserError):
    """Any failure to deliver a source."""


class RegistryError(SourceError):
    """The registry file does not say something valid, or does not know the name."""


class OriginError(SourceError):
    """One origin did not deliver; the next one is tried. Never leaves this package, and never says a password."""

    def __init__(self, said: str) -> None:
        super().__init__(without_password(said))


class UnsafeArchiveError(SourceError):
    """An archive member would be written outside the folder it is unpacked into, or is no file, folder or link."""


class _Told(SourceError):
    """An error that makes its message of what it is told; it reaches the parent of a worker process whole."""

    given: tuple[Any, ...]

    def __reduce__(self) -> tuple[type[_Told], tuple[Any, ...]]:
        return type(self), self.given


class WrongDigestError(_Told):
    """What arrived is not what the registry pins."""

    def __init__(self, source: str, file: str, expected: str, observed: str, advice: str) -> None:
        self.given = (source, file, expected, observed, advice)
        self.source, self.file, self.expected, self.observed = source, file, expected, observed
        super().__init__(
            f"source '{source}': {file} is not the pinned content\n"
            f"  expected sha256 {expected}\n  observed sha256 {observed}\n  {advice}"
        )


class UnreachableError(_Told):
    """A file of a source is in no cache, mirror or reachable origin."""

    def __init__(self, source: str, file: str, tried: list[str], profiles: list[str], offline: bool) -> None:
        self.given = (source, file, tried, profiles, offline)
        self.source, self.file, self.tried = source, file, tried
        needed = f" (needed by {', '.join(profiles)})" if profiles else ""
        way_out = (
            f"put the file at <folder>/{source}/{file} and set SELFSOWN_MIRROR=<folder> (or the URL of such a folder)"
        )
        if offline:
            way_out += ", or unset SELFSOWN_OFFLINE, which keeps the origins from being asked"
        lines = "".join(f"\n  tried {line}" for line in tried)
        super().__init__(f"source '{source}'{needed}: {file} could not be had{lines}\n  {way_out}")
