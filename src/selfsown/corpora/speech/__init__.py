"""Real transcribed speech: corpora joined, decoded, resampled to 16 kHz mono, judged and split. -> UTTERANCE rows.

In-domain corpora are split by group (a game's level) into seed | text | dev | test, with no text on two sides;
out-of-domain ones are `ood`, kept only where caption and recording plausibly agree. What is refused is in
`rejected.parquet` with its reason.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from selfsown.audio import UTTERANCE, unnamed_speaker
from selfsown.corpora.readers.speech import fillets, folder, tuxpaint
from selfsown.corpora.readers.speech.clips import Clip, Reader
from selfsown.corpora.speech.judge import Judge, judged
from selfsown.corpora.speech.left import check_splits
from selfsown.corpora.speech.rules import SourceRules, SpeechParams
from selfsown.corpora.speech.splits import (
    SURPLUS,
    assign,
    refuse_implausible_rates,
    refuse_leaks,
    refuse_repeated_ids,
    repeating,
)
from selfsown.errors import UserError
from selfsown.identity import Identity
from selfsown.products import CardInfo, joined, losses, read_product
from selfsown.shards import map_shards
from selfsown.sources import describe
from selfsown.stage import Metrics, Out, stage

__all__ = ["READERS", "Judge", "SpeechParams", "judged", "placed", "speech"]

log = logging.getLogger(__name__)

READERS: dict[str, Reader] = {"fillets": fillets.clips, "tuxpaint": tuxpaint.clips}
"""Corpora by name; any other name is a source of kind folder."""

CLIPS_PER_SHARD = 200


@stage()
def speech(params: SpeechParams, *, corpus: Out, identity: Identity) -> Metrics:
    """Make the speech product.

    Raises:
        UserError: a source cannot be read, or a split of a language is left without a recording.
    """
    others = _others(params)
    read = _in_domain(params, others) + _out_of_domain(params)
    surplus = tuple(clip for clip in read if clip.reason.startswith(SURPLUS))
    placed = [clip for clip in read if not clip.reason.startswith(SURPLUS)]
    clips = refuse_leaks(refuse_repeated_ids(placed), params.near_duplicate)
    clips.sort(key=lambda clip: (clip.language, clip.source, clip.id))
    shards = [tuple(clips[start : start + CLIPS_PER_SHARD]) for start in range(0, max(1, len(clips)), CLIPS_PER_SHARD)]
    shards[-1] += surplus  # beside what is kept, so that how much is left over moves no clip into another shard
    origins = [describe(name) for name in sorted(_origins(read))]
    own = [name for name in (*params.in_domain, *params.out_of_domain) if name not in READERS]
    map_shards(
        partial(Judge, params.seconds, params.dbfs, dict.fromkeys(own, params.rules(own=True).seconds)),
        shards,
        corpus,
        schema=UTTERANCE,
        card=CardInfo(
            name="corpora/speech",
            licence="; ".join(sorted({origin.licence for origin in origins})),
            source="; ".join(f"{origin.name} {origin.version} ({origin.citation})" for origin in origins),
            seed=params.data_seed,
            note="16 kHz mono FLAC. Splits seed, text (for its texts), dev, test, ood; groups are never torn.",
            contaminated=joined(origin.credits for origin in origins)["contaminated"],
            disjoint=_disjoint(clips, params),
        ),
        identity=identity,
    )
    check_splits(corpus, params.languages)
    return _metrics(corpus)


def _disjoint(clips: Sequence[Clip], params: SpeechParams) -> dict[str, str]:
    """The sources whose texts stand on several splits, and what parts these: speakers, or the user's own splits."""
    found = {}
    for name, count in sorted(repeating(clips).items()):
        found[name] = "speaker" if params.rules(own=True).disjoint == "speaker" else "split"
        if found[name] == "split":
            log.warning(
                "%s: %s recordings to learn from have a text that is on dev or test too. They stay, since the column "
                "`split` of the source says so; figures on such texts are better than on new ones",
                name,
                f"{count:,}",
            )
    return found


