"""Files of a Hugging Face repository at a fixed commit."""

from __future__ import annotations

import tempfile
from pathlib import Path

from selfsown.sources.download import Origin
from selfsown.sources.errors import OriginError
from selfsown.sources.registry import HubFile, HubSource


def hub_origin(source: HubSource, file: HubFile) -> Origin:
    """The hub that `HF_ENDPOINT` names, else the public one."""

    def save(path: Path) -> None:
        # imported here: a second and a half that no other kind of source should wait for
        import httpx2
        from huggingface_hub import hf_hub_download
        from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

        with tempfile.TemporaryDirectory(dir=path.parent) as scratch:
            try:
                got = hf_hub_download(
                    source.repo,
                    file.path,
                    repo_type=source.repo_type,
                    revision=source.revision,
                    local_dir=scratch,
                )
            except (HfHubHTTPError, LocalEntryNotFoundError, httpx2.HTTPError, OSError) as error:
                raise OriginError(str(error).splitlines()[0]) from error
            Path(got).replace(path)

    return Origin(f"the hub: {source.repo_type} {source.repo} at {source.revision[:8]}", save)
