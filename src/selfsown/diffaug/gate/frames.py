"""The products as their suites look at them, with what is worked out of every row; faults are missing if none."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import pandas as pd

from selfsown.text.documents.heldout import HeldOut
from selfsown.text.documents.words import keyed, split_words
from selfsown.text.written.normal import normalize_for_comparison

SENTENCES = ("premise", "entailment", "contradiction")
HELD_OUT = ("test", "dev")
"""Splits that no model learns from; what stands on the first is not on the second either."""

SHORTEST = 8
"""Words of an evaluation text from which it counts as a leak that a sentence has all of them in a row."""


def triplet_frame(triplets: pd.DataFrame, rated: pd.DataFrame) -> pd.DataFrame:
    """The rows of the triplets product, and what is worked out of each.

    `<sentence>_words`; `<sentence>_form`, in which two sentences are the same. `held_out`: where a sentence of the row
    stands that must not be on its split: on a split that is held out from it, or among the rated texts. `torn`: all
    splits of the row's group, if several. `same`: two of its sentences, if they are the same.
    """
    forms = pd.DataFrame({name: triplets[name].map(normalize_for_comparison) for name in SENTENCES})
    known = {"ratings": set(map(normalize_for_comparison, [*rated["left"], *rated["right"]]))}
    for split in HELD_OUT:
        known[split] = set(forms[triplets["split"] == split].to_numpy().ravel())
    splits = triplets.groupby("group")["split"].agg(lambda values: sorted(set(values)))
    torn = {group: " and ".join(names) for group, names in splits.items() if len(names) > 1}
    rows = list(zip(triplets["split"], *(forms[name] for name in SENTENCES), strict=True))
    return triplets.assign(
        **{f"{name}_form": forms[name] for name in SENTENCES},
        **{f"{name}_words": forms[name].map(count_words) for name in SENTENCES},
        held_out=_texts(_leak(split, said, known) for split, *said in rows),
        torn=_texts(torn.get(group) for group in triplets["group"]),
        same=_texts(_same(said) for _, *said in rows),
    )


def _leak(split: str, said: Sequence[str], known: Mapping[str, set[str]]) -> str | None:
    """Where a sentence stands that is held out from the split, and the sentence."""
    from_it = {"train": ("test", "dev", "ratings"), "dev": ("test", "ratings")}.get(split, ())
    return next((f"{place}: {form[:40]}" for place in from_it for form in said if form in known[place]), None)


def _same(said: list[str]) -> str | None:
    premise, entailment, contradiction = said
    pairs = {"premise and entailment": premise == entailment, "premise and contradiction": premise == contradiction}
    pairs["entailment and contradiction"] = entailment == contradiction
    return next((names for names, equal in pairs.items() if equal), None)


def claim_frame(triplets: pd.DataFrame) -> pd.DataFrame:
    """Every premise with each of its claims once: what a classifier learns from.

    `entailed`, 1 or 0; `other_label`: the claim, if its premise both entails and contradicts it.
    """
    sides = [
        triplets[["id", "premise_form", f"{name}_form", "split"]]
        .set_axis(["id", "premise", "claim", "split"], axis=1)
        .assign(entailed=float(name == "entailment"))
        for name in SENTENCES[1:]
    ]
    claims = pd.concat(sides).drop_duplicates(["premise", "claim", "entailed"]).reset_index(drop=True)
    labels = claims.groupby(["premise", "claim"])["entailed"].transform("nunique")
    return claims.assign(other_label=claims["claim"].where(labels > 1, None))


def prose_frame(prose: pd.DataFrame, triplets: pd.DataFrame, rated: pd.DataFrame, ngram: int) -> pd.DataFrame:
    """The rows of the prose product with `form`, `words`, `characters` and `held_out`.

    `held_out`: why the sentence gives away one of a dev or test triplet or a rated text: it is the same, or has
    `ngram` words in a row of it, or all the words of one that has fewer.
    """
    held_out = triplets[triplets["split"].isin(HELD_OUT)]
    texts = [*(text for name in SENTENCES for text in held_out[name]), *rated["left"], *rated["right"]]
    known = set(map(normalize_for_comparison, texts))
    runs = HeldOut(dict.fromkeys(texts), shortest=min(SHORTEST, ngram), longest=ngram)
    forms = prose["text"].map(normalize_for_comparison)
    return prose.assign(
        form=forms,
        words=prose["text"].map(count_words),
        characters=prose["text"].str.len(),
        held_out=_texts(
            "the same" if form in known else runs.leak(keyed(split_words(text)).keys) or None
            for form, text in zip(forms, prose["text"], strict=True)
        ),
    )


def rating_frame(rated: pd.DataFrame) -> pd.DataFrame:
    """The rows of the ratings product; `set_rows`: those of its set."""
    return rated.assign(set_rows=rated.groupby("set")["id"].transform("size"))


def count_words(text: str) -> int:
    """Words between blanks."""
    return len(text.split())


def _texts(values: Iterable[str | None]) -> pd.Series[str]:
    """A column of texts, missing as None."""
    return pd.Series(list(values), dtype=object)
