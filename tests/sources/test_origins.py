"""Each kind of origin: against a local server that speaks its protocol, and against the real one when it answers."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from selfsown.sources import UnreachableError, WrongDigestError, fetch
from selfsown.sources.failures import UnsafeArchiveError
from selfsown.sources.registry import HubSource, UrlSource, load_registry
from selfsown.sources.tree import file_sha256, tree_sha256

ROOT = Path(__file__).parents[2]
MIRROR = os.environ.get("SELFSOWN_MIRROR")
WHEEL = "six-1.16.0-py2.py3-none-any.whl"
SIX = {
    "project": "six",
    "version": "1.16.0",
    "filename": WHEEL,
    "sha256": "8abb2f1d86890a2dfb989f9a77cfcfd3e47c2a354b01111771326f8aa26e0254",
    "bytes": 11053,
}


def fetch_or_skip(name: str) -> Path:
    try:
        return fetch(name)
    except UnreachableError as error:
        pytest.skip(f"offline: {error}")


@pytest.mark.net
def test_a_wheel_of_the_package_index_is_unpacked(registry: Callable[..., Path]) -> None:
    registry(six={"kind": "package", "files": [SIX | {"keep": ["six.py", "*/LICENSE"]}]})
    folder = fetch_or_skip("six")
    assert sorted(p.name for p in folder.rglob("*") if p.is_file()) == ["LICENSE", "six.py"]
    assert "Benjamin Peterson" in (folder / "six.py").read_text()


def test_another_index_can_be_named_and_its_bytes_are_checked(
    registry: Callable[..., Path], site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with zipfile.ZipFile(tmp_path / "w.whl", "w") as wheel:
        wheel.writestr("six.py", "x = 1")
    body = (tmp_path / "w.whl").read_bytes()
    site.bodies["/simple/six/"] = f'<a href="/files/{WHEEL}">{WHEEL}</a>'.encode()
    site.bodies[f"/files/{WHEEL}"] = body
    monkeypatch.setenv("PIP_INDEX_URL", f"{site.url}/simple")
    registry(
        six={"kind": "package", "files": [SIX]},
        ours={"kind": "package", "files": [SIX | {"sha256": file_sha256(tmp_path / "w.whl")}]},
        gone={"kind": "package", "files": [SIX | {"filename": "six-9.9-py3-none-any.whl"}]},
        unknown={"kind": "package", "files": [SIX | {"project": "seven"}]},
    )
    with pytest.raises(WrongDigestError, match=WHEEL):
        fetch("six")
    assert (fetch("ours") / "six.py").read_text() == "x = 1"
    with pytest.raises(UnreachableError, match=r"has no file six-9\.9"):
        fetch("gone")
    with pytest.raises(UnreachableError, match="seven"):
        fetch("unknown")
    monkeypatch.setenv("PIP_INDEX_URL", f"{site.url}/absent".replace("://", "://me:secret@"))
    with pytest.raises(UnreachableError) as refused:
        fetch("gone")
    assert "/absent/" in str(refused.value) and "secret" not in str(refused.value)


@pytest.mark.net
@pytest.mark.skipif(shutil.which("apt-get") is None, reason="no apt-get: not a Debian or Ubuntu machine")
def test_a_debian_package_is_unpacked_without_root_or_installing(registry: Callable[..., Path]) -> None:
    package = {
        "package": "no-such-package | fortunes-cs",
        "bytes": 485912,
        "keep": ["usr/share/games/fortunes/cs/wright*"],
    }
    registry(
        free={"kind": "deb", "packages": [package | {"unpinned": "a test"}]},
        wrong={"kind": "deb", "packages": [package | {"sha256": "0123456789abcdef" * 4}]},
        unknown={"kind": "deb", "packages": [package | {"package": "no-such-package", "unpinned": "a test"}]},
    )
    folder = fetch_or_skip("free")
    cs = folder / "usr/share/games/fortunes/cs"
    assert (cs / "wright.u8").is_symlink() and (cs / "wright.u8").read_text() == (cs / "wright").read_text()
    with pytest.raises(WrongDigestError, match="Another Debian or Ubuntu release may hold other") as error:
        fetch("wrong")
    assert error.value.observed == tree_sha256(folder)
    with pytest.raises(UnreachableError, match="knows no package no-such-package"):
        fetch("unknown")


def test_a_debian_package_from_the_mirror_needs_no_apt(
    registry: Callable[..., Path], setting: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w:xz") as archive:
        info = tarfile.TarInfo("./usr/share/a.txt")
        info.size = 3
        archive.addfile(info, io.BytesIO(b"abc"))
    body = (
        b"!<arch>\n"
        + f"{'data.tar.xz':<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{data.tell():<10}`\n".encode()
        + data.getvalue()
    )
    (tmp_path / "mirror" / "mine").mkdir(parents=True)
    (tmp_path / "mirror" / "mine" / "tale_all.deb").write_bytes(body)
    setting(mirror=tmp_path / "mirror")
    monkeypatch.setenv("PATH", str(tmp_path))
    registry(
        mine={"kind": "deb", "packages": [{"package": "tale", "bytes": 1, "unpinned": "a test"}]},
        other={"kind": "deb", "packages": [{"package": "tale", "bytes": 1, "unpinned": "a test", "keep": ["usr/*"]}]},
    )
    assert (fetch("mine") / "usr/share/a.txt").read_text() == "abc"
    with pytest.raises(UnreachableError, match="no apt-get"):
        fetch("other")


def test_a_page_in_place_of_a_package_is_told_and_not_kept(
    registry: Callable[..., Path], setting: Callable[..., None], tmp_path: Path
) -> None:
    (tmp_path / "mirror" / "mine").mkdir(parents=True)
    (tmp_path / "mirror" / "mine" / "tale_all.deb").write_bytes(b"<html>login</html>")
    setting(mirror=tmp_path / "mirror")
    registry(mine={"kind": "deb", "packages": [{"package": "tale", "bytes": 1, "unpinned": "a test"}]})
    with pytest.raises(UnsafeArchiveError, match=r"'mine': tale_all\.deb cannot be read as an archive.*deleted"):
        fetch("mine")
    assert not list((tmp_path / "cache").rglob("*.deb"))


def test_a_hub_file_comes_from_the_pinned_commit(registry: Callable[..., Path], site) -> None:
    revision = "a" * 40
    site.bodies[f"/some/model/resolve/{revision}/config.json"] = b'{"d_model": 512}'
    digest = hashlib.sha256(b'{"d_model": 512}').hexdigest()
    file = {"path": "config.json", "sha256": digest, "bytes": 16}
    hub = {"kind": "hub", "repo": "some/model", "repo_type": "model", "revision": revision, "files": [file]}
    registry(mine=hub, gone=hub | {"files": [file | {"path": "gone.json"}]})
    code = "import sys; from selfsown.sources import fetch; print((fetch(sys.argv[1]) / 'config.json').read_text())"
    assert (done := with_hub(site, code, "mine")).stdout == '{"d_model": 512}\n', done.stderr
    assert "gone.json could not be had" in with_hub(site, code, "gone").stderr


def with_hub(site, code: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A process of its own: the hub's client reads the endpoint when it is imported."""
    environment = os.environ | {"HF_ENDPOINT": site.url, "HF_HUB_DOWNLOAD_TIMEOUT": "5"}
    return subprocess.run([sys.executable, "-c", code, *arguments], env=environment, capture_output=True, text=True)


