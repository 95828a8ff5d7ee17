"""Files of a Hugging Face repository at a fixed commit."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fnmatch import fnmatch
from pathlib import Path

from selfsown.errors import first_line
from selfsown.sources.download import Origin
from selfsown.sources.failures import OriginError, RegistryError
from selfsown.sources.registry import REGISTRY, HubFile, HubSource, register
from selfsown.sources.tree import file_sha256

SAFE = ("*.safetensors", "*.json", "*.txt", "*.model", "*.parquet")
"""What is taken of a repository unless asked otherwise: weights and data that hold no code."""

_ADDRESS = re.compile(r"hub:(?P<datasets>datasets/)?(?P<repo>[\w.-]+/[\w.-]+)(?:@(?P<revision>[\w./-]+))?")


def hub_origin(source: HubSource, file: HubFile) -> Origin:
    """The hub that `HF_ENDPOINT` names, else the public one."""

    def save(path: Path) -> None:
        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            _download(source.repo, source.repo_type, source.revision, file.path, scratch).replace(path)

    return Origin(f"the hub: {source.repo_type} {source.repo} at {source.revision[:8]}", save)


def register_hub(address: str, name: str, keep: Sequence[str] = (), registry: Path = REGISTRY) -> HubSource:
    """Pins files of a hub repository as source `name`: the commit that a branch is at now, and each file's sha256.

    The hub knows the sha256 of large files; small ones are downloaded for it.

    Args:
        address: `hub:owner/name` or `hub:datasets/owner/name`, with `@revision` for another branch, tag or commit
            than `main`.
        keep: globs of the files to take; default: `SAFE`.

    Raises:
        RegistryError: the address or name is unusable, the hub does not have it or does not answer, or no file is left.
    """
    match = _ADDRESS.fullmatch(address)
    if match is None:
        raise RegistryError(f"'{address}' is no hub address: hub:OWNER/NAME or hub:datasets/OWNER/NAME, and @REVISION")
    repo, kind = match["repo"], "dataset" if match["datasets"] else "model"
    try:
        with _one_error():
            from huggingface_hub import HfApi

            ask = HfApi().dataset_info if kind == "dataset" else HfApi().model_info
            info = ask(repo, revision=match["revision"], files_metadata=True)
        revision, listed = str(info.sha), info.siblings or []
        names = [file.rfilename for file in listed]
        chosen = [f for f in listed if any(fnmatch(f.rfilename, pattern) for pattern in keep or SAFE)]
        if not chosen:
            raise RegistryError(f"{address}: no file matches {' '.join(keep or SAFE)}; it has {', '.join(names)}")
        files = []
        with tempfile.TemporaryDirectory() as scratch:
            for file in chosen:
                if file.lfs:
                    files.append(HubFile(path=file.rfilename, sha256=file.lfs.sha256, bytes=file.lfs.size))
                else:
                    got = _download(repo, kind, revision, file.rfilename, scratch)
                    files.append(HubFile(path=file.rfilename, sha256=file_sha256(got), bytes=got.stat().st_size))
    except OriginError as error:
        raise RegistryError(f"{address}: {error}") from None
    licence = getattr(info.card_data, "license", None) or "not stated"
    source = HubSource.model_validate({
        "kind": "hub", "repo": repo, "repo_type": kind, "revision": revision, "version": revision[:8],
        "licence": str(licence), "citation": f"{kind} {repo} of the hub", "files": files
    })  # fmt: skip
    register(name, source, registry)
    return source


def _download(repo: str, kind: str, revision: str, path: str, folder: str) -> Path:
    with _one_error():
        from huggingface_hub import hf_hub_download

        return Path(hf_hub_download(repo, path, repo_type=kind, revision=revision, local_dir=folder))


@contextmanager
def _one_error() -> Iterator[None]:
    """Whatever the hub's client raises, as an `OriginError` of one line."""
    # imported here: a second and a half that no other kind of source should wait for
    import httpx2
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        yield
    except (HfHubHTTPError, LocalEntryNotFoundError, httpx2.HTTPError, OSError) as error:
        raise OriginError(first_line(error)) from error
