"""Files of the Python package index. They are downloaded, never built, installed or run."""

from __future__ import annotations

import os
from pathlib import Path

import requests
from pypi_simple import PYPI_SIMPLE_ENDPOINT, NoSuchProjectError, PyPISimple, UnsupportedContentTypeError

from selfsown.sources.download import Bar, Origin
from selfsown.sources.failures import OriginError
from selfsown.sources.registry import PackageFile


def package_origin(file: PackageFile) -> Origin:
    """The index that `PIP_INDEX_URL` names, else the public one."""

    def save(path: Path) -> None:
        try:
            with PyPISimple(os.environ.get("PIP_INDEX_URL", PYPI_SIMPLE_ENDPOINT)) as index:
                page = index.get_project_page(file.project, timeout=(10, 60))
                found = next((p for p in page.packages if p.filename == file.filename), None)
                if found is None:
                    raise OriginError(f"{file.project} has no file {file.filename} any more")
                # the digest is checked against our own pin by the caller, so the index's word is not needed
                index.download_package(
                    found, path, verify=False, progress=lambda total: Bar(file.filename, total), timeout=(10, 60)
                )
        except (requests.RequestException, NoSuchProjectError, UnsupportedContentTypeError) as error:
            raise OriginError(str(error)) from error

    return Origin(f"the package index: {file.project} {file.version}", save)
