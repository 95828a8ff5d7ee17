"""The fetcher against a real web server that fails in real ways, and against kill -9."""

from __future__ import annotations

import copy
import hashlib
import io
import os
import random
import signal
import subprocess
import sys
import tarfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from selfsown.sources import UnreachableError, WrongDigestError, fetch
from selfsown.sources.tree import tree_sha256

BODY = bytes(range(256)) * 4000


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def url_source(*urls: str, body: bytes = BODY, path: str = "a/b.bin", **more: object) -> dict:
    return {
        "kind": "url",
        "files": [{"path": path, "urls": list(urls), "sha256": sha256(body), "bytes": len(body), **more}],
    }


def start_fetch(name: str) -> subprocess.Popen[str]:
    """Another process that says `go` when all is imported, then fetches."""
    code = f"from selfsown.sources import fetch; print('go', flush=True); print(fetch({name!r}))"
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdout.readline() == "go\n"
    return process


def test_a_file_is_fetched_once_and_read_only(registry: Callable[..., Path], site) -> None:
    site.bodies["/x"] = BODY
    registry(mine=url_source(f"{site.url}/x"))
    folder = fetch("mine")
    assert (folder / "a/b.bin").read_bytes() == BODY
    assert (folder / "a/b.bin").stat().st_mode & 0o222 == 0
    assert fetch("mine", full=True) == folder
    assert site.requests == ["/x"]


@pytest.mark.parametrize("first", ["absent", "cut", "down"])
def test_the_next_url_is_used_when_the_first_does_not_deliver(registry: Callable[..., Path], site, first: str) -> None:
    site.bodies |= {"/cut": BODY, "/good": BODY}
    site.cut.add("/cut")
    url = "http://127.0.0.1:9/x" if first == "down" else f"{site.url}/{first}"
    registry(mine=url_source(url, f"{site.url}/good"))
    assert (fetch("mine") / "a/b.bin").read_bytes() == BODY


def test_a_body_cut_short_is_never_taken_for_whole(registry: Callable[..., Path], site, tmp_path: Path) -> None:
    site.bodies["/x"] = BODY
    site.cut.add("/x")
    registry(mine=url_source(f"{site.url}/x"))
    with pytest.raises(UnreachableError, match=r"b\.bin could not be had"):
        fetch("mine")
    assert not [p for p in (tmp_path / "cache").rglob("*.bin*") if p.is_file()]
    site.cut.clear()
    assert (fetch("mine") / "a/b.bin").read_bytes() == BODY


def test_wrong_bytes_are_deleted_and_both_digests_shown(registry: Callable[..., Path], site, tmp_path: Path) -> None:
    site.bodies |= {"/bad": b"<html>login</html>", "/good": BODY}
    registry(mine=url_source(f"{site.url}/bad", f"{site.url}/good"))
    with pytest.raises(WrongDigestError) as error:
        fetch("mine")
    for part in (
        "'mine'",
        "a/b.bin",
        sha256(BODY),
        sha256(b"<html>login</html>"),
        "/bad",
        "18 bytes",
        "conf/sources.yaml",
    ):
        assert part in str(error.value)
    assert not [p for p in (tmp_path / "cache").rglob("*.bin*") if p.is_file()]


def test_unreachable_names_source_profile_and_setting(
    registry: Callable[..., Path], site, setting, tmp_path: Path
) -> None:
    registry(mine=url_source(f"{site.url}/gone"))
    for group, file, text in (
        ("a", "gpu", "mine"),
        ("b", "gpu", "mine"),
        ("a", "paper", "mine-too"),
        ("variant", "own", "mine"),
    ):
        (tmp_path / "conf" / group).mkdir(exist_ok=True)
        (tmp_path / "conf" / group / f"{file}.yaml").write_text(f"read: {{text: [{text}]}}\n")
    with pytest.raises(UnreachableError) as error:
        fetch("mine")
    for part in (
        "source 'mine' (needed by profile gpu, variant own): a/b.bin",
        "404",
        "SELFSOWN_MIRROR",
        "mine/a/b.bin",
    ):
        assert part in str(error.value)
    setting(offline=1)
    with pytest.raises(UnreachableError, match="unset SELFSOWN_OFFLINE"):
        fetch("mine")
    assert site.requests == ["/gone"], "offline asks no origin"


