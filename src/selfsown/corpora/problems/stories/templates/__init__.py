"""All templates of stories, by name."""

from __future__ import annotations

from selfsown.corpora.problems.stories.templates import (
    change,
    compare,
    everyday,
    everyday_two,
    groups,
    halves,
    household,
    journeys,
    market,
    money,
    parts,
    school,
    share,
    twice_changed,
    two_kinds,
    worked,
)

_ALL = (
    *change.TEMPLATES,
    *compare.TEMPLATES,
    *groups.TEMPLATES,
    *share.TEMPLATES,
    *money.TEMPLATES,
    *parts.TEMPLATES,
    *everyday.TEMPLATES,
    *everyday_two.TEMPLATES,
    *household.TEMPLATES,
    *twice_changed.TEMPLATES,
    *two_kinds.TEMPLATES,
    *worked.TEMPLATES,
    *school.TEMPLATES,
    *market.TEMPLATES,
    *halves.TEMPLATES,
    *journeys.TEMPLATES,
)

TEMPLATES = {template.name: template for template in _ALL}
