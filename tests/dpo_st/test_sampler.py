"""The sampler: a row is the same in any batch, for both kinds of model; what ended, and what does not fit."""

from __future__ import annotations

import random
from collections.abc import Sequence
from importlib import util
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.dpo_st.tiny_samplers import Kind, question, tiny_model, write_model
from transformers import PreTrainedTokenizerFast

from selfsown.dpo_st.language.forms import encode_question
from selfsown.dpo_st.sampling import UNREAD, Completion, Request, SamplingParams, requests_for
from selfsown.dpo_st.sampling.sampler import Sampler
from selfsown.errors import UserError

pytestmark = pytest.mark.usefixtures("plainly")

BOTH: tuple[Kind, ...] = ("groups", "unigram")
REQUESTS = requests_for([(f"q{place}", question(place)) for place in range(40)], 2)


def sampler(kind: Kind, seed: int = 1, **changes: Any) -> Sampler:
    model, tokenizer = tiny_model(kind)
    params = {"temperature": 1.0, "top_k": 0, "max_new_tokens": 12, "batch_size": 64, **changes}
    return Sampler.of(model, tokenizer, SamplingParams.model_validate(params), seed)


@pytest.mark.parametrize("calculator", [True, False])
@pytest.mark.parametrize("kind", BOTH)
def test_a_row_does_not_depend_on_its_batch(kind: Kind, calculator: bool) -> None:
    whole = sampler(kind, calculator=calculator).complete(REQUESTS)
    assert [(made.id, made.k) for made in whole] == [(asked.id, asked.k) for asked in REQUESTS]
    shuffled = random.Random(1).sample(REQUESTS, len(REQUESTS))
    for size in (16, 3):
        found = sampler(kind, calculator=calculator, batch_size=size).complete(shuffled)
        assert sorted(found, key=key) == sorted(whole, key=key)
    alone = [sampler(kind, calculator=calculator).complete([asked])[0] for asked in REQUESTS[5:8]]
    assert alone == whole[5:8]


def key(made: Completion) -> tuple[str, int]:
    return made.id, made.k


@pytest.mark.parametrize("kind", BOTH)
def test_rows_differ_by_question_number_and_seed(kind: Kind) -> None:
    texts = [made.text for made in sampler(kind).complete(REQUESTS)]
    assert len(set(texts)) > 0.9 * len(texts)
    assert texts != [made.text for made in sampler(kind, seed=2).complete(REQUESTS)]


@pytest.mark.parametrize("kind", BOTH)
def test_at_temperature_zero_it_is_the_models_own_greedy_answer(kind: Kind) -> None:
    model, tokenizer = tiny_model(kind)
    made = sampler(kind, temperature=0, calculator=False).complete(REQUESTS[:8])
    for asked, found in zip(REQUESTS[:8], made, strict=True):
        ids = torch.tensor([encode_question(tokenizer, asked.question)])
        best = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=12, do_sample=False)
        best = best[0, 1 if kind == "unigram" else ids.shape[1] :]
        assert found.text == tokenizer.decode(best, skip_special_tokens=True).strip()


class Canned:
    """Writes what it was told to."""

    def __init__(self, rows: list[list[int]]) -> None:
        self.rows = rows

    def write(self, requests: Sequence[Request], prompts: list[list[int]]) -> list[list[int]]:
        return self.rows


def test_what_ended_is_cut_at_its_end() -> None:
    made = sampler("groups")
    tokenizer = made._tokenizer
    words, end, pad = tokenizer.encode("Anna sold", add_special_tokens=False), tokenizer.eos_token_id, 0
    made._backend = Canned([[*words, end, pad, pad], [*words, *words], [end, *words]])
    found = made.complete(REQUESTS[:3])
    assert [(one.text, one.tokens, one.finished) for one in found] == [
        ("Anna sold", len(words) + 1, True), ("Anna soldAnna sold", 2 * len(words), False), ("", 1, True)
    ]  # fmt: skip


def test_generation_stops_when_all_rows_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    made = sampler("groups", temperature=0, max_new_tokens=50, calculator=False)
    model = made._backend._model  # type: ignore[attr-defined]
    steps = []

    def ends(*args: Any, **kwargs: Any) -> Any:
        found = forward(*args, **kwargs)
        steps.append(1)
        found.logits[:, -1, made._tokenizer.eos_token_id] = 1e4 if len(steps) == 4 else -1e4
        return found

    forward = model.forward
    monkeypatch.setattr(model, "forward", ends)
    found = made.complete(REQUESTS[:5])
    assert len(steps) == 4 and all(one.finished and one.tokens == 4 for one in found)


def test_a_model_in_training_goes_on_training() -> None:
    made = sampler("groups")
    model = made._backend._model.train()  # type: ignore[attr-defined]
    made.complete(REQUESTS[:1])
    assert model.training


def test_a_question_that_leaves_no_room_is_not_read_and_the_others_are() -> None:
    made = sampler("groups", temperature=0, max_new_tokens=200)
    long = [Request("long", "How many? " * 40, k) for k in range(2)]
    assert [made.fits(each.question) for each in (long[0], REQUESTS[0])] == [False, True]
    assert made.complete([long[0], REQUESTS[0], long[1]]) == [
        Completion("long", 0, *UNREAD),
        *made.complete(REQUESTS[:1]),
        Completion("long", 1, *UNREAD),
    ]
    assert made.complete(long)[0].unread and not made.complete(REQUESTS[:1])[0].unread


def test_a_tokenizer_without_an_end_is_refused() -> None:
    model, tokenizer = tiny_model("groups")
    bare = PreTrainedTokenizerFast(tokenizer_object=tokenizer.backend_tokenizer)
    with pytest.raises(UserError, match="names no end token"):
        Sampler.of(model, bare, SamplingParams(), 1)


@pytest.mark.parametrize("kind", BOTH)
def test_a_folder_is_completed_as_the_model_at_hand(kind: Kind, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model", kind)
    params = SamplingParams(temperature=1.0, top_k=0, max_new_tokens=12, batch_size=64)
    assert Sampler.load(folder, params, 1).complete(REQUESTS[:9]) == sampler(kind).complete(REQUESTS)[:9]


@pytest.mark.skipif(util.find_spec("vllm") is not None, reason="vLLM is installed here")
def test_without_vllm_the_message_says_what_to_do(tmp_path: Path) -> None:
    folder = write_model(tmp_path / "model", "groups")
    with pytest.raises(UserError, match=r"'vllm' is not installed here: .* or set `backend: transformers`"):
        Sampler.load(folder, SamplingParams(backend="vllm"), 1)