def test_a_hub_repository_is_pinned_by_commit_and_digests(registry: Callable[..., Path], site) -> None:
    registry(six={"kind": "package", "files": [SIX]})
    weights, config = b"weights", b'{"d_model": 512}'
    revision, digest = "b" * 40, hashlib.sha256(weights).hexdigest()
    siblings = [
        {"rfilename": "model.safetensors", "size": 7, "lfs": {"sha256": digest, "size": 7, "pointerSize": 1}},
        {"rfilename": "config.json", "size": len(config)},
        {"rfilename": "pytorch_model.bin", "size": 9},
    ]
    info = {"id": "some/model", "sha": revision, "siblings": siblings, "cardData": {"license": "mit"}}
    site.bodies["/api/models/some/model?blobs=true"] = json.dumps(info).encode()
    site.bodies[f"/some/model/resolve/{revision}/config.json"] = config
    site.bodies[f"/some/model/resolve/{revision}/model.safetensors"] = weights
    code = "import sys; from selfsown.cli import main; sys.argv[1:1] = ['source']; main()"
    done = with_hub(site, code, "add", "mine", "hub:some/model")
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(f"mine: 2 files, {7 + len(config)} bytes, of some/model at commit {revision}\n")
    source = load_registry()["mine"]
    assert isinstance(source, HubSource) and (source.revision, source.licence) == (revision, "mit")
    assert {file.path: file.sha256 for file in source.files} == {
        "model.safetensors": digest, "config.json": hashlib.sha256(config).hexdigest(),
    }  # fmt: skip
    done = with_hub(site, code, "fetch", "mine")
    assert (Path(done.stdout.split(": ")[1].strip()) / "model.safetensors").read_bytes() == weights, done.stderr
    for words, message in {
        ("hub:some/model", "--keep", "*.onnx"): "no file matches *.onnx; it has model.safetensors, config.json",
        ("hub:some/other",): "hub:some/other: ",
        ("hub:some",): "'hub:some' is no hub address",
    }.items():
        refused = with_hub(site, code, "add", "other", *words)
        assert refused.returncode == 1 and message in refused.stderr, refused.stderr


@pytest.mark.skipif(MIRROR is None, reason="SELFSOWN_MIRROR is not set: the real files are not at hand")
@pytest.mark.parametrize("name", ["gsm8k", "mawps", "asdiv-a", "svamp", "stsb"])
def test_the_real_files_of_the_mirror_are_what_the_registry_pins(
    name: str, setting: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    setting(cache=tmp_path, mirror=MIRROR, offline=1)
    source = load_registry()[name]
    assert isinstance(source, UrlSource)
    folder = fetch(name)
    for file in source.files:
        assert (folder / file.path).stat().st_size == file.bytes
