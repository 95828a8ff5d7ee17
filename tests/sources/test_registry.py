from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from selfsown.sources import RegistryError, WrongDigestError, describe, fetch, register_folder
from selfsown.sources.registry import load_registry

ROOT = Path(__file__).parents[2]
DEB = {"kind": "deb", "packages": [{"package": "a", "bytes": 1, "unpinned": "a program"}]}


def test_the_registry_of_the_repository_is_valid_and_says_where_each_source_may_be_used() -> None:
    sources = load_registry(ROOT / "conf/sources.yaml")
    assert sources
    for name, source in sources.items():
        assert source.licence and source.citation, name
        assert "f" * 64 not in source.model_dump_json(), f"{name} holds a placeholder for a digest"


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ({"kind": "url", "files": [{"path": "../x", "urls": ["u"], "sha256": "0" * 63 + "a", "bytes": 1}]}, "path"),
        ({"kind": "url", "files": [{"path": "x", "urls": ["u"], "sha256": "abc", "bytes": 1}]}, "sha256"),
        ({"kind": "url", "files": []}, "files"),
        ({"kind": "ftp"}, "ftp"),
        (DEB | {"size": 3}, "size"),
        ({"kind": "deb", "packages": [{"package": "a", "bytes": 1}]}, "unpinned"),
    ],
)
def test_a_wrong_entry_is_one_error_that_names_it(registry: Callable[..., Path], entry: dict, said: str) -> None:
    registry(mine=entry)
    with pytest.raises(RegistryError, match=r"conf/sources.yaml") as error:
        fetch("mine")
    assert "mine" in str(error.value) and said in str(error.value)


def test_an_unknown_name_is_told_the_known_ones(registry: Callable[..., Path]) -> None:
    registry(mine=DEB)
    with pytest.raises(RegistryError, match=r"no source 'yours'; it has mine"):
        fetch("yours")


def test_what_is_said_about_a_source_does_not_change_its_digest(registry: Callable[..., Path]) -> None:
    registry(
        one=DEB,
        two=DEB | {"licence": "MIT", "note": "new"},
        three=DEB | {"packages": [DEB["packages"][0] | {"keep": ["b"]}]},
    )
    one, two, three = (describe(name) for name in ("one", "two", "three"))
    assert one.sha256 == two.sha256 != three.sha256
    assert (two.licence, two.note) == ("MIT", "new")


def test_a_folder_of_ones_own_is_pinned_used_in_place_and_watched(
    registry: Callable[..., Path], tmp_path: Path
) -> None:
    path = registry(before=DEB, zafter=DEB)
    path.write_text("# a comment that stays\n" + path.read_text())
    folder = tmp_path / "my voice"
    folder.mkdir()
    (folder / "manifest.csv").write_text("a.wav,ahoj\n")
    register_folder(folder, "my-voice")
    assert fetch("my-voice").resolve() == folder == fetch("my-voice", full=True).resolve()

    (folder / "manifest.csv").write_text("a.wav,nazdar\n")
    with pytest.raises(WrongDigestError, match=r"changed since it was registered.*selfsown source add my-voice"):
        fetch("my-voice")
    register_folder(folder, "my-voice")
    assert fetch("my-voice").resolve() == folder
    assert path.read_text().startswith("# a comment that stays\n")
    assert list(yaml.safe_load(path.read_text())) == ["before", "zafter", "my-voice"]


def test_a_folder_can_not_take_the_name_of_another_kind_or_be_empty(
    registry: Callable[..., Path], tmp_path: Path
) -> None:
    registry(mine=DEB)
    with pytest.raises(RegistryError, match="of kind deb"):
        register_folder(tmp_path, "mine")
    (tmp_path / "empty").mkdir()
    with pytest.raises(RegistryError, match="not a folder with files"):
        register_folder(tmp_path / "empty", "other")
    with pytest.raises(RegistryError, match="no source name"):
        register_folder(tmp_path, "a: b")


def test_whatever_is_of_bigbench_is_marked() -> None:
    """Its files carry a canary, so that nothing be trained on them; cards, models and the page pass the mark on."""
    sources = load_registry(ROOT / "conf/sources.yaml")
    of_it = {
        name
        for name, source in sources.items()
        if source.kind == "package" and "bigbench" in {file.project for file in source.files}
    }
    assert len(of_it) == 3
    assert {name for name in of_it if sources[name].contaminated != "bigbench"} == set()
    assert describe("bigbench-vitaminc", ROOT / "conf/sources.yaml").credits["contaminated"] == ("bigbench",)
