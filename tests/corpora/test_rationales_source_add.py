"""`selfsown source add` of a folder of problems: what it says is what the stage then keeps and refuses."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from tests.corpora.rationales_project import PARAMS, gsm8k_row, write_lines
from tests.corpora.source_add import add

from selfsown.corpora.rationales import RationalesParams, rationales
from selfsown.errors import UserError
from selfsown.params import load_params
from selfsown.products import read_card
from selfsown.sources.registry import load_registry


@pytest.fixture
def project(empty_registry: Path) -> Path:
    shared = {"data_seed": PARAMS["data_seed"]}
    section = {key: value for key, value in PARAMS.items() if key not in shared}
    (empty_registry / "params.yaml").write_text(yaml.safe_dump(shared | {"corpora": {"rationales": section}}))
    return empty_registry


def test_what_is_said_is_what_the_stage_then_keeps_and_refuses(project: Path) -> None:
    rows = [gsm8k_row(number) for number in range(24)]
    own = [
        {"question": row["question"], "answer": row["answer"].rpartition(" ")[2], "rationale": row["answer"]}
        for row in rows
    ]
    for row in own[16:]:
        del row["rationale"]
    own[3]["split"] = "test"
    bad = [{"question": "What is 2*2?", "answer": "four"}, {"question": "What?", "answer": 5}]
    write_lines(project / "problems/a.jsonl", [*own, *bad])
    said = add("mine", "problems")
    assert said.startswith(
        "mine: 24 problems, 16 with a rationale\n  split not given: 23\n  split test: 1\n2 rows refused:\n"
    )
    for line in (
        "1  unreadable answer, the first: a.jsonl line 25: not a number: 'four'",
        "1  quantities, the first: a.jsonl line 26: 0, allowed 1 to 5",
    ):
        assert f"  {line}" in said

    found = re.search(r"^  corpora\.rationales\.sets: (.*?)  #", said, re.MULTILINE)
    params = yaml.safe_load((project / "params.yaml").read_text())
    params["corpora"]["rationales"]["sets"] = yaml.safe_load(found[1])
    (project / "params.yaml").write_text(yaml.safe_dump(params))
    made = rationales(load_params("corpora.rationales", RationalesParams), corpus=project / "out")
    assert {key: made[key] for key in ("mine_test", "mine_dev", "mine_labelled", "mine_pool")} == {
        "mine_test": 3, "mine_dev": 2, "mine_labelled": 7, "mine_pool": 12,
    }  # fmt: skip
    assert read_card(project / "out").dropped == {"quantities": 1, "unreadable answer": 1}


def test_a_folder_without_one_problem_that_can_be_used_is_an_error(project: Path) -> None:
    write_lines(project / "problems/a.jsonl", [{"question": "What is 2*2?", "answer": "four"}])
    with pytest.raises(UserError, match=r"no problem that can be used\n1 rows refused:\n +1  unreadable answer, the"):
        add("mine", "problems")
    assert not load_registry()
