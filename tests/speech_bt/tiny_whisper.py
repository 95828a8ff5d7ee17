"""A Whisper small enough for tests, random but not degenerate, with a byte-level tokenizer of its own."""

from __future__ import annotations

import torch
from tokenizers import Tokenizer, models, pre_tokenizers
from tokenizers.decoders import ByteLevel
from transformers import (
    GenerationConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperProcessor,
    WhisperTokenizerFast,
)
from transformers.models.whisper.tokenization_whisper import LANGUAGES

from selfsown.speech_bt.whisper.windowed import WindowedWhisper

torch.set_num_threads(1)  # tiny tensors: a second thread only waits

SPECIAL = (
    "<|endoftext|>", "<|startoftranscript|>", *(f"<|{code}|>" for code in LANGUAGES), "<|translate|>", "<|transcribe|>",
    "<|startoflm|>", "<|startofprev|>", "<|nospeech|>", "<|notimestamps|>",
)  # fmt: skip


def tiny_tokenizer() -> WhisperTokenizerFast:
    """256 byte tokens, then the special ones."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokenizer = Tokenizer(models.BPE(vocab={symbol: i for i, symbol in enumerate(alphabet)}, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = ByteLevel()
    tokenizer.add_special_tokens(list(SPECIAL))
    return WhisperTokenizerFast(tokenizer_object=tokenizer)


def tiny_processor() -> WhisperProcessor:
    """Log-mel of 8 bands and the tiny tokenizer."""
    return WhisperProcessor(WhisperFeatureExtractor(feature_size=8), tiny_tokenizer())


def tiny_model(seed: int = 0) -> WindowedWhisper:
    """Two layers of width 16 on each side; the real 30 s of positions."""
    token = tiny_tokenizer().convert_tokens_to_ids
    torch.manual_seed(seed)
    start, end = token("<|startoftranscript|>"), token("<|endoftext|>")
    config = WhisperConfig(
        vocab_size=256 + len(SPECIAL), num_mel_bins=8, d_model=16, encoder_layers=2, decoder_layers=2, init_std=0.6,
        encoder_ffn_dim=32, decoder_ffn_dim=32, encoder_attention_heads=2, decoder_attention_heads=2,
        max_target_positions=64, decoder_start_token_id=start, bos_token_id=end, eos_token_id=end, pad_token_id=end,
        suppress_tokens=None, begin_suppress_tokens=None,
    )  # fmt: skip
    model = WindowedWhisper(config).eval()
    with torch.no_grad():  # the end token's embedding starts as zeros (it is the padding), so it would never be said
        model.model.decoder.embed_tokens.weight[config.eos_token_id].normal_(std=1.5)
    model.generation_config = GenerationConfig(
        decoder_start_token_id=config.decoder_start_token_id, eos_token_id=config.eos_token_id,
        bos_token_id=config.bos_token_id, pad_token_id=config.pad_token_id, max_length=config.max_target_positions,
        no_timestamps_token_id=token("<|notimestamps|>"), is_multilingual=True, language="cs", task="transcribe",
        lang_to_id={f"<|{code}|>": token(f"<|{code}|>") for code in ("cs", "nl")},
        task_to_id={task: token(f"<|{task}|>") for task in ("transcribe", "translate")},
        suppress_tokens=[3, 7, *(token(name) for name in SPECIAL[1:])], begin_suppress_tokens=[11],
        return_timestamps=False,
    )  # fmt: skip
    return model
