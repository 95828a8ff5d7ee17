"""Stories of our own: word problems of one and two steps, told from templates, names, things and numbers drawn by seed.

A story follows from the seed, its template and its place among the template's: other templates and other numbers of
rows change none. A template is on one split. A story that shares words in a row with a question that is held out is
refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from random import Random

from selfsown.corpora.problems.stories.telling import Template, tell
from selfsown.corpora.problems.stories.templates import TEMPLATES
from selfsown.corpora.problems.templates import StorySplits, split_of_templates
from selfsown.corpora.readers.rationales.program import mask
from selfsown.corpora.readers.word_problems import WordProblem, without_numbers
from selfsown.products import Credits
from selfsown.shards.seeds import purpose_seed
from selfsown.text.written.overlap import HeldOut

SOURCE = "stories"
CREDITS: Credits = {
    "licence": "CC0-1.0",
    "source": f"made here, from {len(TEMPLATES)} templates of stories",
    "contaminated": (),
}
NGRAM = 5
"""So many words in a row of a held-out question, a number counting as one whichever it is, make a story leak."""


def stories(splits: StorySplits, held_out: Iterable[str], seed: int) -> Iterator[WordProblem]:
    """All stories; `held_out` are questions of which none may give anything away."""
    leaks = HeldOut((without_numbers(mask(text).text) for text in held_out), threshold=1, ngram=NGRAM)
    for name, split in split_of_templates(TEMPLATES, splits, seed).items():
        for place in range(splits.rows[split]):
            problem = story(TEMPLATES[name], place, splits.distractor, seed)
            yield replace(problem, split=split, reason=leaks.leak(without_numbers(problem.question)) or "")


def story(template: Template, place: int, distractor: float, seed: int) -> WordProblem:
    """The story of a template at a place."""
    rng = Random(purpose_seed(seed, f"{SOURCE}/{template.name}/{place}"))
    told = tell(template, distractor, rng)
    masked = mask(told.question)
    group = f"{SOURCE}/{template.name.replace(' ', '-')}"
    return WordProblem(
        f"{group}/{place}", SOURCE, masked.text, masked.numbers, told.equation, told.answer, group=group
    )  # fmt: skip
