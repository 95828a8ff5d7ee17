"""GGUF: what is written is loaded again by the library, with the same logits and the same tokens."""

import json
from pathlib import Path

import pytest
import torch
from tests.tinyllama.corpora import tiny_tokenizer
from transformers import AutoModelForCausalLM, AutoTokenizer

from selfsown.tinyllama.commands.gguf import write_gguf
from selfsown.tinyllama.model.initialisation import fresh_model
from selfsown.tinyllama.model.shapes import SHAPES, TIED, llama_config


@pytest.mark.parametrize("tied", [True, False])
def test_the_file_gives_the_same_logits(tied: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = tiny_tokenizer()
    shape = {
        "hidden_size": 96,
        "intermediate_size": 256,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
    }
    monkeypatch.setitem(SHAPES, "grouped", shape)
    monkeypatch.setattr("selfsown.tinyllama.model.shapes.TIED", TIED | {"grouped"} if tied else TIED)
    config = llama_config(
        "grouped",
        len(tokenizer),
        64,
        bos=tokenizer.bos_token_id,
        eos=tokenizer.eos_token_id,
        pad=tokenizer.pad_token_id,
    )
    model = fresh_model(config, "paper", 1).eval()
    write_gguf(model, tokenizer, tmp_path / "model.gguf")
    loaded = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file="model.gguf").eval()
    assert loaded.config.tie_word_embeddings == tied and loaded.config.num_key_value_heads == 2
    tokens = torch.randint(8, len(tokenizer), (2, 40))
    with torch.inference_mode():
        ours, theirs = model(input_ids=tokens).logits, loaded(input_ids=tokens).logits
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-3)
    words = AutoTokenizer.from_pretrained(tmp_path, gguf_file="model.gguf")
    text = "the cat sat on the mat and ran"
    assert words.convert_ids_to_tokens(words(text, add_special_tokens=False).input_ids) == tokenizer.tokenize(text)
    assert json.loads(words.backend_tokenizer.to_str())["model"]["type"] == "BPE"
