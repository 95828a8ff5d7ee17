"""VitaminC's claims about sentences of Wikipedia (Schuster et al. 2021), as BIG-bench has them.

An input is `Page: sentence`, a line break and `Claim: claim`; targets are True, False, Neither. The page is the group:
the sentences of a page are versions of each other, with claims in common.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from selfsown.corpora.readers.tables import read_json
from selfsown.corpora.readers.triplets.triplet import Claim, Triplet, join
from selfsown.errors import UserError
from selfsown.examples import examples
from selfsown.text.documents.encoding import damage

_INPUT = re.compile(r"(?P<page>[^\n]+?): (?P<premise>[^\n]+)\nClaim: (?P<claim>[^\n]+)")
_CLITIC = re.compile(r"(?<=\w) (?='(?:s|re|ve|ll|d|m)\b)|(?<=\w) (?=n't\b)")
_LABELS = {"True": True, "False": False, "Neither": None}


_SIGNS = {"-LRB- ": "(", " -RRB-": ")", "-LSB- ": "[", " -RSB-": "]", "-COLON-": ":", "''": '"', "( ": "(", " )": ")"}


@examples(
    ("Bala -LRB- born in 1966 -RRB- directs .", "Bala (born in 1966) directs ."),
    ("The band 's web site ( BPI )", "The band's web site (BPI)"),
)
def joined(text: str) -> str:
    """The text without the marks and gaps of the Penn Treebank's tokeniser; loose stops are the normal form's."""
    for sign, plain in _SIGNS.items():
        text = text.replace(sign, plain)
    return _CLITIC.sub("", text)


def read(source: str, folder: Path) -> Iterator[Triplet]:
    """The triplets of the task's file, and its claims that are in none.

    Raises:
        UserError: no task file in the folder, or one that is not as expected.
    """
    path = next(folder.rglob("vitaminc_fact_verification/task.json"), None)
    if path is None:
        raise UserError(f"{folder}: expected vitaminc_fact_verification/task.json in it")
    try:
        examples = read_json(path)["examples"]
    except (KeyError, TypeError):
        raise UserError(f"{path}: expected a JSON object with the key 'examples'") from None
    claims: list[Claim] = []
    for row, example in enumerate(examples):
        nothing = Triplet(f"{source}/{row}", source)
        try:
            found = _INPUT.fullmatch(example["input"].strip())
            (label,) = (name for name, right in example["target_scores"].items() if right)
        except (KeyError, TypeError, AttributeError, ValueError):
            yield replace(nothing, reason=f"missing field: row {row} has no input, or not one target")
            continue
        if found is None or label not in _LABELS:
            yield replace(
                nothing, reason=f"unreadable: row {row}: expected 'Page: sentence', 'Claim: claim' and a label"
            )
        elif fault := damage(example["input"]):
            yield replace(nothing, premise=found["premise"], entailment=found["claim"], reason=fault)
        else:
            premise, claim = joined(found["premise"]), joined(found["claim"])
            claims.append(Claim(nothing.id, premise, claim, _LABELS[label], found["page"]))
    yield from join(claims, source)
