"""Every profile's voices, and the words it may use."""

import copy
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml
from tests.profiles import PROFILES, ROOT, composed, write_params
from transformers import WhisperConfig

from selfsown.corpora.costs import works
from selfsown.corpora.readers.speech import fillets, tuxpaint
from selfsown.corpora.readers.texts import TEXTS
from selfsown.params import ParamsError, load_params
from selfsown.speech_bt.synthesize import SynthesizeParams
from selfsown.speech_bt.train import TrainParams, freeze, training_arguments
from selfsown.speech_bt.whisper.windowed import WindowedWhisper, encode
from selfsown.stage import load_stage


@pytest.mark.parametrize("profile", PROFILES)
def test_every_language_has_voices(profile: str) -> None:
    params = composed(f"profile={profile}")
    assert all(params["speech_bt"]["synthesize"]["voices"].get(language) for language in params["languages"])


@pytest.mark.parametrize(
    ("step", "key", "value", "allowed"),
    [
        ("transcribe", "normalizer", "wisper", "'whisper_basic' or 'none'"),
        ("intelligibility", "normalizer", "wisper", "'whisper_basic' or 'none'"),
        ("train", "normalizer", "wisper", "'whisper_basic' or 'none'"),
        ("transcribe", "splits", ["tset"], "'test', 'ood' or 'dev'"),
        ("synthesize", "matched", {"splits": ["test"], "texts": 1}, "'seed', 'text' or 'dev'"),
    ],
)
def test_a_word_that_means_nothing_is_refused_with_those_that_do(
    step: str, key: str, value: Any, allowed: str, tmp_path: Path
) -> None:
    config = copy.deepcopy(composed("profile=laptop"))
    config["speech_bt"][step][key] = value
    path, stage = write_params(tmp_path, config), f"speech_bt.{step}"
    with pytest.raises(ParamsError, match=rf"{stage}\.{key}.* is not allowed: .*{allowed}"):
        load_params(stage, load_stage(stage).params_model, path)


def leaves(section: Any, place: str) -> set[str]:
    """Dotted names of all that is not a section; voices of a language are one value."""
    if not isinstance(section, dict):
        return {place}
    return {name for key, value in section.items() for name in leaves(value, f"{place}.{key}")}


def taken_over(pipeline: str, *stages: str) -> set[str]:
    """What the profile `paper` has from `study` or `laptop`: neither it nor `gpu`, on which it builds, says it."""
    said: set[str] = set()
    for profile in ("gpu", "paper"):
        own = yaml.safe_load((ROOT / "conf" / pipeline / f"{profile}.yaml").read_text())
        said |= leaves({key: value for key, value in own.items() if key != "defaults"}, pipeline)
    whole = composed("profile=paper")[pipeline]
    return leaves({key: whole[key] for key in stages or whole}, pipeline) - said


MEANT = {
    "which arms there are, and which model is registered": {"matrix.arms", "matrix.transcribed", "evaluate.registered"},
    "how voices are judged, whatever their number": {
        "gate.norm_i", "gate.min_norm_i", "gate.max_wer", "gate.max_cer", "gate.max_silence", "gate.max_clipping",
        "gate.max_length_z",
        "gate.expect.intelligibility.max_wer_real", "gate.expect.intelligibility.max_cer_real",
    },
    "what an utterance or sentence must be": {
        *(f"gate.expect.{kind}.{limit}" for kind in ("speech", "synthetic") for limit in (
            "min_characters", "max_characters", "min_seconds", "min_rms_dbfs", "max_rms_dbfs")),
        "gate.expect.speech.max_seconds",
        *(f"gate.expect.sentences.{limit}" for limit in ("min_characters", "max_characters")),
    },
    "how sound is varied": {
        *(f"train.spec_augment.{key}" for key in ("time_masks", "time_seconds", "mel_masks", "mels")),
        *(f"train.augment_{kind}.{key}" for kind in (
            "real.speed", "synthetic.speed", "synthetic.reverb_s", "synthetic.noise_snr_db"
        ) for key in ("probability", "low", "high")),
    },
    "how windows are filled, whatever their length": {
        "train.pack.single", "train.pack.noise", "train.pack.gap", "train.pack.temperature", "train.real_share",
    },
    "the schedule's form": {
        *(f"train.arguments.{key}" for key in (
            "weight_decay", "lr_scheduler_type", "eval_strategy", "save_strategy", "save_total_limit")),
    },
    "how weights between two models are tried and chosen": {
        "interpolate.arm", "interpolate.alphas", "interpolate.tolerance",
    },
    "how a TTS model learns, and whom it imitates, which laptop never does": {
        name.removeprefix("speech_bt.")
        for stage in ("codes", "adapt_tts", "prompts")
        for name in leaves(composed("profile=laptop")["speech_bt"][stage], f"speech_bt.{stage}")
    } - {"adapt_tts.dev_limit", *(f"adapt_tts.arguments.{key}" for key in (
        "max_steps", "warmup_steps", "eval_steps", "save_steps", "logging_steps"))},
    "what is counted, and shown": {
        *(f"{stage}.normalizer" for stage in ("intelligibility", "interpolate", "train", "transcribe")),
        "transcribe.splits", "evaluate.samples",
    },
}  # fmt: skip
"""All that the paper's profile takes from those of two CPU cores, by why it may."""


