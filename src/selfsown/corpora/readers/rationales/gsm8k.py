"""GSM8K: grade-school problems with reasoning that people wrote, its calculator annotations among the words.

Its files are JSON lines: `question`, and `answer`, which is the reasoning with `<<48/2=24>>` in it and `#### 72` at its
end. Every annotation is executed; rounded to the decimals it states it must be right. Reasoning without annotations
stays: it is the answer in words.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from selfsown.arithmetic import Refused, find_annotations, parse_annotations, print_value
from selfsown.corpora.readers.rationales.worked import Worked
from selfsown.corpora.readers.tables import json_rows
from selfsown.errors import UserError
from selfsown.reasoning.rationale import MARK, final_answer


def read(source: str, folder: Path, *, strict: bool = True) -> Iterator[Worked]:
    """The problems of a folder's `.jsonl` files.

    Args:
        strict: refuse a problem whose annotations do not hold; else only one whose answer cannot be read.

    Raises:
        UserError: no such file, or a line of it is no problem.
    """
    files = sorted(folder.glob("*.jsonl"))
    if not files:
        raise UserError(f"source '{source}': no .jsonl file in {folder}")
    for file in files:
        for number, row in enumerate(json_rows(file)):
            worked = Worked(f"{source}/{file.stem}/{number}", source)
            if row.fault:
                yield replace(worked, reason=row.refusal(file.name))
                continue
            try:
                question, reasoning = row.values["question"].strip(), row.values["answer"].strip()
            except (KeyError, AttributeError):
                raise UserError(f"{file} line {row.line}: expected an object with question and answer") from None
            yield with_rationale(replace(worked, question=question), reasoning, strict=strict)


def with_rationale(worked: Worked, reasoning: str, *, strict: bool = True) -> Worked:
    """The problem with its reasoning, which ends with `#### <answer>`, checked; `strict` as in `read`."""
    answer = final_answer(reasoning)
    if answer is None:
        said = reasoning.rpartition(MARK)[2].strip()
        return replace(worked, reason=f"unreadable answer: after the last {MARK} stands {said[:40]!r}")
    try:
        if strict and find_annotations(reasoning):
            parse_annotations(reasoning)
    except Refused as error:
        return replace(worked, answer=answer, reason=f"wrong annotation: {error.reason}")
    body = reasoning.rpartition(MARK)[0].strip()
    return replace(worked, answer=answer, rationale=f"{body}\n{MARK} {print_value(answer)}".lstrip())
