"""A story of a template: its words and numbers drawn, and the program over the numbers in the order of their mention.

A template is told in several ways. In its texts `[gave|sold]` is a choice, choices within choices too; `{a}` to `{e}`
are numbers, each told once; `{name}` is a person, such as Ben or the baker, and `{he}`, `{him}`, `{his}` the same one,
`{name2}` another; `{thing}` and `{things}` are one noun in singular and plural, of one of the kinds of `words.NOUNS`,
`{things2}` another.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from random import Random
from typing import TypeVar

from selfsown.arithmetic import Operation, Refused, evaluate, parse_prefix, walk
from selfsown.corpora.problems.stories.words import HE, HE_ALONE, NOUNS, ROLES, SHE, SHE_ALONE

_CHOICE = re.compile(r"\[([^\[\]]*)\]")
_WORD = re.compile(r"\{([A-Za-z]+)([0-9]?)\}")
_LETTER = re.compile(r"\{([a-en])\}")
_ARTICLE = re.compile(r"\b([Aa]) (?=[aeiou])")
_START = re.compile(r"(?:^|(?<=[.?!] ))[a-z]")

Said = TypeVar("Said")

PERSON = ("name", "he", "him", "his")
TRIES = 4000
LARGEST = 99_999
NAMELESS = 0.15
"""Share of the persons that are the baker, the girl, and so on."""

DISTRACTORS = (
    "{name} [turned|became] {n} [last month|this year].",
    "{name} [has|owns] {n} {animals8} [too|as well|].",
    "{name} also has {n} {things8}.",
    "{name9} has {n} {things9}.",
    "{name9}, [a friend|a neighbour|a cousin|the eldest], is {n} years old.",
    "There are {n} {workers9} [at|in] the {place9}.",
    "The {place9} is {n} years old.",
    "The {place9} is {n} kilometres away.",
    "It is {n} degrees outside.",
    "The {place9} [closes|opens] in {n} minutes.",
    "[Yesterday|Last week|Before that|Last year] {name9} [saw|bought|counted|drew] {n} {animals9}.",
    "[On the wall|In the corner|On the roof|In the garden] there are {n} {plants9}.",
)
"""Sentences with a number that nobody needs."""


@dataclass(frozen=True)
class Template:
    """What happens in a story, and the question.

    Attributes:
        program: prefix, over letters and constants.
        numbers: by letter: lowest, highest and, where it is not 1, the step between them.
        tells: ways to tell it; one that ends with a question mark asks already.
        asks: ways to ask.
        distracted: whether a sentence with a number that nobody needs may be put in.
    """

    name: str
    program: str
    numbers: Mapping[str, tuple[float, ...]]
    tells: tuple[str, ...]
    asks: tuple[str, ...] = ()
    distracted: bool = True


@dataclass(frozen=True)
class Story:
    """A question in plain English, the prefix program over `number0`, `number1`, ..., and the answer."""

    question: str
    equation: str
    answer: Fraction


def tell(template: Template, distractor: float, rng: Random) -> Story:
    """A story of a template; with `distractor` as probability, a number that nobody needs is in it.

    Raises:
        ValueError: the template's numbers hardly ever give a story that can be true.
    """
    text = _said(template, distractor, rng)
    letters = _LETTER.findall(text)
    equation = " ".join(
        f"number{letters.index(word)}" if word in template.numbers else word for word in template.program.split()
    )
    values, answer = _drawn(template, letters, equation, rng)
    shown = {letter: _shown(value) for letter, value in zip(letters, values, strict=True)}
    words = _Words(rng)
    text = _WORD.sub(lambda word: shown.get(word[1]) or words.say(word[1], word[2]), text)
    text = _ARTICLE.sub(r"\1n ", text)
    return Story(_START.sub(lambda first: first[0].upper(), text), equation, answer)


def _said(template: Template, distractor: float, rng: Random) -> str:
    """The sentences, their choices made."""
    told = _chosen(rng.choice(template.tells), rng)
    parts = [told] if told.endswith("?") else [told, _asked(template, told, rng)]
    if template.distracted and rng.random() < distractor:
        sentences = re.split(r"(?<=[.?!]) ", " ".join(parts))
        # not before the first: it is about a person who may not have been named
        place = rng.randrange(1, len(sentences)) if len(sentences) > 1 else 0
        sentences.insert(place, _chosen(rng.choice(DISTRACTORS), rng))
        parts = sentences
    return " ".join(parts)


def _asked(template: Template, told: str, rng: Random) -> str:
    """A question about nobody and nothing that was not told of."""
    known = _named(told)
    for _ in range(TRIES):
        asked = _chosen(rng.choice(template.asks), rng)
        if _named(asked) <= known:
            return asked
    raise ValueError(f"template {template.name!r}: no question fits {told!r}")


def _named(text: str) -> set[str]:
    """The persons and kinds of things in a text of a template."""
    words = [(word.lower(), which) for word, which in _WORD.findall(text) if len(word) > 1]
    return {f"{'name' if word in PERSON else _kind(word)[0]}{which}" for word, which in words}


def _chosen(text: str, rng: Random) -> str:
    """The text with one of each `[gave|sold]`."""
    while (found := _CHOICE.search(text)) is not None:
        text = text[: found.start()] + rng.choice(found[1].split("|")) + text[found.end() :]
    text = re.sub(r" +(?=[.,?])", "", text)
    return " ".join(text.split())


def _drawn(template: Template, letters: list[str], equation: str, rng: Random) -> tuple[list[Fraction], Fraction]:
    """Numbers, in the order of `letters`, of which every step gives a value that can be counted or paid."""
    expression = parse_prefix(equation)
    steps = [part for part in walk(expression) if isinstance(part, Operation)]
    ranges = {"n": (2, 60), **template.numbers}
    for _ in range(TRIES):
        values = [_number(*ranges[letter], rng=rng) for letter in letters]
        whole = all(value.denominator == 1 for value in values)
        try:
            made = [evaluate(step, values) for step in steps]
        except Refused:
            continue
        if all(0 < value <= LARGEST and (value * (1 if whole else 100)).denominator == 1 for value in made):
            return values, made[0]
    raise ValueError(f"template {template.name!r}: its numbers hardly ever fit")


def _number(low: float, high: float, step: float = 1, *, rng: Random) -> Fraction:
    size = Fraction(str(step))
    first = Fraction(str(low))
    return first + size * rng.randint(0, int((Fraction(str(high)) - first) / size))


def _shown(value: Fraction) -> str:
    return str(value) if value.denominator == 1 else f"{float(value):.2f}"


class _Words:
    """The names and nouns of one story; different ones for different places."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._said: dict[str, tuple[str, str]] = {}
        self._names: dict[str, tuple[str, bool]] = {}

    def say(self, word: str, which: str) -> str:
        """What stands for a word of a template."""
        if (form := word.lower()) in PERSON:
            name, male = self._person(which)
            pronoun = {"he": ("she", "he"), "him": ("her", "him"), "his": ("her", "his")}
            said = name if form == "name" else pronoun[form][male]
            return said.capitalize() if word[0].isupper() else said
        kind, number = _kind(word)
        key = f"{kind}{which}"
        if key not in self._said:
            self._said[key] = self._other(_nouns(kind), set(self._said.values()))
        return self._said[key][number]

    def _person(self, which: str) -> tuple[str, bool]:
        if which not in self._names:
            taken = {(name, male) for name, _ in self._names.values() for male in (True, False)}
            self._names[which] = self._other(_persons(self._rng.random() < NAMELESS), taken)
        return self._names[which]

    def _other(self, pool: list[Said], taken: set[Said]) -> Said:
        while (found := self._rng.choice(pool)) in taken:
            pass
        return found


@cache
def _persons(nameless: bool) -> list[tuple[str, bool]]:
    """Whom a story may be about, each with whether it is a he."""
    if nameless:
        known = {True: HE_ALONE, False: SHE_ALONE}
        return [(f"the {role}", male) for role in ROLES for male in known if role not in known[not male]]
    return [*((name, True) for name in HE), *((name, False) for name in SHE)]


@cache
def _nouns(kind: str) -> list[tuple[str, str]]:
    """Of a kind, in singular and plural."""
    pairs = (word.partition("/") for word in NOUNS[kind].split())
    return [(one, many or f"{one}s") for one, _, many in pairs]


@cache
def _kind(word: str) -> tuple[str, int]:
    """The kind that a word of a template names, and 1 for its plural."""
    kinds = {form: (kind, number) for kind in NOUNS for number, form in enumerate((kind, _plural(kind)))}
    return kinds[word]


def _plural(kind: str) -> str:
    return "boxes" if kind == "box" else f"{kind}s"
