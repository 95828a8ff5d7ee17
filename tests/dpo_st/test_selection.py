"""What is chosen of a question's rationales: gold first, nothing nearly twice, the least similar pairs, all reasons."""

from __future__ import annotations

import random
from collections import Counter
from itertools import combinations, product
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfsown.dpo_st.attempts.product import GOLD, SAMPLE
from selfsown.dpo_st.labels.choice import LabelRules, solution_cap, solutions
from selfsown.dpo_st.pairs.choice import PairRules, choose_pairs
from selfsown.dpo_st.selection.samples import (
    DUPLICATE,
    LENGTH,
    NEAR,
    Question,
    Sample,
    fitting,
    questions,
    rejected,
    writers,
)
from selfsown.dpo_st.selection.similarity import distinct, jaccard
from selfsown.dpo_st.selection.soundness import annotation_fault

RULES: dict[str, Any] = {
    "near_duplicate": 0.7, "gold": True, "order": "text", "check_calculations": False, "tokens": {"low": 2, "high": 4},
}  # fmt: skip
WORDS = "abcdefgh"


def pair_rules(**changes: Any) -> PairRules:
    own = {"per_question": 3, "prefer": "least_similar", "unanswered": True}
    return PairRules.model_validate({**RULES, **own, **changes})


def label_rules(**changes: Any) -> LabelRules:
    return LabelRules.model_validate({**RULES, "percentile": 90, **changes})


def letters(*texts: str) -> dict[str, frozenset[int]]:
    """A vocabulary of letters."""
    return {text: frozenset(map(ord, text)) for text in texts}


texts = st.text(WORDS, min_size=1, max_size=6)


@st.composite
def asked(draw: st.DrawFn) -> Question:
    """A question with samples of three models, perhaps a labelled rationale; a text is always right or always wrong."""
    marks = draw(st.dictionaries(texts, st.booleans(), max_size=10))
    gold = [text for text, right in marks.items() if right and draw(st.booleans())][:1]
    written = draw(st.lists(st.sampled_from(sorted(marks)), max_size=15)) if marks else []
    own = [Sample(text, marks[text], f"m{(order := draw(st.integers(1, 3)))}", order) for text in written]
    samples = tuple([Sample(text, True, GOLD) for text in gold] + own)
    return Question(draw(st.text(WORDS, min_size=1, max_size=4)), "?", "1", samples)


def tokens(question: Question) -> dict[str, frozenset[int]]:
    return letters(*(sample.text for sample in question.samples))


@given(asked())
def test_a_sample_of_another_length_is_left_out_with_the_reason(question: Question) -> None:
    found, reasons = fitting(question, {each.text: len(each.text) for each in question.samples}, label_rules())
    assert set(found.samples) == {
        each for each in question.samples if len(each.text) <= 4 and (len(each.text) >= 2 or not each.correct)
    }
    assert reasons == {each.text: LENGTH for each in question.samples if each not in found.samples}


@given(st.lists(texts, max_size=12), st.floats(0.05, 1))
def test_no_kept_text_is_nearly_another_and_every_dropped_one_is(many: list[str], threshold: float) -> None:
    known = letters(*many)
    kept, dropped = distinct(many, known, threshold)
    assert all(jaccard(known[a], known[b]) <= threshold for a, b in combinations(kept, 2))
    for text in dropped:
        before = [other for other in kept if many.index(other) < many.index(text)]
        assert any(jaccard(known[text], known[other]) > threshold for other in before)
    assert sorted([*kept, *dropped]) == sorted(set(many))
    assert not many or kept[0] == many[0]


@pytest.mark.parametrize(
    ("one", "other", "alike"), [("abcd", "abcd", 1), ("ab", "cd", 0), ("abc", "bcd", 0.5), ("", "", 1)]
)
def test_overlap(one: str, other: str, alike: float) -> None:
    assert jaccard(set(map(ord, one)), set(map(ord, other))) == alike


@given(asked(), st.integers(0, 3))
def test_labels_begin_with_the_labelled_one_and_are_right_and_different(question: Question, seed: int) -> None:
    known = tokens(question)
    kept, reasons = solutions(question, known, label_rules())
    right = {sample.text for sample in question.samples if sample.correct}
    assert set(kept) <= right and len(set(kept)) == len(kept)
    assert all(jaccard(known[a], known[b]) <= 0.7 for a, b in combinations(kept, 2))
    gold = [sample.text for sample in question.samples if sample.gold]
    assert kept[: len(gold)] == gold, "nothing stands before it that could drop it"
    assert bool(kept) == bool(right)
    assert {sample.text for sample in question.samples} == set(kept) | reasons.keys()
    mixed = random.Random(seed).sample(question.samples, len(question.samples))
    again, _ = solutions(Question(question.id, "?", "1", tuple(mixed)), known, label_rules())
    assert again == kept, "by text: whoever wrote it, and when"


