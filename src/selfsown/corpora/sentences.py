"""Sentences to be spoken: the speech corpus's own texts and others.

speech product -> rows of id, text, language, source, domain.

Paragraphs are segmented, normalised, filtered and freed of duplicates and of all that is near the dev, test and
out-of-domain texts. Every row that is dropped is in `rejected.parquet` with its reason.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import pyarrow as pa
from pydantic import Field, field_validator

from selfsown.corpora.readers.texts import TEXTS, TextSource
from selfsown.errors import UserError
from selfsown.params import Range, check_known
from selfsown.products import REJECTED, CardInfo, joined, losses, read_card, read_product
from selfsown.shards import with_reason, write_product
from selfsown.shards.seeds import rank
from selfsown.sources import describe, fetch
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.text.written.alphabets import language_misfit, script_misfit, spaced
from selfsown.text.written.normal import normalize_for_comparison, normalize_text
from selfsown.text.written.numbers import spell_digits
from selfsown.text.written.overlap import HeldOut, NearDuplicates
from selfsown.text.written.sentences import segment, unfinished
from selfsown.text.written.spoken import unspoken

DIALOGUE = "dialogue"

SENTENCE = pa.schema([(name, pa.string()) for name in ("id", "text", "language", "source", "domain")])
"""A row of the sentences product."""

ROWS_PER_SHARD = 20_000


class SentencesParams(StageParams):
    """Section `corpora.sentences`."""

    data_seed: int = Field(ge=0)
    languages: tuple[str, ...] = Field(min_length=1)
    texts: tuple[str, ...] = Field(description=f"of {', '.join(TEXTS)}, each used for the languages it has")
    limits: dict[str, int] = Field(description="domain: most rows per language; the first keeps what two share")
    characters: Range
    words: Range = Field(
        description="except dialogue, whose lines are as short as people speak, and scripts without spaces"
    )
    digits: Literal["spell", "drop"]
    near_duplicate: float = Field(gt=0, le=1, description="Jaccard overlap of character 3-grams")
    ngram: int = Field(ge=3, description="so many words in common with a held-out text are a leak")

    @field_validator("texts")
    @classmethod
    def _known(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        check_known(names, TEXTS)
        return names

    @field_validator("limits")
    @classmethod
    def _domains(cls, limits: dict[str, int]) -> dict[str, int]:
        known = sorted({DIALOGUE, *(text.domain for text in TEXTS.values())})
        if unknown := [domain for domain in limits if domain not in known]:
            raise ValueError(f"unknown domain {unknown[0]!r}, known: {', '.join(known)}")
        return limits


@dataclass(frozen=True)
class Sentence:
    """A candidate; `reason` says why it was dropped, if it was."""

    text: str
    language: str
    source: str
    domain: str
    reason: str = ""

    @property
    def id(self) -> str:
        """Equal texts of a language have equal ids."""
        return hashlib.sha256(f"{self.language}:{self.text}".encode()).hexdigest()[:16]


@stage()
def sentences(params: SentencesParams, *, speech: In, corpus: Out) -> Metrics:
    """Make the sentences product.

    Raises:
        UserError: a language is left without a sentence.
    """
    spoken = read_product(speech, columns=["text", "language", "source", "split"]).to_pylist()
    chosen = [TEXTS[name] for name in params.texts if set(TEXTS[name].languages) & set(params.languages)]
    judged: list[Sentence] = []
    for language in params.languages:
        held_out = HeldOut(
            _held_out(row for row in spoken if row["language"] == language),
            threshold=params.near_duplicate,
            ngram=params.ngram,
        )
        candidates = [
            Sentence(row["text"], language, row["source"], DIALOGUE)
            for row in spoken
            if row["split"] in ("seed", "text") and row["language"] == language
        ]
        for text in chosen:
            candidates += _candidates(text, language)
        judged += _select([_judge(sentence, params) for sentence in candidates], held_out, params)
    kept = [sentence for sentence in judged if not sentence.reason]
    dropped = [sentence for sentence in judged if sentence.reason]
    names = {
        text.source.format(language=code) for text in chosen for code in params.languages if code in text.languages
    }
    origins = [describe(name) for name in sorted(names)]
    write_product(
        corpus,
        [_table(kept[start : start + ROWS_PER_SHARD]) for start in range(0, max(1, len(kept)), ROWS_PER_SHARD)],
        schema=SENTENCE,
        card=CardInfo(
            name="corpora/sentences",
            **joined([read_card(speech).credits, *(origin.credits for origin in origins)]),
            seed=params.data_seed,
            note=" ".join(origin.note for origin in origins),
        ),
        rejected=with_reason(_table(dropped), [sentence.reason for sentence in dropped]),
    )
    for language in sorted(set(params.languages) - {sentence.language for sentence in kept}):
        reasons = Counter(each.reason.partition(":")[0] for each in dropped if each.language == language)
        raise UserError(
            f"corpora.sentences: {language!r}: no sentence is left. Refused: {losses(reasons)}.\n"
            f"  corpora.sentences.texts: add texts in the language, or recordings whose texts are not held out\n"
            f"  rows with their reasons: {corpus / REJECTED}"
        )
    counts = Counter(f"sentences_{sentence.language}_{sentence.domain}" for sentence in kept)
    return {**counts, "rejected": len(dropped)}


def _held_out(rows: Iterable[Mapping[str, str]]) -> set[str]:
    """Texts to be tested on; not those that are learnt from too, because their corpus repeats its texts by design."""
    forms: dict[bool, dict[str, str]] = {True: {}, False: {}}
    for row in rows:
        forms[row["split"] in ("seed", "text")][normalize_for_comparison(row["text"])] = row["text"]
    return {text for form, text in forms[False].items() if form not in forms[True]}


def _candidates(text: TextSource, language: str) -> Iterator[Sentence]:
    """The sentences of a source, not yet judged."""
    if language not in text.languages:
        return
    source = text.source.format(language=language)
    for paragraph in text.paragraphs(fetch(source), language):
        plain = normalize_text(paragraph)
        for part in [plain] if text.segmented else segment(plain, language):
            yield Sentence(part, language, source, text.domain)


def _judge(sentence: Sentence, params: SentencesParams) -> Sentence:
    """Drop what cannot be read aloud or is no sentence; lines of dialogue passed most of this as speech."""
    text = normalize_text(sentence.text)
    spelled = sentence.language if params.digits == "spell" else ""
    if spelled:
        text = spell_digits(text, spelled)
    reason = script_misfit(text, sentence.language) or unspoken(text, spelled)
    if not params.characters.low <= len(text) <= params.characters.high:
        reason = reason or f"characters: {len(text)}, allowed {params.characters.low:g} to {params.characters.high:g}"
    if sentence.domain != DIALOGUE:
        words = len(text.split())
        if spaced(sentence.language) and not params.words.low <= words <= params.words.high:
            reason = reason or f"words: {words}, allowed {params.words.low:g} to {params.words.high:g}"
        reason = reason or unfinished(text, sentence.language) or language_misfit(text, sentence.language)
    return replace(sentence, text=text, reason=reason or "")


def _select(candidates: Sequence[Sentence], held_out: HeldOut, params: SentencesParams) -> list[Sentence]:
    """Drop duplicates, near-duplicates, leaks and what exceeds a domain's limit; order follows seed and text."""
    domains: defaultdict[str, list[Sentence]] = defaultdict(list)
    for sentence in candidates:
        domains[sentence.domain].append(sentence)
    seen: set[str] = set()
    near = NearDuplicates(params.near_duplicate)
    result: list[Sentence] = []
    for domain in (*params.limits, *sorted(domains.keys() - params.limits.keys())):
        room = params.limits.get(domain, 0)
        for sentence in sorted(
            domains[domain], key=lambda sentence: (rank(params.data_seed, sentence.id), sentence.source)
        ):
            form = normalize_for_comparison(sentence.text)
            reason = sentence.reason
            if not reason and form in seen:
                reason = "duplicate"
            if not reason and room <= 0:
                reason = f"limit: {params.limits.get(domain, 0)} rows of {domain}"
            reason = reason or held_out.leak(sentence.text) or ""
            if not reason and (twin := near.find(form)):
                reason = f"near-duplicate: of {twin[:40]!r}"
            if not reason:
                seen.add(form)
                near.add(form)
                room -= 1
            result.append(replace(sentence, reason=reason))
    return result


def _table(rows: Sequence[Sentence]) -> pa.Table:
    return pa.Table.from_pylist([{name: getattr(row, name) for name in SENTENCE.names} for row in rows], SENTENCE)
