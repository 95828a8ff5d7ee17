"""Windows, decoding and checkpoints of Whisper against the stock implementation."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from tests.speech_bt.tiny_whisper import tiny_model, tiny_processor, tiny_tokenizer
from transformers import WhisperForConditionalGeneration

from selfsown.speech_bt.whisper import windowed as whisper

PROMPT = tiny_tokenizer().convert_tokens_to_ids(
    ["<|startoftranscript|>", "<|cs|>", "<|transcribe|>", "<|notimestamps|>"]
)


@pytest.fixture(scope="module")
def model() -> whisper.WindowedWhisper:
    return tiny_model()


@pytest.fixture(scope="module")
def stock(model: whisper.WindowedWhisper, tmp_path_factory: pytest.TempPathFactory) -> WhisperForConditionalGeneration:
    folder = tmp_path_factory.mktemp("stock")
    model.export(folder)
    assert json.loads((folder / "config.json").read_text())["architectures"] == ["WhisperForConditionalGeneration"]
    return WhisperForConditionalGeneration.from_pretrained(folder).eval()


def sounds(*seconds: float) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    return [rng.normal(size=int(s * 16000)).astype(np.float32) * 0.1 for s in seconds]


@torch.inference_mode()
def test_a_full_window_is_the_stock_encoder_and_model(model, stock):
    log_mel = whisper.log_mel(tiny_processor(), sounds(3, 7), 30.0)
    assert log_mel.shape == (2, 8, 3000)
    assert torch.equal(whisper.encode(model.model.encoder, log_mel), stock.model.encoder(log_mel).last_hidden_state)
    labels = torch.randint(0, 256, (2, 9))
    ours, theirs = model(input_features=log_mel, labels=labels), stock(input_features=log_mel, labels=labels)
    assert torch.equal(ours.logits, theirs.logits) and torch.equal(ours.loss, theirs.loss)


def test_a_short_window_trains_every_weight(model):
    log_mel = whisper.log_mel(tiny_processor(), sounds(2.1), 4.0)
    model.zero_grad()
    model(input_features=log_mel, labels=torch.randint(0, 256, (1, 9))).loss.backward()
    still = {name for name, weight in model.named_parameters() if weight.requires_grad and weight.grad is None}
    assert still == set()


@pytest.mark.parametrize("frames", [401, 3002])
def test_a_window_the_model_cannot_take_is_refused(model, frames):
    with pytest.raises(ValueError, match=f"window of {frames} frames"):
        whisper.encode(model.model.encoder, torch.zeros(1, 8, frames))


@torch.inference_mode()
def test_decoding_with_a_cache_in_a_batch_is_decoding_alone_without_one(model):
    states = torch.randn(5, 40, 16)
    prompt, caps = PROMPT, [5, 40, 17, 1, 60]
    config = model.generation_config
    for row, (tokens, cut) in enumerate(whisper.decode(model, states, prompt, caps)):
        expected: list[int] = []
        while True:
            logits = model(
                encoder_outputs=(states[row : row + 1],), decoder_input_ids=torch.tensor([prompt + expected])
            )
            logits = logits.logits[0, -1]
            logits[config.suppress_tokens] = -torch.inf
            if not expected:
                logits[config.begin_suppress_tokens] = -torch.inf
            if (token := int(logits.argmax())) == model.config.eos_token_id:
                assert not cut
                break
            expected.append(token)
            if whisper.loops(expected) or len(expected) == min(
                caps[row], model.config.max_target_positions - len(prompt)
            ):
                assert cut
                break
        assert tokens == expected


@torch.inference_mode()
def test_a_full_window_decodes_as_stock_generate(stock):
    processor = tiny_processor()
    clips = sounds(1, 2, 3, 4)
    log_mel = whisper.log_mel(processor, clips, 30.0)
    ours = whisper.decode(
        stock, whisper.encode(stock.model.encoder, log_mel), whisper.decoder_prompt(processor, stock, "cs"), [11] * 4
    )
    theirs = stock.generate(log_mel, language="cs", task="transcribe", max_new_tokens=11, do_sample=False)
    end = stock.config.eos_token_id
    for (tokens, cut), row in zip(ours, theirs.tolist(), strict=True):
        assert tokens + [end] * (11 - len(tokens)) == row + [end] * (11 - len(row))
        assert cut == (end not in row)


@torch.inference_mode()
def test_a_model_that_repeats_itself_is_stopped():
    model = tiny_model()
    model.model.decoder.layer_norm.weight.zero_()
    model.model.decoder.layer_norm.bias.copy_(model.model.decoder.embed_tokens.weight[100] * 10)
    [(tokens, cut)] = whisper.decode(model, torch.randn(1, 40, 16), PROMPT, [50])
    assert tokens == [100] * whisper.LOOP_SPAN and cut


@given(st.lists(st.integers(0, 9), max_size=40))
def test_only_the_end_decides_about_a_loop(tokens):
    looping = [1, 2, 3] * whisper.LOOP_SPAN
    assert whisper.loops(tokens + looping)
    assert not whisper.loops(tokens + looping + [*range(20, 24)])


def test_transcripts_follow_their_clips(model):
    processor, clips = tiny_processor(), sounds(0.5, 6.0, 2.0, 3.1, 9.0, 2.5)
    options = {"language": "cs", "windows": (3, 11), "batch_size": 2}
    heard = whisper.transcribe(model, processor, clips, **options)
    assert len({transcript.text for transcript in heard}) > 1
    assert whisper.transcribe(model, processor, clips[::-1], **options) == heard[::-1]
    assert whisper.transcribe(model, processor, [], **options) == []


@given(st.floats(0.1, 40), st.lists(st.sampled_from([2.0, 4.0, 8.0, 11.0]), min_size=1))
def test_the_window_is_the_shortest_that_holds_the_clip(duration, windows):
    window = whisper.window_for(duration, windows)
    assert window == 30 or window >= duration + whisper.MARGIN
    assert all(other >= window or other < duration + whisper.MARGIN for other in windows)


def test_a_transcript_is_capped_by_the_clips_duration(model):
    [transcript] = whisper.transcribe(model, tiny_processor(), sounds(0.5), language="cs", windows=(2,))
    assert len(transcript.text.encode()) <= 3 * whisper.most_tokens(0.5, "cs")


@pytest.mark.parametrize(
    ("language", "tokens"),  # a character, of Whisper-base's tokenizer on translations of programs
    [
        ("cs", 0.49),
        ("nl", 0.36),
        ("th", 0.8),
        ("ja", 0.88),
        ("hi", 1.1),
        ("bn", 1.92),
        ("km", 2.4),
        ("my", 2.9),
        ("lo", 3),
    ],
)
def test_fast_speech_of_any_language_is_heard_to_its_end(language, tokens):
    assert whisper.most_tokens(10, language) >= 20 * 10 * tokens, "20 characters a second"


def test_czech_keeps_its_rate():
    assert [whisper.most_tokens(seconds, "cs") for seconds in (0.5, 2.04, 10)] == [18, 36, 132]


def test_an_exported_model_loads_equal(model, tmp_path: Path):
    model.export(tmp_path)
    tiny_processor().save_pretrained(tmp_path)
    loaded, processor = whisper.load(tmp_path)
    for name, weight in model.state_dict().items():
        assert torch.equal(loaded.state_dict()[name].cpu(), weight.to(loaded.dtype)), name
    assert loaded.generation_config.language == "cs"
    assert processor.tokenizer.decode(processor.tokenizer("ahoj").input_ids, skip_special_tokens=True) == "ahoj"
