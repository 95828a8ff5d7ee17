"""A triplet: a premise, a claim that it entails, one that it contradicts; labelled pairs are joined into triplets."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import lru_cache

from selfsown.text.written.normal import normalize_for_comparison, normalize_text

SPLITS = ("test", "dev", "train")
"""Held-out ones first: they are filled first."""

form_of = lru_cache(maxsize=1 << 20)(normalize_for_comparison)
"""The form in which two sentences are the same; a premise is asked for with each of its claims."""

_normal = lru_cache(maxsize=1 << 16)(normalize_text)


@dataclass(frozen=True)
class Triplet:
    """What every reader yields; `reason` says why it is dropped.

    `group`: what must not be torn apart by the split, such as a page. `split`: the source's own, if it has one.
    """

    id: str
    source: str
    premise: str = ""
    entailment: str = ""
    contradiction: str = ""
    group: str = ""
    language: str = "en"
    split: str = ""
    reason: str = ""

    @property
    def sentences(self) -> tuple[str, str, str]:
        """Premise, entailment, contradiction."""
        return self.premise, self.entailment, self.contradiction


@dataclass(frozen=True)
class Claim:
    """A labelled pair: a claim, and whether its premise entails it; None: neither that nor the opposite."""

    id: str
    premise: str
    text: str
    entailed: bool | None
    group: str = ""
    language: str = "en"
    split: str = ""


@dataclass
class _Evidence:
    """The claims about a premise: those it entails, those it contradicts, in the order of the source."""

    entailed: list[Claim] = field(default_factory=list)
    contradicted: list[Claim] = field(default_factory=list)


def join(claims: Iterable[Claim], source: str) -> Iterator[Triplet]:
    """Triplets of the claims that share a premise and a group, the n-th that it entails with the n-th it contradicts.

    Every claim that is in no triplet is one that is dropped: neutral ones, repeats, those that the labels of one
    premise contradict each other about, those without a partner.
    """
    found: dict[tuple[str, str, str], _Evidence] = {}
    labels: dict[tuple[str, str, str, str], bool] = {}
    for claim in claims:
        premise = _normal(claim.premise)
        if claim.entailed is None:
            yield _alone(claim, source, "neutral: the premise neither entails nor contradicts it")
            continue
        about = (claim.group, premise, claim.split)
        form = (*about, form_of(claim.text))
        if form in labels:
            again = labels[form] == claim.entailed
            reason = (
                "duplicate: of a claim about the same premise" if again else "two labels: another row has the opposite"
            )
            yield _alone(claim, source, reason)
            continue
        labels[form] = claim.entailed
        evidence = found.setdefault(about, _Evidence())
        (evidence.entailed if claim.entailed else evidence.contradicted).append(claim)
    for evidence in found.values():
        for one, other in zip(evidence.entailed, evidence.contradicted, strict=False):
            yield replace(_alone(one, source, ""), contradiction=_normal(other.text))
        pairs = min(len(evidence.entailed), len(evidence.contradicted))
        for claim in evidence.entailed[pairs:]:
            yield _alone(claim, source, "no contradiction: none is left for this claim")
        for claim in evidence.contradicted[pairs:]:
            yield _alone(claim, source, "no entailment: none is left for this claim")


def _alone(claim: Claim, source: str, reason: str) -> Triplet:
    """A claim in its column, without a partner."""
    column = "contradiction" if claim.entailed is False else "entailment"
    said = {column: _normal(claim.text), "premise": _normal(claim.premise)}
    return Triplet(
        claim.id, source, group=claim.group, language=claim.language, split=claim.split, reason=reason, **said
    )
