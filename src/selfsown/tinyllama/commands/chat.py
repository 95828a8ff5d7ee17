"""Chat with a small language model that was trained here; its answer is written as it comes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
import torch
from transformers import GenerationConfig, LlamaForCausalLM, PreTrainedTokenizerFast, TextStreamer

from selfsown.checkpoint import Asking, model_folder, model_options
from selfsown.errors import UserError
from selfsown.tinyllama.model.llama import load_model
from selfsown.tinyllama.vocabulary.forms import encode_chat, load_tokenizer

NEW_TOKENS = 64


@click.command(cls=Asking)
@click.argument("question", required=False)
@click.option("--temperature", default=0.0, show_default=True, help="0: the likeliest token each time")
@click.option("--new-tokens", default=NEW_TOKENS, show_default=True, help="an answer's length at most")
@model_options("selfsown-tinyllama-chat")
def command(
    question: str | None, temperature: float, new_tokens: int, model: str, alias: str, folder: Path | None
) -> None:
    """Chat with a small language model. Without QUESTION it asks for one after another, until an empty line.

    The model of the profile laptop has learnt MsAT's arithmetic tasks, and nothing else: "W = 165 . 348 - Q = W . Q ?".
    """
    with model_folder(model, alias, folder, marked_by="tokenizer.json") as found:
        chat = Chat.load(found)
    said: list[dict[str, str]] = []
    while words := question or click.prompt("you", default="", show_default=False):
        said.append({"role": "user", "content": words})
        answer = chat.answer(said, temperature=temperature, new_tokens=new_tokens, stream=True)
        said.append({"role": "assistant", "content": answer})
        if question:
            break


class Chat:
    """A chat model and its tokenizer."""

    def __init__(self, network: LlamaForCausalLM, tokenizer: PreTrainedTokenizerFast) -> None:
        self.network = network
        self.tokenizer = tokenizer

    @classmethod
    def load(cls, folder: Path) -> Chat:
        """What the stage `chat` wrote.

        Raises:
            UserError: the folder's tokenizer has no chat template.
        """
        tokenizer = load_tokenizer(folder)
        if not tokenizer.chat_template:
            raise UserError(f"{folder}: the tokenizer has no chat template: this model was not taught to chat")
        return cls(load_model(folder), tokenizer)

    @torch.inference_mode()
    def answer(
        self,
        said: list[dict[str, str]],
        *,
        temperature: float = 0.0,
        new_tokens: int = NEW_TOKENS,
        stream: bool = False,
    ) -> str:
        """The answer to all that was said; `stream` also prints it, word by word.

        The oldest turns are forgotten where the context is too small for all.

        Raises:
            UserError: the last question alone leaves no room for an answer.
        """
        room = self.network.config.max_position_embeddings
        ids = encode_chat(self.tokenizer, said, answering=True)[0]
        while len(ids) + new_tokens > room and len(said) > 1:
            said = said[2:]
            ids = encode_chat(self.tokenizer, said, answering=True)[0]
        if len(ids) >= room:
            raise UserError(f"the question has {len(ids)} tokens; the model sees {room}, and must answer within them")
        given = torch.tensor([ids], device=self.network.device)
        settings = GenerationConfig(
            max_new_tokens=min(new_tokens, room - len(ids)),
            do_sample=temperature > 0,
            temperature=temperature or None,
            eos_token_id=self.tokenizer.eos_token_id,
            pad_token_id=self.tokenizer.pad_token_id,
        )
        streamer = TextStreamer(self.tokenizer, skip_prompt=True, skip_special_tokens=True) if stream else None
        made = self.network.generate(given, generation_config=settings, streamer=streamer)
        return str(self.tokenizer.decode(made[0, len(ids) :].tolist(), skip_special_tokens=True))


def serve_answers(folder: str) -> Any:
    """What a registered chat model does with a batch of questions: an answer each."""
    chat = Chat.load(Path(folder))
    return lambda questions: [
        chat.answer([{"role": "user", "content": question}]) for question in np.ravel(questions).astype(str).tolist()
    ]


def serve_text(folder: str) -> Any:
    """What a registered base model does with a batch of texts: each, gone on with by the likeliest tokens."""
    network = load_model(Path(folder))
    tokenizer = load_tokenizer(Path(folder))

    @torch.inference_mode()
    def go_on(texts: Any) -> list[str]:
        made = []
        for text in np.ravel(texts).astype(str).tolist():
            given = torch.tensor([tokenizer(text).input_ids], device=network.device)
            ids = network.generate(given, max_new_tokens=NEW_TOKENS, do_sample=False)[0]
            made.append(str(tokenizer.decode(ids.tolist(), skip_special_tokens=True)))
        return made

    return go_on
