"""What corpora's stages download, for `selfsown plan`; no model is in them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from selfsown.corpora.problems.stories import SOURCE as STORIES
from selfsown.corpora.readers.documents.shelf import source_of
from selfsown.corpora.readers.ratings import SETS
from selfsown.corpora.readers.speech import fillets, tuxpaint
from selfsown.corpora.readers.texts import TEXTS
from selfsown.plan.models import Model
from selfsown.plan.work import Work


def works(params: Mapping[str, Any], made: Mapping[str, Model]) -> Iterator[Work]:
    """The sources of each corpus; reading them takes a processor."""
    section, languages = params["corpora"], params["languages"]
    yield _fetched("speech", _speech(section["speech"], languages))
    texts = [TEXTS[name] for name in section["sentences"]["texts"]]
    sources = {text.source.format(language=language) for text in texts for language in {*languages} & {*text.languages}}
    yield _fetched("sentences", sources)
    yield _fetched("problems", {name for name in section["problems"]["sets"] if name != STORIES})
    yield _fetched("rationales", {each["source"] for each in section["rationales"]["sets"]})
    for name in section["matrix"]["documents"]:
        found = section["documents"]["collections"][name]["sources"]
        yield _fetched("documents", {source_of(one) for one in found}, name)
    yield _fetched("ratings", {SETS[name].source for name in section["ratings"]["sets"]})
    yield _fetched("triplets", set(section["triplets"]["sources"]))
    yield _fetched("prose", set(section["prose"]["sources"]))


def _speech(block: Mapping[str, Any], languages: list[str]) -> set[str]:
    found: set[str] = set()
    for corpus in [*block["in_domain"], *block["out_of_domain"]]:
        if corpus == "fillets":
            spoken = [language for language in languages if language in fillets.LANGUAGES]
            found |= {fillets.TEXTS, *(f"{fillets.TEXTS}-{language}" for language in spoken)}
        else:
            found.add(tuxpaint.SOURCE if corpus == "tuxpaint" else corpus)
    return found


def _fetched(stage: str, sources: set[str], part: str = "") -> Work:
    return Work(f"corpora.{stage}", part, sources=tuple(sorted(sources)))
