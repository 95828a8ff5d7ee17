"""What `selfsown plan` says, against what TinyLlama's authors published, and against torch's own count."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from tests.profiles import PROFILES, ROOT, composed, outs
from torch import nn
from torch.utils.flop_counter import FlopCounterMode
from transformers import (
    BertConfig,
    BertModel,
    LlamaConfig,
    LlamaForCausalLM,
    T5Config,
    T5ForConditionalGeneration,
    WhisperConfig,
)

from selfsown.errors import UserError
from selfsown.params import stage_names
from selfsown.plan import models
from selfsown.plan.architectures import TRAINED, CausalLM, Encoder, EncoderDecoder, Layers, Whisper
from selfsown.plan.report import A100, hours, plan, works_of
from selfsown.plan.work import Work
from selfsown.speech_bt.train import freeze
from selfsown.speech_bt.whisper.windowed import WindowedWhisper
from selfsown.stage import load_stage

NEAR = 0.02


def main_of_the_paper() -> Work:
    works, unknown = works_of(composed("profile=paper"))
    assert not unknown
    return next(work for work in works if (work.stage, work.part) == ("tinyllama.pretrain", "main"))


def test_the_papers_pretraining_costs_what_its_authors_say() -> None:
    """24k tokens/s are 56 % of an A100; 3 T tokens take 16 of them 90 days, 22 B 8 of them 32 h, 300 B 3,456 hours."""
    main = main_of_the_paper()
    assert 24_000 * main.flops / main.tokens / 312e12 == pytest.approx(0.56, rel=NEAR)
    assert main.tokens == pytest.approx(3e12, rel=NEAR)
    assert hours(main, A100) / 16 / 24 == pytest.approx(90, rel=NEAR)
    an_hour = main.tokens / hours(main, A100)
    assert 22e9 / an_hour / 8 == pytest.approx(32, rel=NEAR)
    assert 300e9 / an_hour == pytest.approx(3456, rel=NEAR)


def counted(work: Callable[[], Any], train: bool) -> float:
    """Torch's count of a forward pass, and of the backward pass after it."""
    with torch.device("meta"), FlopCounterMode(display=False) as counter:
        made = work()
        if train:
            made.float().sum().backward()
    return float(counter.get_total_flops())


def built(make: Callable[[], nn.Module]) -> Any:
    with torch.device("meta"):
        return make()


@pytest.mark.parametrize("train", [False, True])
@pytest.mark.parametrize("tied", [False, True])
def test_a_causal_language_model_counts_as_torch_does(tied: bool, train: bool) -> None:
    config = LlamaConfig(
        vocab_size=500, hidden_size=96, intermediate_size=256, num_hidden_layers=3, num_attention_heads=6,
        num_key_value_heads=2, tie_word_embeddings=tied, attn_implementation="eager",
    )  # fmt: skip
    network = built(lambda: LlamaForCausalLM(config))
    ours = CausalLM(Layers(3, 96, 256, gated=True, key_value=32), 500, tied)
    passes = TRAINED if train else 1
    there = counted(lambda: network(torch.zeros(2, 40, dtype=torch.long)).logits, train)
    assert 2 * passes * ours.forward(40) == pytest.approx(there, rel=NEAR)
    assert ours.parameters == pytest.approx(network.num_parameters(), rel=NEAR)


@pytest.mark.parametrize("how", ["forward", "frozen", "trained"])
def test_an_encoder_counts_as_torch_does(how: str) -> None:
    """Frozen before something that trains, it passes gradients on and makes none of its own."""
    config = BertConfig(
        vocab_size=500, hidden_size=96, intermediate_size=384, num_hidden_layers=3, num_attention_heads=6,
        attn_implementation="eager",
    )  # fmt: skip
    network = built(lambda: BertModel(config, add_pooling_layer=False)).requires_grad_(how == "trained")

    def read() -> Any:
        states = torch.zeros(2, 40, 96, requires_grad=how != "forward")
        return network(inputs_embeds=states).last_hidden_state

    there = counted(read, how != "forward")
    ours = Encoder(Layers(3, 96, 384), 500)
    once = {"forward": ours.forward(40), "frozen": ours.layers.passed(40), "trained": TRAINED * ours.forward(40)}
    assert 2 * once[how] == pytest.approx(there, rel=NEAR)


@pytest.mark.parametrize("train", [False, True])
def test_an_encoder_with_a_decoder_counts_as_torch_does(train: bool) -> None:
    config = T5Config(
        vocab_size=500, d_model=96, d_kv=16, d_ff=256, num_layers=3, num_decoder_layers=2, num_heads=6,
        feed_forward_proj="gated-gelu", tie_word_embeddings=False,
    )  # fmt: skip
    network = built(lambda: T5ForConditionalGeneration(config))
    ours = EncoderDecoder(Layers(3, 96, 256, gated=True), Layers(2, 96, 256, gated=True), 500)
    question, answer = (torch.zeros(2, length, dtype=torch.long, device="meta") for length in (40, 30))
    there = counted(lambda: network(input_ids=question, decoder_input_ids=answer).logits, train)
    passes = TRAINED if train else 1
    assert 2 * passes * (ours.encode(40) + ours.decode(30, 40)) == pytest.approx(there, rel=NEAR)


