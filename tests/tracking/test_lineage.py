"""Parameters flattened within MLflow's limits; products known by the hash DVC gives them."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import yaml

from selfsown.products import CardInfo, read_card
from selfsown.shards import write_product
from selfsown.tracking.lineage import LONGEST_PARAM, contaminated, dvc_digest, flatten, made_from, product, source_tags


def test_flatten_keeps_structure_and_limits() -> None:
    flat = flatten({"a": {"b": [1, 2], "c": None}, "text": "x" * 9000, "voices": {"cs+m3": 1, "cs_m3": 2}, "e": {}})
    assert flat["a.b"] == "[1, 2]" and flat["a.c"] == "null" and flat["e"] == "{}"
    assert len(flat["text"]) == LONGEST_PARAM and flat["text"].endswith("...")
    assert len(flat) == 6, "no two keys may collide once '+' is replaced"


def test_digest_is_dvcs(project: Path) -> None:
    folder = Path("data/x")
    for name in ("b.txt", "a/b.txt", "a-b/c.txt"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name)
    for command in (["init", "--no-scm", "-q"], ["add", "-q", str(folder)]):
        subprocess.run([sys.executable, "-m", "dvc", *command], check=True)
    expected = yaml.safe_load(Path("data/x.dvc").read_text())["outs"][0]["md5"]
    assert dvc_digest(folder) == expected
    assert len(expected) == 36


def test_lock_is_believed_only_while_sizes_agree(project: Path) -> None:
    folder = Path("data/demo/speech")
    deps = [{"path": "data/raw", "md5": "1" * 32 + ".dir"}, {"path": "src/selfsown/text.py", "md5": "2" * 32}]
    outs = [{"path": str(folder), "hash": "md5", "md5": "0" * 32 + ".dir", "size": 4, "nfiles": 1}]
    lock = Path("pipelines/demo/dvc.lock")
    lock.parent.mkdir(parents=True)
    lock.write_text(yaml.safe_dump({"schema": "2.0", "stages": {"speech": {"cmd": "x", "deps": deps, "outs": outs}}}))
    assert (product(folder).digest, product(folder).origin) == ("0" * 32 + ".dir", "dvc.lock")
    assert [(used.name, used.digest) for used in made_from(folder)] == [("raw", "1" * 32 + ".dir")]
    assert product(folder).name == "demo/speech"
    (folder / "part-00001.parquet").write_bytes(b"more")
    assert (product(folder).digest, product(folder).origin) == (dvc_digest(folder), "computed")


def test_tags_say_stage_profile_seed_and_commit(project: Path) -> None:
    tags = source_tags("demo.train@a", {"seed": 3}, "f")
    assert (tags["stage"], tags["labels"], tags["composed_from"], tags["seed"]) == ("demo.train", "a", "smoke", "3")
    Path("params.yaml").write_text("{composed_from: study, seed: 2}")
    assert (
        source_tags("demo.transcribe@a", {"limit": 5}, "f").items() >= {"composed_from": "study", "seed": "2"}.items()
    )


def test_a_model_is_contaminated_by_all_that_it_was_trained_on(project: Path) -> None:
    schema = pa.schema([("a", pa.string())])
    for name, marks in {"data/clean": (), "data/marked": ("bigbench",)}.items():
        info = CardInfo(name=name, licence="x", source="x", seed=1, contaminated=marks)
        write_product(Path(name), [schema.empty_table()], schema=schema, card=info)
        assert read_card(Path(name)).contaminated == marks
        assert ("contaminated" in Path(name, "card.json").read_text()) == bool(marks), "clean cards stay as they were"
        assert ("Contaminated: bigbench" in Path(name, "README.md").read_text()) == bool(marks)
    made = {"models/base": ["data/marked"], "models/fine": ["models/base", "data/clean"], "models/own": ["data/clean"]}
    stages = {
        out: {"cmd": "x", "deps": [{"path": path, "md5": "1" * 32} for path in deps], "outs": [{"path": out}]}
        for out, deps in made.items()
    }
    lock = Path("pipelines/demo/dvc.lock")
    lock.parent.mkdir(parents=True, exist_ok=True)
    lock.write_text(yaml.safe_dump({"schema": "2.0", "stages": stages}))
    assert [contaminated(Path(name)) for name in (*made, "models/none")] == [["bigbench"], ["bigbench"], [], []]
