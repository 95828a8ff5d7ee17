"""Questions and rationales as tokens: the template's own, no text ever a special token, results not learnt."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.dpo_st.tiny_samplers import KINDS, Kind, tiny_tokenizer
from tests.dpo_st.tiny_training import reasoned

from selfsown.dpo_st.language.forms import IGNORED, Exchange, encode_question, encode_rationale, exchanges
from selfsown.errors import UserError
from selfsown.reasoning.rationale import in_form

QUESTIONS = ("Anna sold 48 clips.", "Anna's 1,200 clips\nfor $0.35 - each?", " Číslo 7 ☃", "x")
TOKENIZERS = {kind: tiny_tokenizer(kind) for kind in KINDS}
SPECIAL = ("</s>", "<s>", "<pad>", "<|user|>", "<|assistant|>")
RATIONALE = "48/2 = $<<48/2=24>>24.\n24+1200 = <<24+1200=1224>>1224\n#### 1224"


def put(tokenizer: Any, question: str) -> list[int]:
    said = [{"role": "user", "content": question}]
    return list(tokenizer.apply_chat_template(said, tokenize=True, add_generation_prompt=True, return_dict=False))


@pytest.mark.parametrize("question", QUESTIONS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_question_is_put_as_the_template_puts_it(kind: Kind, question: str) -> None:
    assert encode_question(TOKENIZERS[kind], question) == put(TOKENIZERS[kind], question)


@given(st.lists(st.sampled_from([*SPECIAL, "12", " and ", "<", "s>"]), max_size=6), st.sampled_from(KINDS))
def test_no_text_is_a_special_token(parts: list[str], kind: Kind) -> None:
    tokenizer, text = TOKENIZERS[kind], "".join(parts)
    special = {tokenizer.convert_tokens_to_ids(token) for token in SPECIAL}
    plain = [token for token in put(tokenizer, "12") if token in special]
    assert [token for token in encode_question(tokenizer, text) if token in special] == plain
    ids, learnt = encode_rationale(tokenizer, text, mask_results=True)
    assert [token for token in ids if token in special] == [tokenizer.eos_token_id] == ids[-1:]
    assert len(learnt) == len(ids) and all(learnt)
    if kind != "unigram":  # which has no `<`
        assert tokenizer.decode(ids[:-1]) == text


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_calculator_writes_is_not_learnt(kind: Kind) -> None:
    tokenizer = TOKENIZERS[kind]
    text = in_form(RATIONALE, "brackets" if kind == "unigram" else "native")
    ids, learnt = encode_rationale(tokenizer, text, mask_results=True)
    masked = tokenizer.decode([token for token, wanted in zip(ids, learnt, strict=True) if not wanted])
    assert masked.split() == (["24", "1224"] if kind == "unigram" else ["241224"])
    said = tokenizer.decode([token for token, wanted in zip(ids, learnt, strict=True) if wanted][:-1])
    without = text.replace(" 24]", "]").replace(" 1224]", "]").replace("=24>", "=>").replace("=1224>", "=>")
    assert said.strip() == without
    assert encode_rationale(tokenizer, text, mask_results=False) == (ids, [True] * len(ids))


@given(st.integers(0, 10**9), st.integers(1, 10**6), st.sampled_from(KINDS))
def test_results_of_any_size_are_found(place: int, result: int, kind: Kind) -> None:
    tokenizer = TOKENIZERS[kind]
    ids, learnt = encode_rationale(tokenizer, reasoned(kind, place, result), mask_results=True)
    masked = tokenizer.decode([token for token, wanted in zip(ids, learnt, strict=True) if not wanted])
    assert masked.replace(" ", "") == str(result)


@pytest.mark.parametrize("text", ["", "<<", "[=", "<<1=", "=5>>", "[ 1 = 2 = 3]", "<<1=2=3>>", "[" * 500, "<<1" * 500])
def test_what_is_no_annotation_is_learnt(text: str) -> None:
    ids, learnt = encode_rationale(TOKENIZERS["groups"], text, mask_results=True)
    assert len(ids) == len(learnt) and all(learnt)


def test_an_exchange_has_labels_where_it_is_learnt() -> None:
    tokenizer = TOKENIZERS["groups"]
    made = exchanges(tokenizer, [("a", "<<1+1=2>>"), ("a", "b")], mask_results=True)
    assert [each.question for each in made] == [encode_question(tokenizer, "a")] * 2
    assert made[0].labels.count(IGNORED) == 1 and made[1].labels == made[1].rationale
    assert Exchange([1, 2], [3], [True]).length == 3


@pytest.mark.parametrize(
    ("template", "message"),
    [
        (None, "no chat template"),
        ("Answer!", "must say the user's message, and once"),
        ("{{ messages[0]['content'] }} {{ messages[0]['content'] }}", "must say the user's message, and once"),
        ("{{ messages[0]['content'] ", "chat_template: "),
        ("{{ raise_exception('no') }}", "chat_template: no"),
    ],
)
def test_a_template_that_cannot_be_used_is_named(template: str | None, message: str) -> None:
    tokenizer = tiny_tokenizer("groups")
    tokenizer.chat_template = template
    with pytest.raises(UserError, match=message):
        encode_question(tokenizer, "how many?")


def test_a_template_may_trim_a_question() -> None:
    tokenizer = tiny_tokenizer("groups")
    tokenizer.chat_template = "<|user|>{{ messages[0]['content'] | trim }}<|assistant|>"
    assert encode_question(tokenizer, "  12 ") == put(tokenizer, "12")
