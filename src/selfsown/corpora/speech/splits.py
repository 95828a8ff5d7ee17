"""Who goes where: groups of clips into splits, and refusals that need a look at more than one clip."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from statistics import median

from selfsown.corpora.readers.speech.clips import Clip
from selfsown.shards.seeds import rank
from selfsown.text.written.normal import normalize_for_comparison
from selfsown.text.written.overlap import HeldOut

_MAD_TO_SIGMA = 1.4826  # the median absolute deviation of a normal distribution, times this, is its sigma


SURPLUS = "surplus"
"""How the reason of clips begins that no split has room for."""


Target = float | str | None
"""Minutes of a split, a share such as `10%` of all that there is in a language, or None for all that is left."""


def assign(clips: Sequence[Clip], seconds: Mapping[str, float], wanted: Mapping[str, Target], seed: int) -> list[Clip]:
    """Give each group of clips without a split the first split, in the order of `wanted`, that has room left.

    Groups come in the order of a hash of `seed` and their name, so which split a group is in changes neither with the
    machine nor with the other languages asked for. A group is never torn: a split may end beyond its target.

    `seconds` is by clip id. What no split takes is refused.
    """
    total = sum(seconds[clip.id] for clip in clips) / 60
    minutes = {split: _minutes(target, total) for split, target in wanted.items()}
    filled: defaultdict[str, float] = defaultdict(float)
    groups: defaultdict[str, list[Clip]] = defaultdict(list)
    given = {clip.group: clip.split for clip in clips if clip.split}
    assigned = []
    for clip in clips:
        if own := clip.split or given.get(clip.group, ""):  # the rest of a group follows those that say theirs
            filled[own] += seconds[clip.id]
            assigned.append(replace(clip, split=own))
        else:
            groups[clip.group].append(clip)
    for group in sorted(groups, key=partial(rank, seed)):
        split = next((s for s, target in minutes.items() if target is None or filled[s] < 60 * target), None)
        if split is None:
            reason = f"{SURPLUS}: no room left in {', '.join(minutes)}"
            assigned += [replace(clip, reason=reason) for clip in groups[group]]
        else:
            filled[split] += sum(seconds[clip.id] for clip in groups[group])
            assigned += [replace(clip, split=split) for clip in groups[group]]
    return assigned


def _minutes(target: Target, total: float) -> float | None:
    """
    >>> _minutes("10%", 50), _minutes(12, 50), _minutes(None, 50)
    (5.0, 12, None)
    """
    return total * float(target.rstrip("% ")) / 100 if isinstance(target, str) else target


def refuse_leaks(clips: Sequence[Clip], threshold: float) -> list[Clip]:
    """No text on two sides: seed and text lose what dev, test or ood hold, dev what test or ood hold, or nearly so.

    What is out of domain loses what test holds, word for word. Clips whose texts may repeat lose what other corpora
    hold.
    """
    of_all = _guards(clips, threshold)
    repeating = sorted({clip.source for clip in clips if clip.repeats})
    of_others = {name: _guards([clip for clip in clips if clip.source != name], threshold) for name in repeating}
    tested = {_form(clip) for clip in clips if clip.split == "test" and not clip.reason}
    result = []
    for clip in clips:
        guards = of_others[clip.source] if clip.repeats else of_all
        if clip.split in guards and not clip.reason:
            clip = replace(clip, reason=guards[clip.split].leak(clip.text) or "")
        if clip.split == "ood" and not clip.reason and _form(clip) in tested:
            clip = replace(clip, reason=f"held out: equals {_form(clip)[1][:40]!r}")
        result.append(clip)
    return result


def _guards(clips: Sequence[Clip], threshold: float) -> dict[str, HeldOut]:
    """What the clips of each split must not give away."""
    final = {clip.text for clip in clips if clip.split in ("test", "ood") and not clip.reason}
    dev = {clip.text for clip in clips if clip.split == "dev" and not clip.reason}
    # whole texts only: a spoken line is short, and shared words in a row are how people talk
    before_dev = HeldOut(final, threshold=threshold, ngram=1000)
    before_training = HeldOut(final | dev, threshold=threshold, ngram=1000)
    return {"dev": before_dev, "seed": before_training, "text": before_training}


def _form(clip: Clip) -> tuple[str, str]:
    return clip.language, normalize_for_comparison(clip.text)


def repeating(clips: Sequence[Clip]) -> Counter[str]:
    """By source: how many clips to learn from have a text that stands on one of its held-out splits too."""
    kept = [clip for clip in clips if clip.repeats and not clip.reason]
    held_out = {(clip.source, *_form(clip)) for clip in kept if clip.split in ("dev", "test")}
    return Counter(
        clip.source for clip in kept if clip.split in ("seed", "text") and (clip.source, *_form(clip)) in held_out
    )


def refuse_repeated_ids(clips: Iterable[Clip]) -> list[Clip]:
    """The second clip with an id is refused."""
    seen: Counter[str] = Counter()
    result = []
    for clip in clips:
        seen[clip.id] += 1
        result.append(replace(clip, reason=clip.reason or f"repeated id: {clip.id}") if seen[clip.id] > 1 else clip)
    return result


def refuse_implausible_rates(clips: Sequence[Clip], seconds: Mapping[str, float], deviations: float) -> list[Clip]:
    """Refuse clips whose caption cannot be what was read: its characters per second are far from its language's.

    The test is on the logarithm of the rate, against the median of the language, in robust standard deviations (the
    modified z-score of Iglewicz and Hoaglin, 1993, who advise 3.5).
    """
    usable = [clip for clip in clips if not clip.reason and clip.text and seconds[clip.id] > 0]
    rates = {clip.id: math.log(len(clip.text) / seconds[clip.id]) for clip in usable}
    centre, spread = {}, {}
    for language in {clip.language for clip in clips}:
        values = [rates[clip.id] for clip in usable if clip.language == language] or [0.0]
        centre[language] = median(values)
        spread[language] = _MAD_TO_SIGMA * median(abs(value - centre[language]) for value in values)
    result = []
    for clip in clips:
        away = abs(rates.get(clip.id, centre[clip.language]) - centre[clip.language])
        if away > deviations * spread[clip.language]:
            rate, usual = math.exp(rates[clip.id]), math.exp(centre[clip.language])
            clip = replace(clip, reason=f"implausible rate: {rate:.1f} characters/s, usual {usual:.1f}")
        result.append(clip)
    return result
