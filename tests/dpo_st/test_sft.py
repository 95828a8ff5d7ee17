"""Supervised training of both kinds of model: it learns, goes on where it was killed, and says what it left out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file
from tests.dpo_st.tiny_samplers import Kind, tiny_tokenizer, write_model
from tests.dpo_st.tiny_training import BOTH, sft_params, write_labels, write_problems
from tests.plainly import kill_at_checkpoints

from selfsown.dpo_st.language.forms import IGNORED, exchanges
from selfsown.dpo_st.language.models import load_model, load_tokenizer
from selfsown.dpo_st.sft import label_texts, sft
from selfsown.dpo_st.sft.supervised import _tokens
from selfsown.dpo_st.training import dev
from selfsown.dpo_st.training.plan import Label
from selfsown.errors import UserError
from selfsown.stage import Metrics

pytestmark = pytest.mark.usefixtures("plainly")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder a kind, with `base`, `problems` and `labels`."""
    root = tmp_path_factory.mktemp("world")
    for kind in BOTH:
        write_model(root / kind / "base", kind)
        write_problems(root / kind / "problems", kind)
        write_labels(root / kind / "labels", kind)
    return root


def trained(
    world: Path, kind: Kind, model: Path, name: str = "main", labels: str = "labels", **changes: Any
) -> Metrics:
    folder = world / kind
    return sft(
        sft_params(**changes),
        name=name, base=folder / "base", labels=folder / labels, problems=folder / "problems", model=model,
    )  # fmt: skip


def weights(model: Path) -> torch.Tensor:
    found = load_file(model / "model.safetensors")
    return torch.cat([found[name].flatten() for name in sorted(found)])


@pytest.mark.parametrize("kind", BOTH)
def test_it_learns_and_leaves_a_whole_folder(kind: Kind, world: Path, tmp_path: Path) -> None:
    figures = trained(world, kind, tmp_path / "model", steps=30, arguments={"learning_rate": 2e-2})
    history = json.loads((tmp_path / "model/training.json").read_text())
    losses = [point["dev_loss"] for point in history]
    assert [point["step"] for point in history] == list(range(2, 31, 2))
    assert min(losses) < 0.6 * losses[0] and figures["best_dev_loss"] == min(losses)
    cost = json.loads((tmp_path / "model/cost.json").read_text())
    assert cost == {"tokens": figures["tokens"], "flops": figures["flops"]}
    assert load_model(tmp_path / "model").config.is_encoder_decoder == (kind == "unigram")
    assert load_tokenizer(tmp_path / "model").chat_template == tiny_tokenizer(kind).chat_template
    assert not (tmp_path / "model/.work").exists()