@pytest.mark.parametrize("layers", [None, 0, 2, 3])
def test_whisper_counts_as_torch_does_however_much_of_it_trains(layers: int | None) -> None:
    config = WhisperConfig(
        vocab_size=500, num_mel_bins=80, d_model=96, encoder_layers=3, encoder_attention_heads=6, encoder_ffn_dim=384,
        decoder_layers=2, decoder_attention_heads=6, decoder_ffn_dim=384, attn_implementation="eager",
        pad_token_id=0, bos_token_id=0, eos_token_id=0, decoder_start_token_id=0,
    )  # fmt: skip
    network = built(lambda: WindowedWhisper(config))
    ours = Whisper(Layers(3, 96, 384), Layers(2, 96, 384), 500)
    if layers is not None:
        freeze(network, layers)
    mels, labels = torch.zeros(2, 80, 600, device="meta"), torch.zeros(2, 40, dtype=torch.long, device="meta")
    there = counted(lambda: network(input_features=mels, decoder_input_ids=labels).logits, layers is not None)
    expected = ours.transcribe(6, 40) if layers is None else ours.train(6, 40, layers)
    assert 2 * expected == pytest.approx(there, rel=NEAR)


@pytest.mark.parametrize(
    ("source", "published"),
    [
        ("whisper-small", 244e6),
        ("whisper-large-v3", 1550e6),
        ("bert-base-uncased", 110e6),
        ("roberta-base", 125e6),
        ("llama-2-7b", 6.74e9),
        ("flan-t5-base", 248e6),
    ],
)
def test_shapes_have_as_many_weights_as_their_models_are_said_to_have(source: str, published: float) -> None:
    """Of their model cards: within what is left out here, positions and poolers."""
    assert models.shape(source).parameters == pytest.approx(published, rel=0.1)


@pytest.mark.parametrize("overrides", [*(f"profile={name}" for name in PROFILES), "variant=sweeps"])
def test_every_training_that_dvc_runs_is_counted_and_the_reading_of_pairs(overrides: str, tmp_path: Path) -> None:
    config = composed(overrides)
    there = {stage.addressing: stage.cmd.split() for stage in outs(tmp_path, config).values()}
    ran = [words[1] for words in there.values() if "scratch" not in words]  # msat's arm that takes no step
    wanted = Counter(name for name in ran if name == "dpo_st.pairs" or load_stage(name).distributed)
    assert wanted == Counter(work.stage for work in works_of(config)[0] if work.stage in wanted)


def test_speech_of_every_quality_is_spoken_by_its_own_voices_and_judged() -> None:
    works, _ = works_of(composed("variant=sweeps"))
    stages = ("synthesize", "intelligibility")
    of = {stage: {work.part: work for work in works if work.stage == f"speech_bt.{stage}"} for stage in stages}
    assert of["synthesize"]["noise_5 festival"].examples == of["synthesize"]["festival"].examples
    assert of["synthesize"]["espeak espeak"].examples == 2200 + 4 * 2 * 15, "four voices, each with matched clips"
    assert "espeak festival" not in of["synthesize"]
    assert of["intelligibility"]["espeak"].examples == 4 * 2 * 15, "the matched ones alone"
    assert {"", "espeak", "noise_10", "noise_5", "noise_0", "band"} == {*of["intelligibility"]}


@pytest.mark.parametrize("profile", PROFILES)
def test_every_stage_of_every_profile_is_in_the_plan_or_said_to_be_left_out(profile: str) -> None:
    works, unknown = works_of(composed(f"profile={profile}"))
    assert not unknown and {work.stage for work in works} <= {*stage_names()}
    assert all(work.flops >= 0 and (not work.flops or work.examples) for work in works)
    text = plan(profile)
    assert all(f"{name} " in text or f"{name}," in text or f"{name}." in text for name in stage_names())
    device = "A100" if profile in ("gpu", "paper") else "2 processor cores"
    assert f"{profile}: hours are of" in text and device in text.splitlines()[0]


def test_what_is_asked_wrongly_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    with pytest.raises(UserError, match="no profile 'papr'; there are: gpu, laptop"):
        plan("papr")
    with pytest.raises(UserError, match=r"--mfu 1\.5 is not allowed"):
        plan("paper", mfu=1.5)
    assert "1000 TFLOP/s at best, of which it makes 40%" in plan("smoke", 1e15, 0.4)


def test_a_model_of_unknown_shape_is_named_and_the_rest_counted() -> None:
    params = {**composed("profile=laptop")}
    params["msat"] = {**params["msat"], "encoder": {"source": "my-encoder"}}
    works, unknown = works_of(params)
    assert any("msat: the shape of my-encoder is not known" in line for line in unknown)
    assert {work.stage.partition(".")[0] for work in works} >= {"speech_bt", "tinyllama", "dpo_st", "diffaug"}
