"""What the benchmarks of pre-training read: the Python files of this environment as a product, tokenised and packed.

They are on every machine in the versions of `requirements.lock`, need no download, and are real code with comments.
"""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import yaml

from selfsown.corpora.documents.passes import DOCUMENT
from selfsown.products import CardInfo
from selfsown.shards import write_product

SEED = 1
VOCABULARY = 4096
FILES = 200
"""Documents in a shard."""
LEFT_OUT = {"test", "tests", "site-packages", "dist-packages"}


def write_documents(folder: Path, characters: int) -> int:
    """The first `characters`, the standard library before the packages, as the product `folder/code`; its bytes."""
    rows, taken = [], 0
    for path, text in _files():
        if taken >= characters:
            break
        taken += len(text)
        digest = hashlib.sha256(text.encode()).hexdigest()
        rows.append(
            {
                "id": digest[:16], "text": text, "source": "python", "name": path, "domain": "python",
                "licence": "its package's", "split": "validation" if int(digest, 16) % 20 == 0 else "train",
            }
        )  # fmt: skip
    tables = [pa.Table.from_pylist(rows[start : start + FILES], DOCUMENT) for start in range(0, len(rows), FILES)]
    card = CardInfo(
        name="benchmarks/code", licence="each package's own", source="Python files of this environment", seed=SEED
    )
    write_product(folder / "code", tables, schema=DOCUMENT, card=card)
    return sum(len(row["text"].encode()) for row in rows)


def _files() -> Iterator[tuple[str, str]]:
    paths = sysconfig.get_paths()
    for library in (Path(paths["stdlib"]), Path(paths["purelib"])):
        for path in sorted(library.rglob("*.py")):
            place = path.relative_to(library)
            if (
                LEFT_OUT.isdisjoint(place.parts)
                and (text := path.read_text(encoding="utf-8", errors="replace")).strip()
            ):
                yield str(place), text


def write_params(folder: Path) -> None:
    """`params.yaml` of the two stages."""
    code = {"mixture": {"code": 1}, "characters": 2_000_000, "size": VOCABULARY}
    sections = {"tokenizer": {"tokenizers": {"web": code}}, "pack": {"collections": {"web": ["code"]}}}
    (folder / "params.yaml").write_text(yaml.safe_dump({"data_seed": SEED, "tinyllama": sections}))


def run_stage(folder: Path, *arguments: str, workers: int, **variables: str) -> None:
    """A stage in a process of its own, as DVC runs it: in `folder`, on the local engine."""
    environment = {**os.environ, "SELFSOWN_WORKERS": str(workers), "SELFSOWN_ENGINE": "local", **variables}
    subprocess.run(
        [sys.executable, "-m", "selfsown", *arguments],
        cwd=folder, env=environment, check=True, stderr=subprocess.DEVNULL,
    )  # fmt: skip


def make_tokenizer(folder: Path) -> None:
    """`folder/tokenizer`, trained on `folder/documents`."""
    places = ["--documents", "documents", "--tokenizer", "tokenizer"]
    run_stage(folder, "tinyllama.tokenizer", "--vocabulary", "web", *places, workers=1)


def pack(folder: Path, out: str, workers: int, **variables: str) -> Path:
    """`folder/<out>`: the documents as packed tokens."""
    places = ["--documents", "documents", "--tokenizer", "tokenizer", "--packed", out]
    run_stage(folder, "tinyllama.pack", "--vocabulary", "web", *places, workers=workers, **variables)
    return folder / out
