"""Data products: same bytes for any worker count, resumed after kill -9, damage found."""

import shutil
import signal
import subprocess
import sys
import time
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from selfsown.identity import Identity
from selfsown.products import CardInfo, ProductError, read_card, read_product
from selfsown.settings import settings
from selfsown.shards import ShardResult, map_shards, with_reason
from selfsown.shards.seeds import shard_seed

SCHEMA = pa.schema([("id", pa.string()), ("value", pa.float64())])
CARD = CardInfo(name="numbers", licence="CC0-1.0", source="made here", seed=7)
IDENTITY = Identity("numbers", params={"size": 20}, arguments={}, inputs={}, code="of the first version")


def make_worker(log: Path | None = None, pause: float = 0.0):
    def work(index: int) -> ShardResult:
        if log:
            with log.open("a") as file:
                file.write(f"{index}\n")
        time.sleep(pause)
        rng = np.random.default_rng(shard_seed(7, index))
        values = rng.normal(size=20)
        table = pa.table({"id": [f"{index}-{i}" for i in range(20)], "value": values})
        keep = pa.array(values > -1)
        rejected = table.filter(pa.array(values <= -1))
        return ShardResult(table.filter(keep), with_reason(rejected, ["below -1"] * rejected.num_rows))

    return work


def make(out: Path, log: Path | None = None, pause: float = 0.0, count: int = 6, identity: Identity = IDENTITY):
    return map_shards(partial(make_worker, log, pause), range(count), out, schema=SCHEMA, card=CARD, identity=identity)


@pytest.fixture
def workers(monkeypatch: pytest.MonkeyPatch):
    def set_to(count: int, engine: str = "local") -> None:
        monkeypatch.setenv("SELFSOWN_WORKERS", str(count))
        monkeypatch.setenv("SELFSOWN_ENGINE", engine)
        settings.cache_clear()

    yield set_to
    monkeypatch.undo()
    settings.cache_clear()


def test_same_bytes_for_any_number_of_workers(tmp_path: Path, workers) -> None:
    workers(1)
    one = make(tmp_path / "one")
    workers(2)
    two = make(tmp_path / "two")
    assert one.digest == two.digest
    assert (tmp_path / "one" / "rejected.parquet").read_bytes() == (tmp_path / "two" / "rejected.parquet").read_bytes()
    assert sorted(p.name for p in (tmp_path / "one").iterdir()) == sorted(p.name for p in (tmp_path / "two").iterdir())


@pytest.mark.slow
def test_ray_makes_the_same_bytes(tmp_path: Path, workers) -> None:
    local = make(tmp_path / "local")
    workers(2, "ray")
    assert make(tmp_path / "ray").digest == local.digest


def test_no_row_is_lost(tmp_path: Path) -> None:
    card = make(tmp_path / "product")
    assert card.rows + sum(card.dropped.values()) == 6 * 20
    assert card.dropped == {"below -1": 120 - card.rows}


def test_kill_9_resumes_with_the_missing_shards_only(tmp_path: Path) -> None:
    out, log = tmp_path / "product", tmp_path / "log"
    program = f"import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})\n" + (
        "from test_shards import make\nfrom pathlib import Path\n"
        f"make(Path({str(out)!r}), Path({str(log)!r}), pause=0.4, count=8)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", program], start_new_session=True)
    deadline = time.monotonic() + 60
    while len(list((out / ".work").glob("0*.json"))) < 3:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    with pytest.raises(ProductError, match="not a finished data product"):
        read_card(out)
    before = len(log.read_text().split())
    time.sleep(1)
    assert len(log.read_text().split()) == before, "a worker outlived its killed parent"
    done = {p.stem for p in (out / ".work").glob("0*.json")}
    log.write_text("")
    resumed = make(out, log, count=8)
    assert {f"{int(i):05d}" for i in log.read_text().split()}.isdisjoint(done)
    assert resumed.digest == make(tmp_path / "undisturbed", count=8).digest


@pytest.mark.parametrize(
    ("change", "made"),
    [
        ({}, [4, 5]),
        ({"params": {"size": 21}}, [0, 1, 2, 3, 4, 5]),
        ({"arguments": {"arm": "mixed"}}, [0, 1, 2, 3, 4, 5]),
        ({"inputs": {"speech": "of other bytes"}}, [0, 1, 2, 3, 4, 5]),
        ({"code": "of the second version"}, [0, 1, 2, 3, 4, 5]),
    ],
)
def test_half_a_product_is_gone_on_with_under_the_same_identity_only(
    tmp_path: Path, workers, change: dict, made: list[int]
) -> None:
    workers(1)
    out, log = tmp_path / "product", tmp_path / "log"
    with pytest.raises(ZeroDivisionError):
        map_shards(make_broken, range(6), out, schema=SCHEMA, card=CARD, identity=IDENTITY)
    make(out, log, identity=replace(IDENTITY, **change))
    assert sorted(map(int, log.read_text().split())) == made


