"""Write a model of this pipeline as a GGUF file, for llama.cpp and what builds on it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
from numpy.typing import NDArray
from transformers import LlamaForCausalLM, PreTrainedTokenizerFast

from selfsown.checkpoint import model_folder, model_options
from selfsown.errors import UserError
from selfsown.tinyllama.vocabulary.forms import load_tokenizer

SPLITTERS = {1: "starcoder"}
"""llama.cpp's name for how a text is cut before BPE, by the digits that stand together; `default` is near the rest."""


@click.command()
@click.argument("out", type=click.Path(dir_okay=False, path_type=Path))
@model_options("selfsown-tinyllama")
def command(out: Path, model: str, alias: str, folder: Path | None) -> None:
    """Write a model to the file OUT, in GGUF and fp32."""
    with model_folder(model, alias, folder, marked_by="tokenizer.json") as found:
        write_gguf(LlamaForCausalLM.from_pretrained(found), load_tokenizer(found), out)
    click.echo(f"{out}: {out.stat().st_size:,} bytes")


def write_gguf(model: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast, out: Path) -> None:
    """Write a model and its byte-level BPE vocabulary as llama.cpp names and lays them out.

    Raises:
        UserError: positions that GGUF has no word for, or a vocabulary without merges.
    """
    import gguf  # imported here: only this command needs it

    config = model.config
    writer = gguf.GGUFWriter(partial := out.with_name(f".{out.name}.tmp"), "llama")
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_block_count(config.num_hidden_layers)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_dimension_count(config.hidden_size // config.num_attention_heads)
    writer.add_vocab_size(config.vocab_size)
    writer.add_file_type(gguf.LlamaFileType.ALL_F32)
    _add_positions(writer, config.rope_parameters, gguf.RopeScalingType.LINEAR)
    _add_vocabulary(writer, tokenizer, gguf.TokenType)
    names = gguf.get_tensor_name_map(gguf.MODEL_ARCH.LLAMA, config.num_hidden_layers)
    for name, weight in model.state_dict().items():
        if name == "lm_head.weight" and config.tie_word_embeddings:
            continue  # a file without an output matrix is one whose embedding is used for it
        values = weight.detach().float().numpy()
        heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
        if (kind := name.split(".")[-2]) in heads:
            values = interleaved(values, heads[kind])
        writer.add_tensor(str(names.get_name(name, try_suffixes=(".weight",))), values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    partial.replace(out)


def interleaved(weight: NDArray[np.float32], heads: int) -> NDArray[np.float32]:
    """Rows of a query or key projection `[heads * width, d]` for rotary positions that turn neighbours, not halves."""
    return weight.reshape(heads, 2, -1, weight.shape[1]).swapaxes(1, 2).reshape(weight.shape)


def _add_positions(writer: Any, rope: dict[str, Any], linear: Any) -> None:
    writer.add_rope_freq_base(rope["rope_theta"])
    if rope["rope_type"] == "linear":
        writer.add_rope_scaling_type(linear)
        writer.add_rope_scaling_factor(rope["factor"])
    elif rope["rope_type"] != "default":
        raise UserError(f"positions of the type {rope['rope_type']!r} cannot be written to GGUF: default or linear can")


def _add_vocabulary(writer: Any, tokenizer: PreTrainedTokenizerFast, kinds: Any) -> None:
    content = json.loads(tokenizer.backend_tokenizer.to_str())
    if not content["model"].get("merges"):
        raise UserError("the vocabulary has no merges: only byte-level BPE can be written to GGUF here")
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in content["model"]["merges"]]
    special = {token["id"] for token in content["added_tokens"]}
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    types = [kinds.CONTROL if index in special else kinds.NORMAL for index in range(len(tokens))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(SPLITTERS.get(_digits(content), "default"))
    writer.add_token_list(tokens)
    writer.add_token_types(types)
    writer.add_token_merges(merges)
    writer.add_bos_token_id(tokenizer.bos_token_id)
    writer.add_eos_token_id(tokenizer.eos_token_id)
    writer.add_pad_token_id(tokenizer.pad_token_id)
    writer.add_add_bos_token(True)
    if tokenizer.chat_template:
        writer.add_chat_template(tokenizer.chat_template)


def _digits(content: dict[str, Any]) -> int:
    """How many digits stand together: what the tokenizer's first cut says."""
    said = json.dumps(content["pre_tokenizer"])
    return next((count for count in (1, 2, 3) if f"{{1,{count}}}" in said), 0)