def _origins(clips: Sequence[Clip]) -> set[str]:
    """The sources of the clips; Fish Fillets keeps its texts in one of their own."""
    names = {clip.source for clip in clips}
    return names | ({fillets.TEXTS} if any(name.startswith(fillets.TEXTS) for name in names) else set())


def _others(params: SpeechParams) -> dict[str, str]:
    """The own sources with rows in languages that nobody asks for, with how many in which; each is warned of."""
    found = {}
    for name in (*params.in_domain, *params.out_of_domain):
        if name in READERS or name in found:
            continue
        asked = {*params.languages, *(params.out_of_domain_languages if name in params.out_of_domain else ())}
        counts = {code: count for code, count in folder.counts(name, params.languages).items() if code not in asked}
        if counts:
            found[name] = losses(counts)
            log.warning(
                "%s: %s rows are left out, since `languages` does not name theirs: %s. The column `language` says "
                "codes, such as cs",
                name,
                f"{sum(counts.values()):,}",
                found[name],
            )
    return found


def _in_domain(params: SpeechParams, others: Mapping[str, str]) -> list[Clip]:
    result = []
    for language in params.languages:
        found = 0
        for name in params.in_domain:
            clips, seconds = _read(name, language, params)
            found += len(clips)
            result += placed(clips, seconds, params.rules(own=name not in READERS), params.data_seed)
        if not found:
            left = "".join(f"\n  {name} has: {counts}" for name, counts in others.items())
            raise UserError(
                f"languages: {language!r}: none of corpora.speech.in_domain {params.in_domain} has speech in it{left}"
            )
    return result


def placed(clips: Sequence[Clip], seconds: Mapping[str, float], rules: SourceRules, seed: int) -> list[Clip]:
    """The clips of one source and language on their splits."""
    by_speaker = rules.disjoint == "speaker"
    if by_speaker:
        clips = [_of_a_speaker(clip) for clip in clips]
    usable = [replace(clip, repeats=by_speaker or bool(clip.split)) for clip in clips if not clip.reason]
    return assign(usable, seconds, rules.minutes.model_dump(), seed) + [clip for clip in clips if clip.reason]


def _of_a_speaker(clip: Clip) -> Clip:
    """In the group of its speaker."""
    lacks = clip.speaker == unnamed_speaker(clip.source) and not clip.split
    reason = "missing field: no speaker, and corpora.speech.own.disjoint asks for one" if lacks else ""
    return replace(clip, group=clip.speaker, reason=clip.reason or reason)


def _out_of_domain(params: SpeechParams) -> list[Clip]:
    result = []
    for name in params.out_of_domain:
        for language in dict.fromkeys((*params.languages, *params.out_of_domain_languages)):
            clips, seconds = _read(name, language, params)
            clips = refuse_implausible_rates(clips, seconds, params.rate_deviations)
            kept = [replace(clip, split="") for clip in clips if not clip.reason]
            result += assign(kept, seconds, {"ood": params.minutes.ood}, params.data_seed)
            result += [replace(clip, split="ood") for clip in clips if clip.reason]
    return result


def _read(name: str, language: str, params: SpeechParams) -> tuple[list[Clip], dict[str, float]]:
    """A corpus's clips, judged, and their durations."""
    reader = READERS.get(name) or partial(folder.clips, name, params.languages)
    return judged(reader([language]), params.rules(own=name not in READERS))


def _metrics(corpus: Path) -> Metrics:
    """Clips and minutes per language and split."""
    table = read_product(corpus, columns=["language", "split", "duration"])
    clips: Counter[str] = Counter()
    minutes: defaultdict[str, float] = defaultdict(float)
    for row in table.to_pylist():
        key = f"{row['language']}_{row['split']}"
        clips[key] += 1
        minutes[key] += row["duration"] / 60
    return {f"clips_{key}": clips[key] for key in clips} | {f"minutes_{key}": round(minutes[key], 2) for key in clips}