def test_half_a_product_goes_on_in_another_checkout(tmp_path: Path, workers, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SELFSOWN_WORK", str(tmp_path / "volume"))
    workers(1)
    out, log, options = Path("data/product"), tmp_path / "log", {"schema": SCHEMA, "card": CARD, "identity": IDENTITY}
    lane = tmp_path / "second/.selfsown/study/p.study-1"  # a seed at work beside: it touches nothing of ours
    for checkout in (tmp_path / "first", tmp_path / "second", lane):
        (checkout / ".dvc").mkdir(parents=True)
        (checkout / ".dvc/config").touch()
    monkeypatch.chdir(tmp_path / "first")
    with pytest.raises(ZeroDivisionError):
        map_shards(make_broken, range(6), out, **options)
    monkeypatch.chdir(lane)
    make(out, log)
    assert sorted(map(int, log.read_text().split())) == [0, 1, 2, 3, 4, 5]
    log.unlink()
    monkeypatch.chdir(tmp_path / "second")
    shutil.rmtree(tmp_path / "first")
    card = make(out, log)
    assert sorted(map(int, log.read_text().split())) == [4, 5]
    assert not list((tmp_path / "volume" / "unfinished").iterdir())
    assert not [path for path in out.iterdir() if path.is_symlink() or path.name == ".work"]
    assert read_product(out).num_rows == card.rows
    monkeypatch.delenv("SELFSOWN_WORK")
    workers(1)
    assert card.digest == make(tmp_path / "here").digest


def test_no_card_without_a_readme(tmp_path: Path) -> None:
    out = tmp_path / "product"
    with pytest.raises(ZeroDivisionError):
        map_shards(make_broken, range(6), out, schema=SCHEMA, card=CARD, identity=IDENTITY)
    (out / "README.md").mkdir()  # what stops its writer
    with pytest.raises(IsADirectoryError):
        make(out)
    assert not (out / "card.json").exists()
    (out / "README.md").rmdir()
    card = make(out)
    assert {p.name for p in out.iterdir()} == {
        "README.md",
        "card.json",
        "rejected.parquet",
        *(s.file for s in card.shards),
    }


def test_truncated_shard_is_named(tmp_path: Path) -> None:
    make(tmp_path / "product")
    shard = tmp_path / "product" / "part-00002.parquet"
    shard.write_bytes(shard.read_bytes()[:-10])
    with pytest.raises(ProductError, match=r"part-00002\.parquet: damaged"):
        read_product(tmp_path / "product")
    shard.unlink()
    with pytest.raises(ProductError, match=r"part-00002\.parquet: missing"):
        read_product(tmp_path / "product")


def test_a_worker_that_raises_fails_the_product_and_leaves_no_card(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        map_shards(make_broken, range(6), tmp_path / "p", schema=SCHEMA, card=CARD, identity=IDENTITY)
    assert not (tmp_path / "p" / "card.json").exists()


def make_broken():
    """Four shards, then an error."""
    work = make_worker()
    return lambda index: work(index // (index < 4))


def test_arrow_shards_hold_the_same_rows_and_are_read_where_they_lie(tmp_path: Path, workers) -> None:
    workers(1)
    options = {"schema": SCHEMA, "card": CARD, "identity": IDENTITY}
    card = map_shards(make_worker, range(3), tmp_path / "arrow", file_format="arrow", **options)
    make(tmp_path / "parquet", count=3)
    assert [shard.file for shard in card.shards] == [f"part-0000{place}.arrow" for place in range(3)]
    assert read_product(tmp_path / "arrow").equals(read_product(tmp_path / "parquet"))
    before = pa.total_allocated_bytes()
    with pa.memory_map(str(tmp_path / "arrow" / "part-00001.arrow")) as mapped:
        table = pa.ipc.open_file(mapped).read_all()
        assert len(table["value"].chunks) == 1
        assert pa.total_allocated_bytes() <= before  # less where what another test left is freed
    again = map_shards(make_worker, range(3), tmp_path / "again", file_format="arrow", **options)
    assert again.digest == card.digest
