"""A CTranslate2 file and the checkpoint made of it hold the same model."""

from __future__ import annotations

import json
import re
import struct
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.speech_bt.tiny_whisper import tiny_model, tiny_tokenizer
from transformers import WhisperForConditionalGeneration, WhisperProcessor

from selfsown.speech_bt.untouched.ctranslate2 import DTYPES, CheckpointError, convert, read_variables

STACKED = {
    "self_attn": {"linear_0": "qkv", "linear_1": ["out"]},
    "encoder_attn": {"linear_0": "q", "linear_1": "kv", "linear_2": ["out"]},
}
ATTENTION = {"self_attn": "self_attention", "encoder_attn": "attention"}


def variables_of(model: WhisperForConditionalGeneration) -> dict[str, np.ndarray]:
    """The model's tensors under the file format's names."""
    weights = {name: value.half().numpy() for name, value in model.model.state_dict().items()}
    heads = np.int16(model.config.encoder_attention_heads)
    variables: dict[str, np.ndarray] = {"encoder/num_heads": heads, "decoder/num_heads": heads}
    for name, value in weights.items():
        if "_proj." in name:
            continue
        name = re.sub(r"layers\.(\d+)\.", r"layer_\1.", name)
        if "layer_norm" in name:
            name = name.replace("weight", "gamma").replace("bias", "beta")
        for ours, theirs in (
            ("self_attn_layer_norm", "self_attention/layer_norm"), ("encoder_attn_layer_norm", "attention/layer_norm"),
            ("final_layer_norm", "ffn/layer_norm"), ("fc1", "ffn/linear_0"), ("fc2", "ffn/linear_1"),
            ("embed_positions.weight", "position_encodings/encodings"), ("embed_tokens", "embeddings"), (".", "/"),
        ):  # fmt: skip
            name = name.replace(ours, theirs)
        variables[name] = value
    for side in ("encoder", "decoder"):
        for layer in range(2):
            for kind in ("self_attn", "encoder_attn") if side == "decoder" else ("self_attn",):
                stem = f"{side}.layers.{layer}.{kind}"
                for linear, parts in STACKED[kind].items():
                    for leaf in ("weight", "bias"):
                        blocks = [weights.get(f"{stem}.{part}_proj.{leaf}", np.zeros(16, np.float16)) for part in parts]
                        variables[f"{side}/layer_{layer}/{ATTENTION[kind]}/{linear}/{leaf}"] = np.concatenate(blocks)
    return variables


def file_of(variables: Mapping[str, np.ndarray], version: int = 6) -> bytes:
    """The tensors as `model.bin`."""

    def name(text: str) -> bytes:
        return struct.pack("<H", len(text) + 1) + text.encode() + b"\0"

    out = struct.pack("<I", version) + name("WhisperSpec") + struct.pack("<II", 3, len(variables))
    for key, value in variables.items():
        out += name(key) + struct.pack(f"<B{value.ndim}I", value.ndim, *value.shape)
        out += struct.pack("<BI", DTYPES.index(value.dtype.type), value.nbytes) + value.tobytes()
    return out + struct.pack("<I", 1) + name("decoder/projection/weight") + name("decoder/embeddings/weight")


def folder_of(path: Path, data: bytes) -> Path:
    """A source as registries serve it: the model in two parts, in folders of their own."""
    for part, piece in enumerate((data[: len(data) // 2], data[len(data) // 2 :]), start=1):
        (path / f"part{part}").mkdir(parents=True)
        (path / f"part{part}" / f"model.bin.part{part}").write_bytes(piece)
    tokenizer = tiny_tokenizer()
    tokenizer.save_pretrained(path / "part1")
    ids = tokenizer.convert_tokens_to_ids(["<|cs|>", "<|nl|>"])
    decoding = {"suppress_ids": [3, 7], "suppress_ids_begin": [11], "lang_ids": ids, "alignment_heads": [[1, 0]]}
    (path / "part1" / "config.json").write_text(json.dumps(decoding))
    return path


def test_a_converted_model_is_the_model(tmp_path):
    model = tiny_model()
    convert(folder_of(tmp_path / "source", file_of(variables_of(model))), tmp_path / "made", language="cs")
    made = WhisperForConditionalGeneration.from_pretrained(tmp_path / "made")
    expected = {name: weight.half().float() for name, weight in model.state_dict().items()}
    assert made.state_dict().keys() == expected.keys()
    for name, weight in made.state_dict().items():
        assert torch.equal(weight, expected[name]), name
    for key in (
        "encoder_ffn_dim",
        "decoder_layers",
        "num_mel_bins",
        "max_target_positions",
        "eos_token_id",
        "vocab_size",
    ):
        assert getattr(made.config, key) == getattr(model.config, key), key
    decoding = made.generation_config
    assert (decoding.language, decoding.task, decoding.suppress_tokens) == ("cs", "transcribe", [3, 7])
    processor = WhisperProcessor.from_pretrained(tmp_path / "made")
    assert processor.tokenizer.decode(processor.tokenizer("příliš").input_ids, skip_special_tokens=True) == "příliš"


def test_a_language_the_model_lacks_is_refused(tmp_path):
    source = folder_of(tmp_path / "source", file_of(variables_of(tiny_model())))
    with pytest.raises(CheckpointError, match="no language 'xx'"):
        convert(source, tmp_path / "made", language="xx")


def test_damaged_files_are_refused(tmp_path):
    variables = variables_of(tiny_model())
    data = file_of(variables)
    with pytest.raises(CheckpointError, match="ends at byte"):
        read_variables(data[:-5000])
    with pytest.raises(CheckpointError, match="version 5"):
        read_variables(file_of(variables, version=5))
    lacking = {key: value for key, value in variables.items() if "layer_1/ffn/linear_0/weight" not in key}
    with pytest.raises(CheckpointError, match=r"missing .*layers\.1\.fc1\.weight"):
        convert(folder_of(tmp_path / "lacking", file_of(lacking)), tmp_path / "made", language=None)
    with pytest.raises(CheckpointError, match=r"no model\.bin"):
        convert(tmp_path / "made", tmp_path / "out", language=None)
