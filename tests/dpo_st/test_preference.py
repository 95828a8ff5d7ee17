"""The loss of preference: ours is TRL's, both are the formula, and it is ln 2 where training starts."""

from __future__ import annotations

import copy
from math import exp, log, log1p
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.dpo_st.test_language_models import by_hand
from tests.dpo_st.tiny_samplers import Kind, tiny_model
from tests.dpo_st.tiny_training import ARGUMENTS, BOTH, pairs_of
from transformers import T5Config, T5ForConditionalGeneration, Trainer
from trl import DPOConfig

from selfsown.dpo_st.dpo.preference import DECIDED, CausalTrainer, PairTrainer, preference_trainer, without_dropout
from selfsown.dpo_st.dpo.solving import Solving
from selfsown.dpo_st.language.models import Layout, log_probs_of
from selfsown.dpo_st.sampling import SamplingParams
from selfsown.dpo_st.training.plan import Pair, Planned
from selfsown.dpo_st.training.run import training_arguments
from selfsown.errors import UserError

pytestmark = pytest.mark.usefixtures("plainly")

SOLVING = Solving([{"id": "a", "question": "Anna?", "answer": "1"}], SamplingParams(max_new_tokens=2, batch_size=1), 1)


def arguments(folder: Path, **changes: Any) -> DPOConfig:
    block = {**ARGUMENTS, "max_steps": 2, **changes}
    decided = {"metric_for_best_model": "pass_at_1", "greater_is_better": True, **DECIDED}
    return training_arguments(DPOConfig, block, work=folder, section="dpo_st.dpo", seed=1, **decided)


def made(kind: type[Any], model: Any, tokenizer: Any, pairs: list[Pair], folder: Path, **changes: Any) -> Trainer:
    planned = Planned(pairs, list(range(len(pairs))))
    made = preference_trainer(model, tokenizer, arguments(folder, **changes), planned, [], solving=SOLVING)
    if not isinstance(made, kind):  # ours, for a model that has TRL's
        return PairTrainer(
            model=model, args=arguments(folder, **changes), processing_class=tokenizer, learnt=pairs, held_out=[],
            solving=SOLVING, train_dataset=planned,
        )  # fmt: skip
    return made


def loss(trainer: Any) -> float:
    """Of all pairs in one batch."""
    rows = list(trainer.train_dataset)
    trainer.model.eval()
    with torch.no_grad():
        return float(trainer.compute_loss(trainer.model, trainer.data_collator(rows)))


def formula(model: Any, pairs: list[Pair], beta: float) -> float:
    """-log sigmoid of beta times the difference of the log ratios, each worked out by itself."""
    found = []
    for pair in pairs:
        chosen = by_hand(model, pair.chosen) - pair.reference[0]
        rejected = by_hand(model, pair.rejected) - pair.reference[1]
        found.append(log1p(exp(-beta * (chosen - rejected))))
    return sum(found) / len(found)


@pytest.mark.parametrize("mask_results", [True, False])
@pytest.mark.parametrize("beta", [0.1, 0.02])
def test_our_loss_is_trls(beta: float, mask_results: bool, tmp_path: Path) -> None:
    model, tokenizer = tiny_model("groups")
    pairs = pairs_of("groups", model, tokenizer, mask_results=mask_results)
    theirs = loss(made(CausalTrainer, copy.deepcopy(model), tokenizer, pairs, tmp_path, beta=beta))
    ours = loss(made(PairTrainer, copy.deepcopy(model), tokenizer, pairs, tmp_path, beta=beta))
    assert ours == pytest.approx(theirs, abs=1e-6)
    assert ours == pytest.approx(formula(model, pairs, beta), abs=1e-5)
    assert abs(ours - log(2)) > 0.01


@pytest.mark.parametrize("mask_results", [True, False])
def test_an_encoder_decoders_loss_is_the_formula(mask_results: bool, tmp_path: Path) -> None:
    model, tokenizer = tiny_model("unigram")
    pairs = pairs_of("unigram", model, tokenizer, mask_results=mask_results)
    assert loss(made(PairTrainer, model, tokenizer, pairs, tmp_path)) == pytest.approx(
        formula(model, pairs, 0.1), abs=1e-5
    )


def from_start(kind: Kind, model: Any, tokenizer: Any, count: int) -> list[Pair]:
    """Pairs whose reference is the model."""
    pairs = pairs_of(kind, model, tokenizer, count)
    rows = [each for pair in pairs for each in (pair.chosen, pair.rejected)]
    said = log_probs_of(model, Layout.of(model, tokenizer), rows, 4)
    return [Pair(p.chosen, p.rejected, (said[2 * i], said[2 * i + 1])) for i, p in enumerate(pairs)]


@pytest.mark.parametrize("accumulated", [1, 2, 4])
@pytest.mark.parametrize("kind", BOTH)
def test_training_starts_at_ln_2_also_when_batches_are_accumulated(
    kind: Kind, accumulated: int, tmp_path: Path
) -> None:
    model, tokenizer = tiny_model(kind)
    pairs = from_start(kind, model, tokenizer, 8)
    sizes = {"per_device_train_batch_size": 8 // accumulated, "gradient_accumulation_steps": accumulated}
    changes: dict[str, Any] = {**sizes, "max_steps": 1, "eval_steps": 1, "save_steps": 1}
    trainer = made(CausalTrainer if kind == "groups" else PairTrainer, model, tokenizer, pairs, tmp_path, **changes)
    trainer.train()
    (said,) = [point["loss"] for point in trainer.state.log_history if "loss" in point]
    assert said == pytest.approx(log(2), abs=1e-5)


def test_a_step_is_the_same_in_one_batch_and_in_four(tmp_path: Path) -> None:
    after = []
    for accumulated in (1, 4):
        model, tokenizer = tiny_model("unigram")
        pairs = from_start("unigram", model, tokenizer, 8)
        sizes = {"per_device_train_batch_size": 8 // accumulated, "gradient_accumulation_steps": accumulated}
        changes = {**sizes, "max_steps": 1, "eval_steps": 1, "save_steps": 1, "optim": "sgd", "learning_rate": 0.1}
        made(PairTrainer, model, tokenizer, pairs, tmp_path / str(accumulated), **changes).train()
        after.append(torch.cat([weight.flatten() for weight in model.parameters()]))
    assert torch.allclose(*after, atol=1e-6)


def test_dropout_is_off_in_attention_too() -> None:
    config = T5Config(vocab_size=40, d_model=16, d_kv=4, d_ff=16, num_layers=1, num_heads=2, dropout_rate=0.5)
    model = T5ForConditionalGeneration(config).train()
    ids = torch.tensor([[5, 6, 7, 8]])

    def asked() -> torch.Tensor:
        logits: torch.Tensor = model(input_ids=ids, decoder_input_ids=ids).logits
        return logits

    assert not torch.equal(asked(), asked())
    without_dropout(model)
    assert torch.equal(asked(), asked())


def test_what_only_trl_can_vary_is_refused_for_an_encoder_decoder(tmp_path: Path) -> None:
    model, tokenizer = tiny_model("unigram")
    pairs = pairs_of("unigram", model, tokenizer)
    with pytest.raises(UserError, match=r"dpo_st\.dpo\.arguments\.loss_type: an encoder-decoder is trained with"):
        made(PairTrainer, model, tokenizer, pairs, tmp_path, loss_type="ipo")