def test_what_a_worker_process_cannot_fetch_is_said_by_its_parent() -> None:
    for error in (
        WrongDigestError("mine", "a.bin", "0" * 64, "1" * 64, "look"),
        UnreachableError("mine", "a.bin", ["here: gone"], ["profile gpu"], offline=True),
    ):
        again = copy.copy(error)  # by the protocol that brings it out of a process
        assert (type(again), str(again), vars(again)) == (type(error), str(error), vars(error))


@pytest.mark.parametrize("kind", ["folder", "url"])
def test_the_mirror_is_asked_first_and_is_enough_offline(
    registry: Callable[..., Path], site, setting, tmp_path: Path, kind: str
) -> None:
    held = tmp_path / "mirror" / "mine" / "a"
    held.mkdir(parents=True)
    (held / "b.bin").write_bytes(BODY)
    site.bodies["/mirror/mine/a/b.bin"] = BODY
    registry(mine=url_source(f"{site.url}/x"))
    setting(mirror=tmp_path / "mirror" if kind == "folder" else f"{site.url}/mirror/", offline=1)
    assert (fetch("mine") / "a/b.bin").read_bytes() == BODY
    assert "/x" not in site.requests


def test_the_password_of_a_mirror_is_in_no_message(
    registry: Callable[..., Path], setting: Callable[..., None], site
) -> None:
    registry(mine=url_source(f"{site.url}/x"))
    setting(mirror=site.url.replace("://", "://me:secret@"), offline=1)
    with pytest.raises(UnreachableError, match=f"{site.url}/mine/.*404") as told:
        fetch("mine")
    assert "secret" not in str(told.value)


def test_a_damaged_cache_is_noticed_and_mended(registry: Callable[..., Path], site) -> None:
    site.bodies["/x"] = BODY
    registry(mine=url_source(f"{site.url}/x"))
    file = fetch("mine") / "a/b.bin"
    file.chmod(0o644)
    file.write_bytes(BODY[:-1] + b"!")
    fetch("mine")
    assert file.read_bytes() != BODY, "the cheap check does not read files"
    fetch("mine", full=True)
    assert file.read_bytes() == BODY
    file.unlink()
    fetch("mine")
    assert file.read_bytes() == BODY


def test_two_processes_fetch_once(registry: Callable[..., Path], site) -> None:
    site.bodies["/x"] = BODY
    site.slow = threading.Event()
    registry(mine=url_source(f"{site.url}/x"))
    processes = [start_fetch("mine"), start_fetch("mine")]
    assert site.halfway.wait(30)
    time.sleep(0.2)
    site.slow.set()
    folders = {process.communicate(timeout=60)[0].strip() for process in processes}
    assert len(folders) == 1
    assert (Path(folders.pop()) / "a/b.bin").read_bytes() == BODY
    assert site.requests == ["/x"]


def test_a_kill_during_the_download_leaves_nothing_that_looks_whole(
    registry: Callable[..., Path], site, tmp_path: Path
) -> None:
    site.bodies["/x"] = BODY
    site.slow = threading.Event()
    registry(mine=url_source(f"{site.url}/x"))
    process = start_fetch("mine")
    assert site.halfway.wait(30)
    process.kill()
    process.communicate()
    assert not list((tmp_path / "cache").rglob("*.json"))
    assert not list((tmp_path / "cache").rglob("b.bin"))
    site.slow.set()
    assert (fetch("mine") / "a/b.bin").read_bytes() == BODY