@pytest.mark.parametrize("kind", BOTH)
def test_a_killed_training_ends_in_the_same_weights(
    kind: Kind, world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    trained(world, kind, tmp_path / "whole")
    with monkeypatch.context() as patch:
        kill_at_checkpoints(patch)
        for _ in range(2):
            with pytest.raises(KeyboardInterrupt):
                trained(world, kind, tmp_path / "killed")
    trained(world, kind, tmp_path / "killed")
    assert torch.equal(weights(tmp_path / "whole"), weights(tmp_path / "killed"))
    assert (tmp_path / "whole/training.json").read_text() == (tmp_path / "killed/training.json").read_text()


def test_the_best_step_is_kept(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said, seen = iter([3.0, 1.0, 2.0]), []

    def measured(model: Any, *args: Any) -> float:
        seen.append({name: weight.clone() for name, weight in model.state_dict().items()})
        return next(said)

    monkeypatch.setattr(dev, "loss", measured)
    figures = trained(world, "groups", tmp_path / "model")
    kept = load_model(tmp_path / "model").state_dict()
    assert [all(torch.equal(kept[name], each) for name, each in step.items()) for step in seen] == [False, True, False]
    assert figures["best_dev_loss"] == 1.0


def test_patience_ends_it(world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = iter([3.0, 4.0, 5.0, 1.0])
    monkeypatch.setattr(dev, "loss", lambda *args: next(said))
    figures = trained(world, "groups", tmp_path / "model", steps=40, patience=2)
    assert [point["step"] for point in json.loads((tmp_path / "model/training.json").read_text())] == [2, 4, 6]
    assert figures["tokens"] < 1000  # what was not trained costs nothing


def test_names_have_steps_of_their_own_and_labels_may_be_the_problems(world: Path, tmp_path: Path) -> None:
    figures = trained(world, "groups", tmp_path / "model", name="short", labels="problems")
    history = json.loads((tmp_path / "model/training.json").read_text())
    assert [point["step"] for point in history] == [2] and figures["labels"] == 8
    texts = label_texts(world / "groups/problems")
    assert len(texts) == 8 and all(rationale for _, rationale in texts)


def test_the_seed_decides_the_order(world: Path, tmp_path: Path) -> None:
    for name, seed in (("one", 1), ("again", 1), ("other", 2)):
        trained(world, "groups", tmp_path / name, name="short", seed=seed)
    assert torch.equal(weights(tmp_path / "one"), weights(tmp_path / "again"))
    assert not torch.equal(weights(tmp_path / "one"), weights(tmp_path / "other"))


@pytest.mark.parametrize("kind", BOTH)
def test_a_step_is_the_same_in_one_batch_and_in_several(kind: Kind, world: Path, tmp_path: Path) -> None:
    """Though rationales differ in length: every learnt token of a step, here of all eight labels, counts alike."""
    plain = {"eval_steps": 1, "save_steps": 1, "optim": "sgd", "learning_rate": 0.1}
    for name, accumulated in (("one", 1), ("four", 4)):
        sizes = {"per_device_train_batch_size": 8 // accumulated, "gradient_accumulation_steps": accumulated}
        trained(world, kind, tmp_path / name, labels="problems", steps=1, arguments={**plain, **sizes})
    assert torch.allclose(weights(tmp_path / "one"), weights(tmp_path / "four"), atol=1e-6)


def test_trl_reads_the_same_labels() -> None:
    tokenizer = tiny_tokenizer("groups")
    (made,) = exchanges(tokenizer, [("Anna?", "1+1 = <<1+1=2>>2\n#### 2")], mask_results=True)
    (row,) = _tokens([Label(made)])
    assert row["input_ids"] == made.question + made.rationale
    assert row["labels"] == [IGNORED] * len(made.question) + made.labels
    assert row["labels"].count(IGNORED) == len(made.question) + 1


def test_a_template_is_given_where_the_base_has_none(world: Path, tmp_path: Path) -> None:
    bare = load_tokenizer(world / "groups/base")
    bare.chat_template = None
    base = write_model(tmp_path / "base", "groups")
    for path in base.glob("*.jinja"):
        path.unlink()
    bare.save_pretrained(base)
    paths = {"labels": world / "groups/labels", "problems": world / "groups/problems"}
    with pytest.raises(UserError, match=r"no chat template .*: set `chat_template`"):
        sft(sft_params(), name="short", base=base, **paths, model=tmp_path / "without")
    template = "{{ messages[0]['content'] }} ="
    sft(sft_params(chat_template=template), name="short", base=base, **paths, model=tmp_path / "model")
    assert load_tokenizer(tmp_path / "model").chat_template == template


def test_over_long_labels_are_left_out_not_cut(world: Path, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(world / "groups/base")
    made = exchanges(tokenizer, label_texts(world / "groups/labels"), mask_results=True)
    lengths = sorted(row.length for row in made)
    limit = lengths[len(lengths) // 2]
    figures = trained(world, "groups", tmp_path / "model", name="short", arguments={"max_length": limit})
    assert figures["labels"] == sum(length <= limit for length in lengths)
    assert figures["too_long"] == sum(length > limit for length in lengths) > 0
    with pytest.raises(UserError, match=r"no labels to learn from: all 12 have more than 5 tokens"):
        trained(world, "groups", tmp_path / "none", arguments={"max_length": 5})


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"arguments": {"learning_rat": 1}}, r"dpo_st\.sft\.arguments: .*learning_rat"),
        ({"arguments": {"packing": True}}, "neither packing nor padding_free"),
        ({"arguments": {"save_steps": 4}}, "save_strategy and save_steps must be eval_strategy and eval_steps"),
        ({"steps": {"other": 2}}, r"dpo_st\.sft\.steps: 'main' is missing, the matrix names it"),
    ],
)
def test_bad_parameters_are_named(changes: dict[str, Any], message: str, world: Path, tmp_path: Path) -> None:
    params = sft_params(**{name: each for name, each in changes.items() if name == "arguments"})
    params = params.model_copy(update={name: each for name, each in changes.items() if name != "arguments"})
    paths = {name: world / "groups" / name for name in ("base", "labels", "problems")}
    with pytest.raises(UserError, match=message):
        sft(params, name="main", **paths, model=tmp_path / "model")


def test_what_only_trl_can_vary_is_refused_for_an_encoder_decoder(world: Path, tmp_path: Path) -> None:
    for name, value in (("loss_type", "dft"), ("label_smoothing_factor", 0.1)):
        with pytest.raises(UserError, match=rf"sft\.arguments\.{name}: an encoder-decoder is trained with"):
            trained(world, "unigram", tmp_path / "model", arguments={name: value})


def test_steps_stand_in_one_place() -> None:
    with pytest.raises(ValueError, match="the steps of each training are in `steps`"):
        sft_params(arguments={"max_steps": 4})


def test_without_dev_rationales_no_step_is_the_best(world: Path, tmp_path: Path) -> None:
    paths = {name: world / "groups" / name for name in ("base", "labels")}
    problems = write_problems(tmp_path / "problems", "groups", dev=0)
    with pytest.raises(UserError, match="no question with a rationale on the split dev"):
        sft(sft_params(), name="main", **paths, problems=problems, model=tmp_path / "model")
