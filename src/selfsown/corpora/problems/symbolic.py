"""GSM-Symbolic as word problems: the program is what its reasoning computes, every line of it executed."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from selfsown.corpora.problems.templates import TemplateSplits, split_of_templates
from selfsown.corpora.readers.rationales.gsm_symbolic import Templates
from selfsown.corpora.readers.rationales.program import mask, program
from selfsown.corpora.readers.word_problems import WordProblem
from selfsown.shards.seeds import purpose_seed

SOURCE = "gsm-symbolic"


def symbolic(folder: Path, splits: TemplateSplits, constants: Collection[Fraction], seed: int) -> Iterator[WordProblem]:
    """Problems of all templates; of those that cannot be said as a program, the reason.

    A problem follows from the seed, its template and its place, and is none of those that `corpora.rationales` draws.
    """
    templates = Templates(folder, SOURCE)
    for name, split in split_of_templates(map(str, templates.numbers), splits, seed).items():
        group = templates.group(int(name))
        for place in range(splits.rows[split]):
            drawn = f"problems/{place}"
            worked = templates.problem(int(name), drawn, purpose_seed(seed, f"{group}/{drawn}"))
            problem = WordProblem(worked.id, SOURCE, split=split, group=group, reason=worked.reason)
            if not problem.reason:
                masked = mask(worked.question)
                equation = program(worked.rationale, masked, worked.answer, constants)
                problem = replace(
                    problem, question=masked.text, numbers=masked.numbers, equation=equation, answer=worked.answer,
                    reason="" if equation else "no program: a value from nowhere, or another result",
                )  # fmt: skip
            yield problem
