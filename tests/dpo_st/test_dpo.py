"""DPO of both kinds of model: it learns to prefer, and keeps the reference where nothing is better."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from math import log
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.dpo_st.test_sft import weights
from tests.dpo_st.tiny_samplers import Kind, write_model
from tests.dpo_st.tiny_training import BOTH, asked, dpo_params, sft_params, write_labels, write_pairs, write_problems
from tests.plainly import kill_at_checkpoints

from selfsown.dpo_st.dpo import dpo, encoded, solving
from selfsown.dpo_st.dpo.solving import Solving
from selfsown.dpo_st.dpo.watched import log_ratios, preferences
from selfsown.dpo_st.language.models import Layout, load_model, load_tokenizer
from selfsown.dpo_st.sampling import SamplingParams
from selfsown.dpo_st.sampling.sampler import Sampler
from selfsown.dpo_st.sft import sft
from selfsown.dpo_st.training.plan import Pair
from selfsown.errors import UserError
from selfsown.products import read_product
from selfsown.stage import Metrics

pytestmark = pytest.mark.usefixtures("plainly")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, plainly: None) -> Path:
    """A folder a kind, with `reference`, `problems` and `pairs`."""
    root = tmp_path_factory.mktemp("world")
    for kind in BOTH:
        folder = root / kind
        write_model(folder / "base", kind)
        write_problems(folder / "problems", kind)
        write_labels(folder / "labels", kind)
        paths = {name: folder / name for name in ("base", "labels", "problems")}
        sft(sft_params(20), name="main", **paths, model=folder / "reference")
        write_pairs(folder / "pairs", kind, folder / "reference")
    return root


def trained(world: Path, kind: Kind, model: Path, pairs: Path | None = None, **changes: Any) -> Metrics:
    folder = world / kind
    return dpo(
        dpo_params(**changes),
        name="first", reference=folder / "reference", pairs=pairs or folder / "pairs", problems=folder / "problems",
        model=model,
    )  # fmt: skip


Solves = Callable[[Sequence[float]], list[dict[str, torch.Tensor]]]


@pytest.fixture
def solves(monkeypatch: pytest.MonkeyPatch) -> Solves:
    """Say how many dev questions are solved, from the start on; the weights that were asked come back."""

    def say(shares: Sequence[float]) -> list[dict[str, torch.Tensor]]:
        ahead, models = iter(shares), []

        def measured(made: Solving, model: Any, *args: Any) -> float:
            models.append({name: weight.clone() for name, weight in model.state_dict().items()})
            return next(ahead)

        monkeypatch.setattr(Solving, "pass_at_1", measured)
        return models

    return say


def learnt_pairs(world: Path, kind: Kind) -> list[Pair]:
    tokenizer = load_tokenizer(world / kind / "reference")
    return encoded(read_product(world / kind / "pairs"), "train", tokenizer, mask_results=True)


@pytest.mark.parametrize("kind", BOTH)
def test_it_learns_to_prefer_and_leaves_a_whole_folder(kind: Kind, world: Path, tmp_path: Path, solves: Solves) -> None:
    solves([place / 10 for place in range(9)])
    figures = trained(world, kind, tmp_path / "model", steps=8)
    history = json.loads((tmp_path / "model/training.json").read_text())
    assert [point["step"] for point in history] == [0, 2, 4, 6, 8]
    assert figures["best_dev_pass_at_1"] == 0.4 and figures["pairs"] == 12
    pairs, liked = learnt_pairs(world, kind), []
    for folder in (world / kind / "reference", tmp_path / "model"):
        model = load_model(folder)
        layout = Layout.of(model, load_tokenizer(folder))
        liked.append(preferences(log_ratios(model, layout, pairs, 3), 0.1))
    assert liked[0]["loss"] == pytest.approx(log(2), abs=1e-5)
    assert liked[1]["loss"] < 0.6 and liked[1]["accuracy"] > 0.7
    cost = json.loads((tmp_path / "model/cost.json").read_text())
    assert cost == {"tokens": figures["tokens"], "flops": figures["flops"]} and cost["tokens"] > 0
    assert not (tmp_path / "model/.work").exists()


@pytest.mark.parametrize("kind", BOTH)
def test_a_killed_training_ends_in_the_same_weights(
    kind: Kind, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Solving, "pass_at_1", lambda made, model, *args: float(model.lm_head.weight.detach().sum()))
    trained(world, kind, tmp_path / "whole")
    with monkeypatch.context() as patch:
        kill_at_checkpoints(patch)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                trained(world, kind, tmp_path / "killed")
    trained(world, kind, tmp_path / "killed")
    assert torch.equal(weights(tmp_path / "whole"), weights(tmp_path / "killed"))
    assert (tmp_path / "whole/training.json").read_text() == (tmp_path / "killed/training.json").read_text()


@pytest.mark.parametrize(
    ("shares", "kept"), [([0.5, 0.4, 0.5, 0.3], 0), ([0.5, 0.6, 0.5, 0.6], 1), ([0.5, 0.6, 0.7, 0.6], 2)]
)
def test_the_first_of_the_best_steps_is_kept_which_may_be_the_reference(
    shares: list[float], kept: int, world: Path, tmp_path: Path, solves: Solves
) -> None:
    models = solves(shares)
    trained(world, "groups", tmp_path / "model")
    made = load_model(tmp_path / "model").state_dict()
    same = [all(torch.equal(made[name], each) for name, each in step.items()) for step in models]
    assert same == [place == kept for place in range(4)]
    history = json.loads((tmp_path / "model/training.json").read_text())
    assert [point["dev_pass_at_1"] for point in history] == shares


def test_patience_counts_from_the_reference_on(world: Path, tmp_path: Path, solves: Solves) -> None:
    solves([0.5, 0.4, 0.3, 0.9, 0.9])
    trained(world, "groups", tmp_path / "model", patience=2)
    assert len(json.loads((tmp_path / "model/training.json").read_text())) == 3
    assert torch.equal(weights(tmp_path / "model"), weights(world / "groups/reference"))


@pytest.mark.parametrize("kind", BOTH)
def test_dev_questions_are_asked_of_the_model_in_training(kind: Kind, world: Path, tmp_path: Path) -> None:
    """No stand-in here: what the trained reference solves, with the calculator."""
    figures = trained(world, kind, tmp_path / "model", steps=2, dev_limit=6)
    assert 0 <= figures["best_dev_pass_at_1"] <= 1


class Place:
    """A process among several, whose sum is said as it is."""

    device = torch.device("cpu")

    def __init__(self, process_index: int, num_processes: int) -> None:
        self.process_index, self.num_processes = process_index, num_processes

    def reduce(self, value: torch.Tensor, reduction: str) -> torch.Tensor:
        return value


def test_processes_share_the_dev_questions(world: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, batches = world / "groups/reference", []
    model, tokenizer = load_model(folder), load_tokenizer(folder)
    monkeypatch.setattr(solving, "is_right", lambda text, answer: (len(text) + int(answer)) % 3 == 0)
    complete = Sampler.complete

    def counted(sampler: Sampler, requests: Any) -> Any:
        batches.append(len(requests))
        return complete(sampler, requests)

    monkeypatch.setattr(Sampler, "complete", counted)
    questions = [{"id": f"d{place}", "question": asked(place), "answer": str(place)} for place in range(7)]
    params = SamplingParams(samples=2, temperature=1.0, max_new_tokens=6, batch_size=4)
    made = Solving(questions, params, 3)
    whole = made.pass_at_1(model, tokenizer, Place(0, 1))
    parts = [made.pass_at_1(model, tokenizer, Place(place, 3)) for place in range(3)]
    assert 0 < whole < 1 and sum(parts) == pytest.approx(whole)
    assert batches == [14, 6, 6, 6]  # each writes as many, though seven questions are not three times as many


@pytest.mark.parametrize("kind", BOTH)
def test_pairs_need_no_eval_rows(kind: Kind, world: Path, tmp_path: Path) -> None:
    pairs = write_pairs(tmp_path / "pairs", kind, world / kind / "reference", held_out=0)
    figures = trained(world, kind, tmp_path / "model", pairs, steps=2)
    assert figures["pairs"] == 16


def test_pairs_of_another_reference_are_refused(world: Path, tmp_path: Path) -> None:
    for name, reference, mask in (("model", "base", True), ("mask", "reference", False)):
        pairs = write_pairs(tmp_path / name, "groups", world / "groups" / reference, mask_results=mask)
        with pytest.raises(UserError, match=r"are not those of the reference model, by .* another mask_results"):
            trained(world, "groups", tmp_path / "out", pairs)


def test_over_long_pairs_are_left_out(world: Path, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(world / "groups/reference")
    lengths = [pair.length for pair in encoded(read_product(world / "groups/pairs"), "train", tokenizer, True)]
    limit = sorted(lengths)[6]
    figures = trained(world, "groups", tmp_path / "model", steps=2, arguments={"max_length": limit})
    assert figures["pairs"] == sum(length <= limit for length in lengths)
    assert figures["too_long"] == sum(length > limit for length in lengths)
    with pytest.raises(UserError, match="no pairs to learn from: all 12 have more than 9 tokens"):
        trained(world, "groups", tmp_path / "none", arguments={"max_length": 9})


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"bet": 1}, r"dpo_st\.dpo\.arguments: .*bet"),
        ({"precompute_ref_log_probs": False}, "multiple values for keyword argument 'precompute_ref_log_probs'"),
        ({"save_steps": 4}, "save_strategy and save_steps must be eval_strategy and eval_steps"),
    ],
)
def test_bad_parameters_are_named(arguments: dict[str, Any], message: str, world: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=message):
        trained(world, "groups", tmp_path / "model", arguments=arguments)


def test_the_steps_must_be_there() -> None:
    with pytest.raises(ValueError, match="max_steps must be there, and at least 1"):
        dpo_params(arguments={"max_steps": None})
