"""Conversations of a source: what the paper's chat model learns (OpenAssistant's, in ChatML)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq

from selfsown.errors import UserError
from selfsown.tinyllama.vocabulary.forms import Message

CHATML = re.compile(r"<\|im_start\|>(system|user|assistant)\n(.*?)<\|im_end\|>", re.DOTALL)


def conversations(folder: Path, source: str) -> list[list[Message]]:
    """Every conversation of the Parquet files in a folder, in their order; those without an answer are left out.

    A file has a column `messages` (lists of `role` and `content`), or `text` in ChatML.

    Raises:
        UserError: a file with neither, or no conversation with an answer.
    """
    found = [said for file in sorted(folder.rglob("*.parquet")) for said in _of(file, source)]
    kept = [said for said in found if any(message["role"] == "assistant" for message in said)]
    if not kept:
        raise UserError(f"source '{source}': no conversation with an answer in its Parquet files")
    return kept


def _of(file: Path, source: str) -> Iterator[list[Message]]:
    names = pq.read_schema(file).names
    column = next((name for name in ("messages", "text") if name in names), None)
    if column is None:
        raise UserError(f"source '{source}': {file.name} has no column `messages` or `text`; it has {', '.join(names)}")
    for value in pq.read_table(file, columns=[column])[column].to_pylist():
        if column == "messages":
            yield [{"role": message["role"], "content": message["content"]} for message in value or ()]
        else:
            yield [{"role": role, "content": content} for role, content in CHATML.findall(value or "")]
