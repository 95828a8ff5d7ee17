"""The vLLM backend and its calculators, against stand-ins for vLLM that keep to its documented interfaces."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from enum import Enum
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
import torch
from tests.dpo_st.test_calculator import Script, scripts
from tests.dpo_st.tiny_samplers import tiny_tokenizer, write_model

from selfsown.dpo_st.sampling import Request, SamplingParams
from selfsown.dpo_st.sampling import vllm as backend
from selfsown.dpo_st.sampling.sampler import Sampler
from selfsown.errors import UserError
from selfsown.settings import settings

STEPS = 120


class Move(Enum):
    UNIDIRECTIONAL = 1
    SWAP = 2


class Interface:
    """Base of both kinds of processor: the newer engine's has an `__init__` that its processors call."""

    def __init__(self, vllm_config: Any, req_states: Any) -> None: ...


class Engine:
    """`vllm.LLM`: ends every answer at once, and keeps what it was asked."""

    made: Engine

    def __init__(self, **options: Any) -> None:
        self.options, self.asked = options, []
        Engine.made = self

    def generate(self, prompts: list[Any], sampling: list[Any], use_tqdm: bool) -> list[Any]:
        self.asked = list(zip(prompts, sampling, strict=True))
        return [SimpleNamespace(outputs=[SimpleNamespace(token_ids=(9, 1))]) for _ in prompts]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A stand-in for the package, the older and the newer interface in it."""
    monkeypatch.setenv("SELFSOWN_DEVICE", "cpu")
    settings.cache_clear()
    parts = backend.CURRENT.split(".")
    names = {".".join(parts[:depth]) for depth in range(1, len(parts) + 1)} | {"vllm.v1.sample"}
    older, newer = "vllm.v1.sample.logits_processor", f"{backend.CURRENT}.interface"
    for name in sorted({*names, older, f"{older}.interface", newer}):
        module = ModuleType(name)
        module.__spec__, module.__path__ = ModuleSpec(name, None, is_package=True), []
        module.LogitsProcessor, module.MoveDirectionality = Interface, Move  # type: ignore[attr-defined]
        module.LLM, module.SamplingParams = Engine, SimpleNamespace  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, name, module)
    yield
    settings.cache_clear()
    for name in ("current", "legacy"):
        sys.modules.pop(f"{backend.__name__}.{name}", None)


def processor(name: str) -> Any:
    return importlib.import_module(f"{backend.__name__}.{name}").Calculators


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_model(tmp_path_factory.mktemp("made") / "model", "groups")


def config(folder: Path) -> Any:
    return SimpleNamespace(model_config=SimpleNamespace(tokenizer=str(folder)))


@pytest.mark.usefixtures("installed")
def test_rows_of_the_older_engine_may_move_and_leave(folder: Path) -> None:
    tokenizer = tiny_tokenizer("groups")
    rows, texts = scripts(tokenizer, "groups")
    calculators = processor("legacy")(config(folder), torch.device("cpu"), False)
    assert not calculators.is_argmax_invariant()
    answers: list[list[int]] = [[] for _ in rows]
    models = [Script([row], tokenizer.eos_token_id) for row in rows]
    places = [0, 1, 2, 3]
    added = [(place, None, [7], answers[place]) for place in (0, 1, 2)]
    calculators.update_state(SimpleNamespace(removed=[], added=added, moved=[]))
    for step in range(STEPS):
        if step == 3:
            calculators.update_state(SimpleNamespace(removed=[], added=[], moved=[(0, 2, Move.SWAP)]))
            places = [2, 1, 0, 3]
        if step == 5:  # the last row comes late, and takes a place from which another moves away
            late = [(1, None, [7], answers[3])]
            away = SimpleNamespace(removed=[], added=[], moved=[(1, 5, Move.UNIDIRECTIONAL)])
            calculators.update_state(away)
            calculators.update_state(SimpleNamespace(removed=[], added=late, moved=[]))
            places = [2, 5, 0, 1]
        calculators.update_state(None)
        scores = torch.zeros(6, len(tokenizer))
        here = range(3 if step < 5 else 4)
        for row in here:
            last = torch.tensor([[answers[row][-1] if answers[row] else 7]])
            scores[places[row]] = models[row](last, torch.zeros(1, len(tokenizer)))[0]
        tokens = calculators.apply(scores).argmax(-1).tolist()
        for row in here:
            answers[row].append(tokens[places[row]])
    assert [tokenizer.decode(row[: row.index(tokenizer.eos_token_id)]) for row in answers] == texts
    calculators.update_state(SimpleNamespace(removed=[0, 1, 2, 5], added=[], moved=[]))
    assert not calculators.apply(torch.zeros(6, len(tokenizer))).any()


@pytest.mark.usefixtures("installed")
def test_rows_of_the_newer_engine_change_places_and_requests_come_back(folder: Path) -> None:
    tokenizer = tiny_tokenizer("groups")
    rows, texts = scripts(tokenizer, "groups")
    room = torch.zeros(8, 256, dtype=torch.int32)
    lengths = torch.tensor([3, 1, 0, 2, 0, 0, 0, 4]).numpy()
    slots = [3, 7, 0, 1]
    states = SimpleNamespace(
        vocab_size=len(tokenizer), prompt_len=SimpleNamespace(np=lengths), all_token_ids=SimpleNamespace(gpu=room)
    )
    calculators = processor("current")(config(folder), states)
    assert all(calculators.add_request(slot, None) for slot in slots)
    answers: list[list[int]] = [[] for _ in rows]
    models = [Script([row], tokenizer.eos_token_id) for row in rows]
    for step in range(STEPS):
        if step == 20:  # one had to make way, and comes back to another slot with what it has said
            lengths[5] = lengths[slots[0]]
            room[5, lengths[5] : lengths[5] + step] = torch.tensor(answers[0])
            slots[0] = 5
            assert calculators.add_request(5, None)
        order = sorted(range(len(rows)), key=lambda row: (row * 7 + step) % 4)
        scores = torch.zeros(len(rows), len(tokenizer))
        for place, row in enumerate(order):
            last = torch.tensor([[answers[row][-1] if answers[row] else 7]])
            scores[place] = models[row](last, torch.zeros(1, len(tokenizer)))[0]
        context = SimpleNamespace(
            expanded_idx_mapping=torch.tensor([slots[row] for row in order]),
            pos=torch.tensor([int(lengths[slots[row]]) - 1 + step for row in order]),
            input_ids=torch.tensor([answers[row][-1] if answers[row] else 7 for row in order]),
        )
        tokens = calculators.apply(scores, context).argmax(-1).tolist()
        for place, row in enumerate(order):
            answers[row].append(tokens[place])
    assert [tokenizer.decode(row[: row.index(tokenizer.eos_token_id)]) for row in answers] == texts


@pytest.mark.usefixtures("installed")
def test_every_request_has_a_seed_of_its_own(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(backend.RUNNER, raising=False)
    params = SamplingParams(backend="vllm", temperature=0.7, top_k=50, max_new_tokens=9, batch_size=4)
    asked = [Request(name, "Anna ?", k) for name in ("a", "b") for k in (0, 1)]
    found = Sampler.load(folder, params, 1).complete(asked)
    assert [(one.id, one.k, one.tokens, one.finished) for one in found] == [(one.id, one.k, 2, True) for one in asked]
    engine = Engine.made
    assert engine.options["logits_processors"] == [f"{backend.__name__}.current:Calculators"]
    assert engine.options["model"] == str(folder) and engine.options["max_num_seqs"] == 4
    sampling = [one for _, one in engine.asked]
    assert len({one.seed for one in sampling}) == 4 and all(0 <= one.seed < 2**63 for one in sampling)
    assert {(one.temperature, one.top_k, one.max_tokens) for one in sampling} == {(0.7, 50, 9)}
    Sampler.load(folder, params, 1).complete(asked[::-1])
    assert [one.seed for _, one in Engine.made.asked][::-1] == [one.seed for one in sampling]


@pytest.mark.usefixtures("installed")
def test_the_older_engine_where_the_environment_asks_for_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(backend.RUNNER, "0")
    assert backend.calculator_processor() == f"{backend.__name__}.legacy:Calculators"
    Sampler.load(folder, SamplingParams(backend="vllm", calculator=False), 1)
    assert Engine.made.options["logits_processors"] is None


@pytest.mark.usefixtures("installed")
def test_an_encoder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="vLLM runs no encoder-decoder model: set `backend: transformers`"):
        Sampler.load(write_model(tmp_path / "t5", "unigram"), SamplingParams(backend="vllm"), 1)
