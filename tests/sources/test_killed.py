"""Kill -9 over fetching."""

from __future__ import annotations

import contextlib
import hashlib
import io
import random
import shutil
import tarfile
import threading
import time
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO

import pytest
import yaml
from tests.killing import SEED, Job, campaign, listing

from selfsown.sources.tree import damage, file_sha256, tree_sha256

pytestmark = [pytest.mark.slow, pytest.mark.timeout(1800)]


class SlowFiles(SimpleHTTPRequestHandler):
    """Files of a folder, a megabyte in a tenth of a second."""

    def copyfile(self, source: IO[bytes], outputfile: IO[bytes]) -> None:  # type: ignore[override]
        with contextlib.suppress(OSError):
            while chunk := source.read(1 << 16):
                outputfile.write(chunk)
                time.sleep(0.006)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The URL of a mirror and the folder it serves."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), lambda *args: SlowFiles(*args, directory=str(folder)))
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}", folder
    server.shutdown()
    server.server_close()


def archive(rng: random.Random, name: str, count: int) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for index in range(count):
            info = tarfile.TarInfo(f"{name}/{index % 9}/{index}.txt")
            info.size = 2000
            tar.addfile(info, io.BytesIO(rng.randbytes(info.size)))
    return out.getvalue()


def test_fetch(mirror: tuple[str, Path], tmp_path: Path) -> None:
    url, held = mirror
    rng = random.Random(SEED)
    files = {f"{name}.tar.gz": archive(rng, name, 500) for name in "abc"}
    files |= {f"{name}.bin": rng.randbytes(1_500_000) for name in "de"}
    pins = {name: hashlib.sha256(data).hexdigest() for name, data in files.items()}
    (held / "made").mkdir()
    for name, data in files.items():
        (held / "made" / name).write_bytes(data)
    entries = [
        {"path": name, "urls": ["http://127.0.0.1:9/none"], "sha256": pins[name], "bytes": len(data)}
        | ({"keep": ["*.txt"]} if name.endswith(".gz") else {})
        for name, data in files.items()
    ]
    (tmp_path / "conf").mkdir()
    source = {"kind": "url", "version": "1", "licence": "CC0-1.0", "citation": "a test", "files": entries}
    (tmp_path / "conf" / "sources.yaml").write_text(yaml.safe_dump({"made": source}))
    trees: set[str] = set()

    def sound(cache: Path) -> None:
        for manifest in cache.glob("sources/*.json"):
            assert damage(manifest, manifest.with_suffix(""), full=True) is None
        for file in cache.glob("sources/*.partial/downloads/*"):
            assert file.suffix == ".part" or file_sha256(file) == pins[file.name]

    def whole(cache: Path, _: int) -> None:
        (folder,) = (path for path in (cache / "sources").iterdir() if path.is_dir())
        assert damage(folder.with_name(f"{folder.name}.json"), folder, full=True) is None
        assert {path.name.removeprefix(folder.name) for path in folder.parent.iterdir()} == {"", ".json", ".lock"}
        trees.add(tree_sha256(folder))
        assert len(trees) == 1 and len(listing(folder)) > 1500

    job = Job(tmp_path, ["source", "fetch", "made"], "cache", sound, whole,
              {"SELFSOWN_CACHE": str(tmp_path / "cache"), "SELFSOWN_MIRROR": url})  # fmt: skip
    begun, end = job.undisturbed()
    shutil.rmtree(tmp_path / "cache")
    # before a download has its name, before the manifest has its name, while what is no longer needed is removed
    campaign(job, [r"rename .*c\.tar\.gz\.part", r"rename .*\.json$", r"remove .*b\.tar\.gz"], begun, end)