def test_the_paper_takes_nothing_from_laptop_unmeant() -> None:
    assert taken_over("speech_bt") == {f"speech_bt.{key}" for keys in MEANT.values() for key in keys}
    assert taken_over("corpora", "speech", "sentences") == {
        f"corpora.{key}"
        for key in (
            "speech.dbfs.low", "speech.dbfs.high", "speech.near_duplicate", "speech.rate_deviations",
            "sentences.texts", "sentences.digits", "sentences.near_duplicate", "sentences.ngram",
        )
    }  # fmt: skip


@pytest.mark.parametrize("stage", ["train", "adapt_tts"])
@pytest.mark.parametrize("profile", ["gpu", "paper"])
def test_checkpoints_are_chosen_on_enough_dev_speech(profile: str, stage: str) -> None:
    assert composed(f"profile={profile}")["speech_bt"][stage]["dev_limit"] >= 150


def test_the_paper_is_tested_out_of_domain_and_on_a_language_it_is_not_trained_on() -> None:
    config = composed("profile=paper")
    speech, readers = config["corpora"]["speech"], {"fillets": fillets, "tuxpaint": tuxpaint}
    there = {language for name in speech["out_of_domain"] for language in readers[name].LANGUAGES}
    assert {"cs", "nl", "fr", "es"} == there & set(config["languages"])
    others = speech["out_of_domain_languages"]
    assert others and set(others) <= there - set(config["languages"])
    assert "ood" in config["speech_bt"]["transcribe"]["splits"] and speech["minutes"]["ood"] is None
    asked = next(work for work in works(config, {}) if work.stage == "corpora.speech").sources
    assert {*asked} == {"common-voice", *(f"fillets-ng-data{part}" for part in ("", "-cs", "-nl")), tuxpaint.SOURCE}


def recipe() -> dict[str, Any]:
    """The parameters of `gpu` after the changes for a language of one's own that its comments list."""
    config = copy.deepcopy(composed("profile=gpu"))
    lines = (ROOT / "conf" / "speech_bt" / "gpu.yaml").read_text().partition("and in params.yaml")[2].splitlines()
    for line in lines[1:]:
        if not line.startswith("#   "):
            break
        (name, value), *_ = yaml.safe_load(line.removeprefix("#")).items()
        *sections, key = name.split(".")
        inner = config
        for section in sections:
            inner = inner[section]
        assert key in inner or key == "vi", name
        inner[key] = value
    return config


def test_the_recipe_for_a_language_of_ones_own_can_pass_its_gate() -> None:
    config = recipe()
    assert config["languages"] == ["vi"] and not any("vi" in text.languages for text in TEXTS.values())
    spoken, least = config["speech_bt"]["synthesize"], config["speech_bt"]["gate"]["expect"]
    SynthesizeParams.model_validate({**spoken, "data_seed": 1, "languages": ["vi"]})
    sentences = min(config["corpora"]["sentences"]["limits"]["dialogue"], spoken["sentences"]["dialogue"])
    assert sentences >= 10 * least["sentences"]["min_rows"], "of 100 hours not all"
    possible = least["sentences"]["min_rows"] * spoken["renditions"]
    assert possible > least["synthetic"]["min_rows"] > least["accepted"]["min_rows"]
    assert least["accepted"]["min_voices"] <= len(spoken["voices"]["vi"])
    assert config["speech_bt"]["adapt_tts"]["arguments"]["max_steps"] == 10_000


LARGE_V3 = WhisperConfig(
    vocab_size=51866, num_mel_bins=128, d_model=1280, encoder_layers=32, encoder_attention_heads=20,
    encoder_ffn_dim=5120, decoder_layers=32, decoder_attention_heads=20, decoder_ffn_dim=5120,
)  # fmt: skip
"""Of openai/whisper-large-v3's config.json."""
SMALL = WhisperConfig(
    vocab_size=51865, d_model=768, encoder_layers=12, encoder_attention_heads=12, encoder_ffn_dim=3072,
    decoder_layers=12, decoder_attention_heads=12, decoder_ffn_dim=3072,
)  # fmt: skip
"""Of openai/whisper-small's."""


@pytest.mark.parametrize(
    ("profile", "config", "parameters"), [("gpu", SMALL, 241_734_912), ("paper", LARGE_V3, 1_543_490_560)]
)
def test_all_of_the_profiles_whisper_trains(
    profile: str, config: WhisperConfig, parameters: int, tmp_path: Path
) -> None:
    path = write_params(tmp_path, composed(f"profile={profile}"))
    params = load_params("speech_bt.train", TrainParams, path)
    with torch.device("meta"):
        model = WindowedWhisper(config)
        longest = torch.empty(1, config.num_mel_bins, round(100 * max(params.pack.seconds)))
        assert encode(model.model.encoder, longest).shape == (1, longest.shape[-1] // 2, config.d_model)
    assert model.num_parameters() == parameters
    freeze(model, params.trained_encoder_layers)
    still = {name for name, weight in model.named_parameters() if not weight.requires_grad}
    assert still == {"model.encoder.embed_positions.weight", "model.decoder.embed_tokens.weight"}
    block = {key: value for key, value in params.arguments.items() if key != "deepspeed"}
    made = training_arguments(params.model_copy(update={"arguments": block}), tmp_path)
    assert made.max_steps > made.get_warmup_steps(made.max_steps) and made.max_steps % made.eval_steps == 0