@given(asked(), st.integers(0, 3), st.integers(1, 4))
def test_pairs_are_right_over_wrong_least_similar_first(question: Question, seed: int, count: int) -> None:
    known = tokens(question)
    pairs, reasons = choose_pairs(question, known, pair_rules(per_question=count), seed)
    marks = {sample.text: sample.correct for sample in question.samples}
    assert all(marks[pair.chosen] and not marks[pair.rejected] for pair in pairs)
    assert [pair.similarity for pair in pairs] == sorted(pair.similarity for pair in pairs)
    assert all(pair.similarity == jaccard(known[pair.chosen], known[pair.rejected]) for pair in pairs)
    used = {text for pair in pairs for text in (pair.chosen, pair.rejected)}
    assert used.isdisjoint(reasons) and used | reasons.keys() == marks.keys()
    both = len(set(marks.values())) == 2
    assert bool(pairs) == both
    if both:
        left = {right: [t for t in marks if marks[t] == right and reasons.get(t) != NEAR] for right in (True, False)}
        everything = sorted(jaccard(known[a], known[b]) for a, b in product(left[True], left[False]))
        assert [pair.similarity for pair in pairs] == everything[:count]
    assert choose_pairs(question, known, pair_rules(per_question=count), seed) == (pairs, reasons)


@given(st.lists(asked(), min_size=1, max_size=5, unique_by=lambda question: question.id))
def test_what_a_question_gives_hangs_on_no_other(many: list[Question]) -> None:
    rows = [
        {
            "id": each.id, "question": "?", "gold": "1", "rationale": sample.text, "model": sample.model, "k": 0,
            "correct": sample.correct, "tokens": 1, "finished": True, "order": sample.order,
        }
        for each in many
        for sample in each.samples
    ]  # fmt: skip
    mixed = pa.Table.from_pylist(sorted(rows, key=lambda row: row["order"]), SAMPLE)
    for found in questions(mixed):
        alone = next(each for each in many if each.id == found.id)
        given_alone = choose_pairs(alone, tokens(alone), pair_rules(), 1)
        assert choose_pairs(found, tokens(found), pair_rules(), 1)[0] == given_alone[0]


def test_gold_is_the_first_of_the_right_ones_and_drops_what_is_like_it() -> None:
    samples = (Sample("abcd", True, "m", 1), Sample("abcde", True, GOLD), Sample("xyz", False, "m", 1))
    question = Question("q", "?", "1", samples)
    pairs, reasons = choose_pairs(question, tokens(question), pair_rules(), 0)
    assert [pair.chosen for pair in pairs] == ["abcde"] and reasons == {"abcd": NEAR}
    pairs, reasons = choose_pairs(question, tokens(question), pair_rules(gold=False), 0)
    assert [pair.chosen for pair in pairs] == ["abcd"] and reasons == {"abcde": "a labelled rationale"}


def test_three_least_similar_of_all_pairs() -> None:
    samples = [Sample(text, True, "m", 1) for text in ("abcd", "cdef")]
    samples += [Sample(text, False, "m", 1) for text in ("abgh", "efgh", "cduvwx")]
    question = Question("q", "?", "1", tuple(samples))
    pairs, reasons = choose_pairs(question, tokens(question), pair_rules(), 0)
    assert {(pair.chosen, pair.rejected) for pair in pairs[:2]} == {("abcd", "efgh"), ("cdef", "abgh")}
    assert pairs[2].rejected == "cduvwx" and pairs[2].similarity == 0.25 and not reasons
    pairs, reasons = choose_pairs(question, tokens(question), pair_rules(per_question=1, prefer="most_similar"), 0)
    assert pairs[0].similarity == pytest.approx(1 / 3)
    assert set(reasons.values()) == {"not among the most similar"} and len(reasons) == 3


@pytest.mark.parametrize(("mark", "reason"), [(True, "no wrong one beside it"), (False, "no right one beside it")])
def test_a_question_with_one_kind_gives_no_pair(mark: bool, reason: str) -> None:
    question = Question("q", "?", "1", (Sample("abc", mark, "m", 1),))
    assert choose_pairs(question, tokens(question), pair_rules(), 0) == ([], {"abc": reason})


