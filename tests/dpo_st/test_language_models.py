"""What models of both kinds make of rationales: as worked out by hand, and as TRL works it out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from tests.dpo_st.tiny_samplers import Kind, tiny_model, write_model
from tests.dpo_st.tiny_training import BOTH, asked, reasoned
from torch import Tensor
from trl import DPOConfig, DPOTrainer

from selfsown.dpo_st.dpo.preference import MaskedPreference, _tokens
from selfsown.dpo_st.language.forms import Exchange, exchanges
from selfsown.dpo_st.language.models import Layout, load_model, load_tokenizer, log_probs, read_model, save_model
from selfsown.dpo_st.training.plan import Pair
from selfsown.errors import UserError

pytestmark = pytest.mark.usefixtures("plainly")


def texts(kind: Kind, count: int = 7) -> list[tuple[str, str]]:
    return [(asked(place), reasoned(kind, place * 31)) for place in range(1, 1 + count)]


@torch.no_grad()
def by_hand(model: Any, row: Exchange) -> float:
    """One row alone, token by token."""
    if model.config.is_encoder_decoder:
        begun = [model.config.decoder_start_token_id, *row.rationale[:-1]]
        logits = model(input_ids=torch.tensor([row.question]), decoder_input_ids=torch.tensor([begun])).logits[0]
    else:
        whole = row.question + row.rationale
        logits = model(input_ids=torch.tensor([whole])).logits[0, len(row.question) - 1 : -1]
    each: Tensor = logits.log_softmax(dim=-1)[torch.arange(len(row.rationale)), torch.tensor(row.rationale)]
    return float(each[torch.tensor(row.learnt)].sum())


@pytest.mark.parametrize("mask_results", [True, False])
@pytest.mark.parametrize("kind", BOTH)
def test_log_probs_are_those_worked_out_by_hand_in_any_batch(kind: Kind, mask_results: bool) -> None:
    model, tokenizer = tiny_model(kind)
    rows = exchanges(tokenizer, texts(kind), mask_results=mask_results)
    wanted = [by_hand(model, row) for row in rows]
    for size in (1, 3, 7):
        found = log_probs(model, tokenizer, texts(kind), mask_results=mask_results, batch_size=size)
        assert found == pytest.approx(wanted, abs=1e-4)
    assert all(value < -1 for value in wanted)


@pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")  # TRL's own
@pytest.mark.parametrize("mask_results", [True, False])
def test_log_probs_are_those_of_trl(mask_results: bool, tmp_path: Path) -> None:
    model, tokenizer = tiny_model("groups")
    read = texts("groups", 6)
    found = log_probs(model, tokenizer, read, mask_results=mask_results, batch_size=4)
    rows = exchanges(tokenizer, read, mask_results=mask_results)
    data = _tokens([Pair(row, row, (0.0, 0.0)) for row in rows])
    plain = {"bf16": False, "use_cpu": True, "activation_checkpointing": False, "report_to": "none"}

    class Ready(DPOTrainer):
        def _prepare_dataset(self, dataset: Any, *args: Any) -> Any:
            return dataset

    trainer = Ready(
        model=model,
        args=DPOConfig(str(tmp_path), remove_unused_columns=False, **plain),
        processing_class=tokenizer,
        ref_model=tiny_model("groups")[0],
        data_collator=MaskedPreference(pad_token_id=tokenizer.pad_token_id),
        train_dataset=data,
    )
    chosen, rejected = trainer.compute_ref_log_probs(trainer.model.eval(), trainer.data_collator(list(data)))
    assert chosen.tolist() == pytest.approx(found, rel=1e-5) == rejected.tolist()


def test_a_decoder_reads_the_results_that_it_does_not_learn() -> None:
    _, tokenizer = tiny_model("unigram")
    (row,) = exchanges(tokenizer, texts("unigram", 1), mask_results=True)
    batch = Layout(pad=0, start=0)([row])
    assert not all(row.learnt)
    assert batch["decoder_input_ids"].tolist() == [[0, *row.rationale[:-1]]]
    assert batch["labels"].tolist() == [row.labels]
    assert batch["input_ids"].tolist() == [row.question]


def test_rows_are_filled_up_on_the_right() -> None:
    rows = [Exchange([5, 6], [7, 2], [True, True]), Exchange([5], [8, 9, 9, 2], [True, False, True, True])]
    assert {name: each.tolist() for name, each in Layout(pad=0, start=None)(rows).items()} == {
        "input_ids": [[5, 6, 7, 0], [5, 8, 9, 9]],
        "attention_mask": [[1, 1, 1, 0], [1, 1, 1, 1]],
        "labels": [[-100, 7, 2, -100], [8, -100, 9, 2]],
    }


@pytest.mark.parametrize("kind", BOTH)
def test_a_model_is_saved_as_it_is_read(kind: Kind, tmp_path: Path) -> None:
    folder = write_model(tmp_path / "one", kind)
    model, tokenizer = read_model(folder), load_tokenizer(folder, "{{ messages[0]['content'] }} =")
    model.config.use_cache = False
    save_model(model, tokenizer, tmp_path / "other", model.state_dict())
    again = load_model(tmp_path / "other")
    assert again.config.use_cache and not again.training and again.dtype == torch.float32
    assert {name: each.tolist() for name, each in again.state_dict().items()} == {
        name: each.tolist() for name, each in model.state_dict().items()
    }
    assert load_tokenizer(tmp_path / "other").chat_template == "{{ messages[0]['content'] }} ="


def test_a_folder_without_a_tokenizer_or_an_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"no tokenizer\.json there"):
        load_tokenizer(tmp_path)
    _, tokenizer = tiny_model("groups")
    tokenizer.eos_token = None
    tokenizer.save_pretrained(tmp_path)
    with pytest.raises(UserError, match="names no end token"):
        load_tokenizer(tmp_path)
