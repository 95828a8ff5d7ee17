"""A Whisper checkpoint in CTranslate2's format, as a normal Hugging Face folder.

Package registries serve Whisper as CTranslate2 files, model hubs as safetensors; every other stage reads only the
second kind. `convert` maps each tensor by name, so a missing, extra or misshapen one is an error.
"""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from transformers import (
    GenerationConfig,
    WhisperConfig,
    WhisperFeatureExtractor,
    WhisperForConditionalGeneration,
    WhisperProcessor,
    WhisperTokenizerFast,
)

from selfsown.errors import UserError

DTYPES = (np.float32, np.int8, np.int16, np.int32, np.float16)
"""Element types by the number that stands for them in the file."""

NAMES = (
    (r"^(encoder|decoder)/layer_(\d+)/", r"model.\1.layers.\2/"),
    (r"^(encoder|decoder)/", r"model.\1/"),
    ("self_attention", "self_attn"),
    ("/attention", "/encoder_attn"),
    ("attn/layer_norm", "attn_layer_norm"),
    ("ffn/layer_norm", "final_layer_norm"),
    ("ffn/linear_0", "fc1"),
    ("ffn/linear_1", "fc2"),
    ("position_encodings/encodings", "embed_positions/weight"),
    ("embeddings/", "embed_tokens/"),
    ("gamma$", "weight"),
    ("beta$", "bias"),
    ("/", "."),
)
"""Patterns and replacements that turn a name in the file into transformers' one, in order."""


class CheckpointError(UserError):
    """A checkpoint folder is not what it should be; the message names the file or tensor."""


def read_variables(data: bytes) -> dict[str, np.ndarray[Any, Any]]:
    """The named tensors of a `model.bin` of format version 6.

    Layout, little-endian: version u32, spec name, revision u32, count u32; per tensor its name, rank u8, dimensions
    u32 each, type u8, bytes u32 and the bytes. A name is its length u16 and characters that end in NUL. Aliases
    follow, which only say that the output projection is tied to the embeddings.

    Raises:
        CheckpointError: another version, or the file is cut short.
    """
    position = 0

    def take(size: int) -> bytes:
        nonlocal position
        if position + size > len(data):
            raise CheckpointError(f"model.bin: ends at byte {len(data)}, in the middle of a tensor; fetch it again")
        position += size
        return data[position - size : position]

    def number(kind: str) -> int:
        return int(struct.unpack(f"<{kind}", take(struct.calcsize(kind)))[0])

    def name() -> str:
        return take(number("H")).rstrip(b"\0").decode()

    if (version := number("I")) != 6:
        raise CheckpointError(f"model.bin: format version {version}, only 6 can be read")
    if (spec := name()) != "WhisperSpec":
        raise CheckpointError(f"model.bin: holds a {spec}, not a Whisper model")
    number("I")
    variables = {}
    for _ in range(number("I")):
        key = name()
        shape = [number("I") for _ in range(number("B"))]
        kind = number("B")
        if kind >= len(DTYPES):
            raise CheckpointError(f"model.bin: {key}: element type {kind} is not known")
        variables[key] = np.frombuffer(take(number("I")), DTYPES[kind]).reshape(shape)
    return variables


def convert(folder: Path, out: Path, *, language: str | None) -> None:
    """Write `out` as a `WhisperForConditionalGeneration` folder: weights, processor and generation config.

    Args:
        folder: holds, at any depth, `model.bin` (or its parts `model.bin.part1`, ...), `tokenizer.json`, `config.json`.
        out: the folder to make.
        language: a Whisper language code (`cs`) that becomes the default of generation; None leaves it to detection.

    Raises:
        CheckpointError: a file is missing, or a tensor is missing, unknown or of the wrong shape.
    """
    parts = sorted(folder.rglob("model.bin*"))
    if not parts:
        raise CheckpointError(f"{folder}: no model.bin in it")
    variables = read_variables(b"".join(part.read_bytes() for part in parts))
    tokenizer = WhisperTokenizerFast(tokenizer_file=str(_only(folder, "tokenizer.json")))
    config = _config(variables, tokenizer)
    with torch.device("meta"):
        model = WhisperForConditionalGeneration(config)
    weights = _weights(variables, config)
    result = model.load_state_dict(weights, strict=False, assign=True)
    if result.unexpected_keys or (missing := set(result.missing_keys) - {"proj_out.weight"}):
        raise CheckpointError(f"model.bin: tensors missing {sorted(missing)}, unknown {result.unexpected_keys}")
    model.tie_weights()
    decoding = json.loads(_only(folder, "config.json").read_text())
    model.generation_config = _generation_config(decoding, tokenizer, config, language)
    model.save_pretrained(out)
    if language is not None:
        tokenizer.set_prefix_tokens(language=language, task="transcribe", predict_timestamps=False)
    WhisperProcessor(WhisperFeatureExtractor(feature_size=config.num_mel_bins), tokenizer).save_pretrained(out)