def test_texts_without_an_answer_may_be_left_out() -> None:
    samples = (Sample("It is 1.\n#### 1", True, "m"), Sample("It is 2.\n#### 2", False, "m"), Sample("I", False, "m"))
    question = Question("q", "?", "1", samples)
    known = tokens(question)
    assert {pair.rejected for pair in choose_pairs(question, known, pair_rules(near_duplicate=1), 0)[0]} == {
        "It is 2.\n#### 2", "I"
    }  # fmt: skip
    pairs, reasons = choose_pairs(question, known, pair_rules(near_duplicate=1, unanswered=False), 0)
    assert [pair.rejected for pair in pairs] == ["It is 2.\n#### 2"] and reasons == {"I": "no final answer"}
    kept, reasons = solutions(question, known, label_rules())
    assert kept == ["It is 1.\n#### 1"] and set(reasons.values()) == {"wrong answer", "no final answer"}


def test_right_answers_by_wrong_calculations_may_be_left_out() -> None:
    wrong = "<<2+2=5>>5 less 4 is <<5-4=1>>1\n#### 1"
    question = Question("q", "?", "1", (Sample(wrong, True, "m"), Sample("#### 1", True, "m")))
    assert solutions(question, tokens(question), label_rules(near_duplicate=1))[0] == sorted([wrong, "#### 1"])
    kept, reasons = solutions(question, tokens(question), label_rules(check_calculations=True))
    assert kept == ["#### 1"] and reasons == {wrong: "wrong calculation: 2+2 is 4, stated is 5"}


@pytest.mark.parametrize(
    ("rationale", "fault"),
    [
        ("no calculation", None),
        ("<<48/2=24>>24 and <<10/3=3.33>>3.33", None),
        ("[ 48 / 2 = 24] 24", None),
        ("<<2*1,000=2,000>>", None),
        ("<<2/3=66.7%>> and <<5*2=10.>>", None),
        ("<<2/3=76.7%>>", "2/3 is 0.67, stated is 76.7%"),
        ("<<48/2=24>> then <<24+1=26>>", "24+1 is 25, stated is 26"),
        ("<<3/0=1>>", "'3/0' cannot be worked out"),
        ("<<__import__('os')=1>>", "\"__import__('os')\" cannot be worked out"),
        ("<<2+2=four>>", "2+2 is 4, stated is no number"),
    ],
)
def test_calculations_that_come_out(rationale: str, fault: str | None) -> None:
    assert annotation_fault(rationale) == fault


def test_newest_first() -> None:
    samples = (
        Sample("old", True, "m1", 1),
        Sample("new", True, "m2", 2),
        Sample("gold", True, GOLD),
        Sample("newer", True, "m2", 2),
    )
    question = Question("q", "?", "1", samples)
    kept, _ = solutions(question, tokens(question), label_rules(order="newest", near_duplicate=1))
    assert kept == ["gold", "new", "newer", "old"]
    assert writers(question) == {"old": "m1", "new": "m2", "newer": "m2", "gold": GOLD}


def test_a_text_of_several_models_is_the_newests_and_the_labelled_one_is_nobody_elses() -> None:
    samples = (
        Sample("a", True, GOLD),
        Sample("a", True, "m1", 1),
        Sample("b", True, "m1", 1),
        Sample("b", True, "m2", 2),
    )
    assert writers(Question("q", "?", "1", samples)) == {"a": GOLD, "b": "m2"}


@given(st.lists(st.integers(0, 30), max_size=40), st.floats(0, 100))
def test_the_cap_is_a_percentile_of_those_that_have_any(counts: list[int], percentile: float) -> None:
    cap = solution_cap(counts, percentile)
    some = [count for count in counts if count]
    assert (cap is None) == (not some)
    if cap is not None:
        assert 1 <= cap <= max(some) and cap == int(np.percentile(some, percentile))
        assert solution_cap(some, 100) == max(some)


def test_every_sample_is_kept_or_has_its_reason() -> None:
    rows = [("q", "abc", "m1", True), ("q", "abc", "m2", True), ("q", "xyz", "m1", False), ("r", "abc", "m1", True)]
    table = pa.Table.from_pylist(
        [
            {
                "id": name, "question": "?", "gold": "1", "rationale": text, "model": model, "k": 0, "correct": right,
                "tokens": 1, "finished": True, "order": 1,
            }
            for name, text, model, right in rows
        ],
        SAMPLE,
    )  # fmt: skip
    found = {each.id: choose_pairs(each, tokens(each), pair_rules(), 0) for each in questions(table)}
    left_out = rejected(table, {name: reasons for name, (_, reasons) in found.items()})
    assert Counter(left_out["reason"].to_pylist()) == {DUPLICATE: 1, "no wrong one beside it": 1}
    assert left_out["model"].to_pylist() == ["m2", "m1"]
