"""Every profile's models on the meta device, their schedules and the library's own arguments; the paper's sizes."""

from pathlib import Path

import pytest
import torch
from tests.profiles import PROFILES, composed
from transformers import LlamaForCausalLM, TrainingArguments
from trl import SFTConfig

from selfsown.tinyllama.chat import ChatParams
from selfsown.tinyllama.continual import ContinualParams
from selfsown.tinyllama.model.shapes import llama_config
from selfsown.tinyllama.packed.order import Order
from selfsown.tinyllama.pretrain import ModelParams, PretrainParams
from selfsown.tinyllama.training.trainer import TrainingParams
from selfsown.training import library_arguments


def models(profile: str) -> dict[str, ModelParams]:
    section = composed(f"profile={profile}")["tinyllama"]["pretrain"]
    return PretrainParams.model_validate({"seed": 1, **section}).models


def continued(profile: str) -> dict[str, TrainingParams]:
    section = composed(f"profile={profile}")["tinyllama"]["continual"]
    return ContinualParams.model_validate({"seed": 1, **section}).models


@pytest.mark.parametrize("profile", PROFILES)
def test_the_matrix_names_what_is_described(profile: str) -> None:
    section = composed(f"profile={profile}")["tinyllama"]
    matrix = section["matrix"]
    assert set(matrix["pretrained"]) == set(models(profile)) and set(matrix["continued"]) == set(continued(profile))
    assert set(matrix["pretrained"].values()) <= set(matrix["vocabularies"]) <= set(section["tokenizer"]["tokenizers"])
    assert set(matrix["chats"]) <= set(matrix["pretrained"])
    for made in matrix["continued"].values():
        assert matrix["pretrained"][made["base"]] == made["vocabulary"]
    packed = section["pack"]["collections"]
    for name, model in models(profile).items():
        assert set(model.collections) <= set(packed[matrix["pretrained"][name]])


@pytest.mark.parametrize("profile", PROFILES)
def test_every_model_is_built_and_its_arguments_are_the_librarys(profile: str, tmp_path: Path) -> None:
    every = {**models(profile), **continued(profile)}
    for name, params in every.items():
        block = {key: value for key, value in params.arguments.items() if not key.startswith("fsdp")}
        arguments = library_arguments(
            TrainingArguments, block, work=tmp_path, section=name, keep_best=False, max_steps=params.schedule[0].steps
        )
        assert arguments.get_warmup_steps(sum(p.steps for p in params.schedule)) < params.schedule[0].steps
        order = Order(1, params.schedule, params.step_sequences(), dict.fromkeys(params.collections, 1000))
        assert order.starts[-1] == sum(p.steps * p.batch for p in params.schedule) * params.step_sequences()
        if isinstance(params, ModelParams):
            with torch.device("meta"):
                model = LlamaForCausalLM(llama_config(params.shape, 32_000, params.context, bos=1, eos=2, pad=None))
            assert model.num_parameters() > 500_000
    chat = ChatParams.model_validate({"seed": 1, **composed(f"profile={profile}")["tinyllama"]["chat"]})
    library_arguments(
        SFTConfig, {"activation_checkpointing": False, **chat.arguments}, work=tmp_path, section="chat", keep_best=False
    )


def test_the_paper_is_the_papers() -> None:
    main = models("paper")["main"]
    (period,) = main.schedule
    assert (main.shape, main.context, main.initialisation) == ("1.1b", 2048, "paper")
    assert main.step_sequences() == 1024 and period.steps == 1_430_512
    tokens = period.steps * main.step_sequences() * main.context
    assert tokens == pytest.approx(3e12, rel=1e-3)
    assert period.mixture == {"text": 0.693584, "code": 0.306416}
    wanted = {
        "learning_rate": 4e-4, "warmup_steps": 2000, "weight_decay": 0.1, "adam_beta2": 0.95, "max_grad_norm": 1.0,
        "eval_steps": 5000, "save_steps": 5000, "lr_scheduler_type": "cosine_with_min_lr",
        "lr_scheduler_kwargs": {"min_lr_rate": 0.1},
    }  # fmt: skip
    assert {key: main.arguments[key] for key in wanted} == wanted
    code = continued("paper")["code"]
    assert (code.step_sequences(), code.schedule[0].steps, code.context) == (360, 10_000, 8192)
    assert (code.arguments["learning_rate"], code.arguments["warmup_steps"]) == (2e-4, 0)


def test_smoke_has_all_of_the_later_recipe() -> None:
    """TinyLlama v1.1: another mixture, ramped, and larger steps at the end."""
    first, second, third = models("smoke")["main"].schedule
    assert first.mixture != second.mixture and second.ramp and third.batch > 1
