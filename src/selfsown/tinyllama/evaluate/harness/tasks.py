"""Two multiple-choice tasks made from held-out documents: files that EleutherAI's lm-eval loads like its own.

They say something about a model that is too small for the paper's benchmarks, in the language it was trained on.

- `continuation`, after HellaSwag (Zellers et al. 2019): the beginning of a paragraph and four ways to go on. One is its
  own, three are from other documents. Chance: 25 %. HellaSwag's wrong endings are written to mislead. Ours are drawn.
- `word_order`, after BLiMP (Warstadt et al. 2020): a sentence, and the same with two neighbouring words swapped. Which
  is real? Chance: 50 %.

A task is two files: `<task>.yaml`, and `<task>.jsonl` with a line an item: `choices`, `label` and, for `continuation`,
the `context` before them.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path
from typing import NamedTuple

import yaml

from selfsown.errors import UserError
from selfsown.files import write_atomic
from selfsown.shards.seeds import rank
from selfsown.text.written.sentences import markup, segment, unfinished

CHANCE = {"continuation": 0.25, "word_order": 0.5}
"""The tasks, and the accuracy of a guess."""

CONTEXT_WORDS = 32
ENDING_WORDS = 16
"""Of `continuation`. Together about 70 tokens: a small model's context has room for them."""

SENTENCE_WORDS = range(6, 31)
"""Of `word_order`: enough words to have an order, few enough to be one sentence."""

Item = dict[str, object]


def write_tasks(documents: Iterable[str], folder: Path, *, size: int, seed: int) -> None:
    """Write both tasks, `size` items each, drawn by the seed.

    They depend neither on the order of the documents nor on where the folder is.

    Raises:
        UserError: the documents do not give so many items.
    """
    texts = sorted(set(documents))
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder, "continuation", continuation(texts, size, seed), {"doc_to_text": "context"})
    # A sentence stands alone, right after BOS: no space before it.
    _write(folder, "word_order", word_order(texts, size, seed), {"doc_to_text": "", "target_delimiter": ""})


def _write(folder: Path, task: str, items: Sequence[Item], how: dict[str, object]) -> None:
    measured = [{"metric": name, "aggregation": "mean", "higher_is_better": True} for name in ("acc", "acc_norm")]
    config = {
        "task": task,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": f"{task}.jsonl"}},
        "test_split": "test",
        "output_type": "multiple_choice",
        **how,
        "doc_to_choice": "choices",
        "doc_to_target": "label",
        "num_fewshot": 0,
        "metric_list": measured,
        "metadata": {"version": 1},
    }
    lines = "".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items)
    write_atomic(folder / f"{task}.jsonl", lines.encode())
    write_atomic(folder / f"{task}.yaml", yaml.safe_dump(config, sort_keys=False).encode())


class _Passage(NamedTuple):
    document: int
    context: str
    ending: str


def continuation(documents: Sequence[str], size: int, seed: int) -> list[Item]:
    """`size` beginnings of paragraphs, each with its own ending and with three of other documents, all equally long.

    Raises:
        UserError: the documents do not give so many.
    """
    passages = {passage.context: passage for place, text in enumerate(documents) for passage in _passages(place, text)}
    drawn = sorted(passages.values(), key=lambda passage: rank(seed, f"continuation:{passage.context}"))
    return _enough("continuation", size, _continuations(drawn, seed))


def _passages(document: int, text: str) -> Iterator[_Passage]:
    for paragraph in _paragraphs(text):
        words = paragraph.split(" ")
        end = CONTEXT_WORDS + ENDING_WORDS
        if len(words) >= end:
            yield _Passage(document, " ".join(words[:CONTEXT_WORDS]), " ".join(words[CONTEXT_WORDS:end]))


def _continuations(drawn: Sequence[_Passage], seed: int) -> Iterator[Item]:
    for passage in drawn:
        rng = random.Random(f"{seed}:{passage.context}")
        choices = _endings_elsewhere(drawn, passage, rng.randrange(len(drawn)))
        if len(choices) == 3:
            label = rng.randrange(4)
            choices.insert(label, passage.ending)
            yield {"context": passage.context, "choices": choices, "label": label}


def _endings_elsewhere(drawn: Sequence[_Passage], passage: _Passage, start: int) -> list[str]:
    """The first three from `start`, going round: each of another document, no two alike."""
    found = {passage.document: passage.ending}
    for step in range(len(drawn)):
        other = drawn[(start + step) % len(drawn)]
        if other.document not in found and other.ending not in found.values():
            found[other.document] = other.ending
            if len(found) == 4:
                break
    return list(found.values())[1:]


def word_order(documents: Sequence[str], size: int, seed: int) -> list[Item]:
    """`size` sentences, at most one of a paragraph, each beside itself with two neighbouring words swapped.

    Raises:
        UserError: the documents do not give so many.
    """
    paragraphs = {paragraph for text in documents for paragraph in _paragraphs(text)}
    drawn = sorted(paragraphs, key=lambda paragraph: rank(seed, f"word_order:{paragraph}"))
    return _enough("word_order", size, _word_orders(drawn, seed))


def _word_orders(paragraphs: Iterable[str], seed: int) -> Iterator[Item]:
    seen = set()
    for paragraph in paragraphs:
        rng = random.Random(f"{seed}:{paragraph}")
        pairs = [pair for sentence in segment(paragraph, "en") for pair in _swapped(sentence, rng)]
        if pairs and (pair := rng.choice(pairs))[0] not in seen:
            seen.add(pair[0])
            label = rng.randrange(2)
            yield {"choices": [pair[label], pair[1 - label]], "label": label}


def _swapped(sentence: str, rng: random.Random) -> Iterator[tuple[str, str]]:
    """The sentence and its other order; nothing for what is no sentence.

    The first word keeps its capital and marks keep their places, so that only the order gives the wrong one away.
    """
    words = sentence.split(" ")
    if len(words) not in SENTENCE_WORDS or unfinished(sentence, "en") or markup(sentence):
        return
    places = [
        place
        for place, (one, two) in enumerate(pairwise(words))
        if place and one.isalpha() and two.isalpha() and one.casefold() != two.casefold()
    ]
    if places:
        place = rng.choice(places)
        words[place : place + 2] = words[place + 1], words[place]
        yield sentence, " ".join(words)


def _paragraphs(text: str) -> list[str]:
    """What blank lines separate, each on one line."""
    return [" ".join(part.split()) for part in re.split(r"\n\s*\n", text)]


def _enough(task: str, size: int, items: Iterator[Item]) -> list[Item]:
    made = list(islice(items, size))
    if len(made) < size:
        raise UserError(
            f"{task}: {size} items were asked for, but the held-out documents give only {len(made)}: "
            "ask for fewer, or hold out more documents"
        )
    return made
