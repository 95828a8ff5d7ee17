"""What a document must be to be kept: the parameters of a collection, and the judge who applies them to one text."""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from selfsown.corpora.readers.documents.document import Document
from selfsown.corpora.readers.documents.shelf import SHELF
from selfsown.params import Params, Range
from selfsown.text.documents.encoding import damage, tidy
from selfsown.text.documents.heldout import HeldOut
from selfsown.text.documents.language import not_english
from selfsown.text.documents.lines import Lines, generated
from selfsown.text.documents.repetition import Repetition, repetitive
from selfsown.text.documents.words import Words, keyed, split_words


class _Collection(Params):
    sources: tuple[str, ...] = Field(
        min_length=1, description=f"of {', '.join(SHELF)}, or registered folders and hub data sets"
    )
    limit: int | None = Field(gt=0, description="most characters of each source, drawn by seed; null takes all")
    characters: Range = Field(description="of a document")
    near_duplicate: float | None = Field(
        gt=0, le=1, description="Jaccard overlap of word 5-grams; null for sources that are free of them already"
    )
    ngram: Range = Field(description="words in a row of an evaluation text that are a leak; low: of a short one")

    @model_validator(mode="after")
    def _sources_fit(self) -> Self:
        for name in self.sources:
            if name in SHELF and SHELF[name].kind != self.kind:  # type: ignore[attr-defined]  # of each subclass
                known = ", ".join(key for key, shelf in SHELF.items() if shelf.kind != SHELF[name].kind)
                raise ValueError(f"source {name!r} is {SHELF[name].kind}; known for this kind: {known}")
        if len(set(self.sources)) < len(self.sources):
            raise ValueError("a source stands twice")
        return self


class TextCollection(_Collection):
    """Prose in English."""

    kind: Literal["text"]
    stop_words: int = Field(ge=0, le=8, description="different ones that a document must have; Gopher's rule is 2")
    repetition: Repetition | None = Field(description="largest shares; null for sources that are filtered already")


class CodeCollection(_Collection):
    """Source code."""

    kind: Literal["code"]
    lines: Lines | None = Field(description="what hand-written code looks like; null for sources filtered already")


Collection = Annotated[TextCollection | CodeCollection, Field(discriminator="kind")]


def judge(document: Document, rules: TextCollection | CodeCollection, held_out: HeldOut) -> tuple[str, str, Words]:
    """A document's text as products have it, why it is dropped (empty where it is not), and its words.

    The cheap questions come first; words are left empty where one of them says no.
    """
    text = tidy(document.text)
    nothing = keyed([])
    reason = document.reason or ("" if text.strip() else "empty") or damage(document.text)
    reason = reason or _length(len(text), rules.characters)
    if not reason and isinstance(rules, CodeCollection) and rules.lines is not None:
        reason = generated(text, rules.lines)
    if reason:
        return text, reason, nothing
    spelled = split_words(text)
    words = keyed(spelled)
    if isinstance(rules, TextCollection):
        reason = not_english(spelled, rules.stop_words)
        if not reason and rules.repetition is not None:
            reason = repetitive(text, words, rules.repetition)
    return text, reason or held_out.leak(words.keys), words


def _length(characters: int, allowed: Range) -> str:
    if characters < allowed.low:
        return f"too short: {characters} characters, at least {allowed.low:g}"
    if characters > allowed.high:
        return f"over-long: {characters} characters, at most {allowed.high:g}"
    return ""