def _only(folder: Path, name: str) -> Path:
    found = sorted(folder.rglob(name))
    if len(found) != 1:
        raise CheckpointError(f"{folder}: needs exactly one {name}, has {len(found)}")
    return found[0]


def _config(variables: Mapping[str, np.ndarray[Any, Any]], tokenizer: WhisperTokenizerFast) -> WhisperConfig:
    """The architecture, read off the tensors' shapes."""

    def layers(side: str) -> int:
        return len({m[1] for key in variables if (m := re.match(rf"{side}/layer_(\d+)/", key))})

    width, mels, _ = variables["encoder/conv1/weight"].shape
    end = tokenizer.convert_tokens_to_ids("<|endoftext|>")
    start = tokenizer.convert_tokens_to_ids("<|startoftranscript|>")
    return WhisperConfig(
        vocab_size=variables["decoder/embeddings/weight"].shape[0],
        num_mel_bins=mels,
        d_model=width,
        encoder_layers=layers("encoder"),
        decoder_layers=layers("decoder"),
        encoder_attention_heads=int(variables["encoder/num_heads"]),
        decoder_attention_heads=int(variables["decoder/num_heads"]),
        encoder_ffn_dim=variables["encoder/layer_0/ffn/linear_0/bias"].shape[0],
        decoder_ffn_dim=variables["decoder/layer_0/ffn/linear_0/bias"].shape[0],
        max_source_positions=variables["encoder/position_encodings/encodings"].shape[0],
        max_target_positions=variables["decoder/position_encodings/encodings"].shape[0],
        decoder_start_token_id=start,
        bos_token_id=end,
        eos_token_id=end,
        pad_token_id=end,
        suppress_tokens=None,
        begin_suppress_tokens=None,
    )


def _weights(variables: Mapping[str, np.ndarray[Any, Any]], config: WhisperConfig) -> dict[str, torch.Tensor]:
    """Tensors under their names in `WhisperForConditionalGeneration`, fp32."""
    width = config.d_model
    weights = {}
    for key, value in variables.items():
        tensor = torch.from_numpy(value.astype(np.float32))
        for pattern, replacement in NAMES:
            key = re.sub(pattern, replacement, key)
        if match := re.fullmatch(r"(.*)\.(self_attn|encoder_attn)\.linear_(\d)\.(weight|bias)", key):
            # projections that read the same input are stacked: q,k,v in self-attention, k,v over the encoder's output
            stem, kind, index, leaf = match.groups()
            stacked = {"self_attn": ["q k v", "out"], "encoder_attn": ["q", "k v", "out"]}[kind][int(index)].split()
            for part, block in zip(stacked, tensor.split(width), strict=True):
                if (part, leaf) == ("k", "bias"):
                    if block.any():
                        raise CheckpointError(f"model.bin: {stem}.{kind}: key bias is not zero, so it is not a Whisper")
                    continue
                weights[f"{stem}.{kind}.{part}_proj.{leaf}"] = block.clone()
        elif key.startswith("model.") and key.rpartition(".")[2] in ("weight", "bias"):
            weights[key] = tensor
    return weights


def _generation_config(
    decoding: Mapping[str, Any], tokenizer: WhisperTokenizerFast, config: WhisperConfig, language: str | None
) -> GenerationConfig:
    token = tokenizer.convert_tokens_to_ids
    languages = {tokenizer.convert_ids_to_tokens(i): i for i in decoding["lang_ids"]}
    if language is not None and f"<|{language}|>" not in languages:
        raise CheckpointError(f"the checkpoint knows no language {language!r}")
    multilingual = len(languages) > 1
    return GenerationConfig(
        max_length=config.max_target_positions,
        decoder_start_token_id=config.decoder_start_token_id,
        bos_token_id=config.bos_token_id,
        eos_token_id=config.eos_token_id,
        pad_token_id=config.pad_token_id,
        prev_sot_token_id=token("<|startofprev|>"),
        no_timestamps_token_id=token("<|notimestamps|>"),
        suppress_tokens=list(decoding["suppress_ids"]),
        begin_suppress_tokens=list(decoding["suppress_ids_begin"]),
        alignment_heads=decoding["alignment_heads"],
        max_initial_timestamp_index=50,
        return_timestamps=False,
        is_multilingual=multilingual,
        lang_to_id=languages,
        task_to_id={task: token(f"<|{task}|>") for task in ("transcribe", "translate")},
        **({"language": language, "task": "transcribe"} if multilingual else {}),
    )