def two_files(site) -> dict:
    site.bodies |= {"/x": BODY, "/y": BODY[::-1]}
    second = {"path": "c.bin", "urls": [f"{site.url}/y"], "sha256": sha256(BODY[::-1]), "bytes": len(BODY)}
    return {"kind": "url", "files": [*url_source(f"{site.url}/x")["files"], second]}


def test_a_file_that_is_there_is_not_fetched_again_when_the_next_one_fails(
    registry: Callable[..., Path], site, tmp_path: Path
) -> None:
    registry(mine=two_files(site))
    body = site.bodies.pop("/y")
    with pytest.raises(UnreachableError, match=r"c\.bin could not be had"):
        fetch("mine")
    site.bodies["/y"] = body
    folder = fetch("mine", full=True)
    assert {path.name: path.read_bytes() for path in folder.rglob("*.bin")} == {"b.bin": BODY, "c.bin": BODY[::-1]}
    assert site.requests == ["/x", "/y", "/y"]
    assert sorted(p.suffix for p in (tmp_path / "cache/sources").iterdir() if p != folder) == [".json", ".lock"]


def test_a_kill_during_the_second_file_leaves_the_first(registry: Callable[..., Path], site) -> None:
    registry(mine=two_files(site))
    fetch_until = "from selfsown.sources import download, fetch; import os; save = download.save_url\n"
    kill = "fetch_module.save_url = lambda url, path: os._exit(9) if url.endswith('/y') else save(url, path)\n"
    code = f"{fetch_until}import sys; fetch_module = sys.modules['selfsown.sources.fetch']\n{kill}fetch('mine')"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    assert (fetch("mine") / "a/b.bin").read_bytes() == BODY
    assert site.requests == ["/x", "/y"]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_at_the_manifest_costs_no_download(
    registry: Callable[..., Path], site, tmp_path: Path, moment: str
) -> None:
    registry(mine=two_files(site))
    write = "write(*args); " if moment == "after" else ""
    code = (
        "import os; from selfsown.sources import fetch, tree\nwrite = tree.write_manifest\n"
        f"def end(*args): {write}os._exit(9)\ntree.write_manifest = end\nfetch('mine')"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 9
    folder = fetch("mine", full=True)
    assert (folder / "a/b.bin").read_bytes() == BODY
    assert site.requests == ["/x", "/y"]
    assert sorted(p.suffix for p in (tmp_path / "cache/sources").iterdir() if p != folder) == [".json", ".lock"]


@pytest.mark.slow
def test_kills_at_any_moment_end_in_the_same_tree(registry: Callable[..., Path], site, setting, tmp_path: Path) -> None:
    out = io.BytesIO()
    rng = random.Random(7)
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for i in range(1500):
            info = tarfile.TarInfo(f"d{i % 7}/{i}.txt")
            info.size = 2000
            archive.addfile(info, io.BytesIO(rng.randbytes(2000)))
    body = out.getvalue()
    site.bodies["/a.tar.gz"] = body
    registry(mine=url_source(f"{site.url}/a.tar.gz", body=body, path="a.tar.gz", keep=["*.txt"]))
    begin = time.monotonic()
    whole = tree_sha256(fetch("mine"))
    seconds = time.monotonic() - begin
    setting(cache=tmp_path / "second")
    for _ in range(6):
        process = start_fetch("mine")
        time.sleep(rng.uniform(0, 1.2 * seconds))
        os.kill(process.pid, signal.SIGKILL)
        process.communicate()
    folder = fetch("mine", full=True)
    assert tree_sha256(folder) == whole
    assert sorted(p.suffix for p in (tmp_path / "second" / "sources").iterdir() if p != folder) == [".json", ".lock"]


def test_an_unreadable_manifest_means_fetch_again(registry: Callable[..., Path], site) -> None:
    site.bodies["/x"] = BODY
    registry(mine=url_source(f"{site.url}/x"))
    folder = fetch("mine")
    folder.with_name(f"{folder.name}.json").write_text("{")
    assert fetch("mine") == folder
    assert site.requests == ["/x", "/x"]
