from __future__ import annotations

import io
import os
import tarfile
import zipfile
from pathlib import Path

import pytest
import zstandard

from selfsown.sources import UnsafeArchiveError
from selfsown.sources.archives import unpack
from selfsown.sources.tree import tree_sha256


def member(name: str, data: bytes = b"x", **more: object) -> tuple[tarfile.TarInfo, bytes]:
    info = tarfile.TarInfo(name)
    info.size = len(data) if not more.get("linkname") else 0
    for key, value in more.items():
        setattr(info, key, value)
    return info, data


def link(name: str, target: str) -> tuple[tarfile.TarInfo, bytes]:
    return member(name, b"", type=tarfile.SYMTYPE, linkname=target)


def tar_of(*members: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for info, data in members:
            archive.addfile(info, io.BytesIO(data))
    return out.getvalue()


def write_deb(path: Path, data: bytes, name: str = "data.tar") -> Path:
    """A Debian package: an `ar` archive of three members."""
    parts = {"debian-binary": b"2.0\n", "control.tar": tar_of(), name: data}
    body = b"!<arch>\n"
    for part, content in parts.items():
        body += (
            f"{part:<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n".encode()
            + content
            + b"\n" * (len(content) % 2)
        )
    path.write_bytes(body)
    return path


@pytest.mark.parametrize(
    "members",
    [
        [member("../evil")],
        [member("/etc/evil")],
        [member("a/../../evil")],
        [link("a", "../outside"), member("b")],
        [link("a", "b/../../outside"), member("b/c")],
        [link("d", "."), member("d/evil")],
        [link("d", "/"), link("d/e", "/x"), member("d/e/f")],
        [member("a", type=tarfile.CHRTYPE)],
        [member("a"), member("a")],
        [member("other")],
    ],
    ids=[
        "up",
        "absolute",
        "up-inside",
        "link-up",
        "link-up-inside",
        "through-link",
        "through-root-link",
        "device",
        "twice",
        "none",
    ],
)
def test_nothing_is_written_outside_or_over(tmp_path: Path, members: list[tuple[tarfile.TarInfo, bytes]]) -> None:
    root = tmp_path / "in" / "tree"
    root.mkdir(parents=True)
    (tmp_path / "a.tar").write_bytes(tar_of(*members))
    keep = ("wanted",) if members[0][0].name == "other" else ("*",)
    with pytest.raises(UnsafeArchiveError, match=r"a\.tar"):
        unpack(tmp_path / "a.tar", root, keep)
    outside = {p for p in tmp_path.rglob("*") if root not in p.parents}
    assert outside == {tmp_path / "a.tar", tmp_path / "in", root}


def test_a_zip_can_not_leave_its_folder_either(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.whl", "w") as archive:
        archive.writestr("../evil", "x")
    (tmp_path / "tree").mkdir()
    with pytest.raises(UnsafeArchiveError, match="evil"):
        unpack(tmp_path / "a.whl", tmp_path / "tree", ("*",))


def test_a_package_keeps_its_links_programs_and_only_what_is_wanted(tmp_path: Path) -> None:
    data = tar_of(
        member("./usr/lib/libx.so.1.2", b"code", mode=0o644),
        link("./usr/lib/libx.so.1", "libx.so.1.2"),
        link("./usr/share/font.ttf", "/usr/lib/libx.so.1"),
        member("./usr/bin/run", b"#!", mode=0o755),
        member("./usr/share/big", b"left out"),
    )
    trees = []
    for name, content in {"data.tar": data, "data.tar.zst": zstandard.compress(data)}.items():
        root = tmp_path / name
        root.mkdir()
        written = unpack(
            write_deb(tmp_path / f"{name}.deb", content, name), root, ("usr/lib/*", "*/font.ttf", "usr/bin/*")
        )
        assert sorted(written) == ["usr/bin/run", "usr/lib/libx.so.1", "usr/lib/libx.so.1.2", "usr/share/font.ttf"]
        assert (root / "usr/share/font.ttf").read_bytes() == b"code", "an absolute link means the root of the tree"
        assert os.access(root / "usr/bin/run", os.X_OK)
        assert (root / "usr/lib/libx.so.1.2").stat().st_mode & 0o222 == 0, "what several runs share is read-only"
        trees.append(tree_sha256(root))
    assert trees[0] == trees[1]
