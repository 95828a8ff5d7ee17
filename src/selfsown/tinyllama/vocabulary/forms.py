"""How a document becomes tokens, and how a chat does; and how many bytes each token writes.

A document is the beginning token, its text, the end token. A chat is the beginning token, then each turn after its
role, each answer ended by the end token.

This is the only place that says so. The paper's repository was of two minds: its packing wrote end tokens only, its
published run beginning tokens only (issue 40), so its raw model rarely ends a text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers.pre_tokenizers import ByteLevel
from transformers import PreTrainedTokenizerFast

from selfsown.errors import UserError

BEGIN, END, PAD = "<s>", "</s>", "<pad>"
ROLES = ("<|system|>", "<|user|>", "<|assistant|>")
"""Said before each turn of a chat; reserved when the vocabulary is made, so that no model has to grow for them."""
SPECIAL = (BEGIN, END, PAD, *ROLES)

CHAT_TEMPLATE = (
    "{{ bos_token }}"
    "{% for message in messages %}"
    "{{ '<|' + message['role'] + '|>' }}"
    "{% if message['role'] == 'assistant' %}"
    "{% generation %}{{ message['content'] + eos_token }}{% endgeneration %}"
    "{% else %}{{ message['content'] }}{% endif %}"
    "{% endfor %}"
    "{% if add_generation_prompt %}{{ '<|assistant|>' }}{% endif %}"
)
"""Jinja; what stands between `generation` is what a model is trained on: the answer and its end."""

TokenArray = NDArray[np.uint16]


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """The tokenizer of a folder, as `transformers` loads it.

    Raises:
        UserError: there is none, or it has no beginning or end token, or more tokens than two bytes can number.
    """
    if not (folder / "tokenizer.json").is_file():
        raise UserError(f"{folder}: no tokenizer.json there")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(folder)
    if tokenizer.bos_token_id is None or tokenizer.eos_token_id is None:
        raise UserError(f"{folder}: the tokenizer names no beginning or no end token (bos_token, eos_token)")
    if len(tokenizer) > 1 << 16:
        raise UserError(f"{folder}: {len(tokenizer):,} tokens; packed tokens are two bytes, so at most 65,536")
    return tokenizer


def encode_documents(tokenizer: PreTrainedTokenizerFast, texts: Sequence[str]) -> list[TokenArray]:
    """Each text between the beginning and the end token. What looks like a special token in it is text like any other.

    Returns:
        One array `[tokens]` a text.
    """
    with _as_text(tokenizer):
        encoded = tokenizer.backend_tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    begin, end = tokenizer.bos_token_id, tokenizer.eos_token_id
    return [np.array([begin, *one.ids, end], dtype=np.uint16) for one in encoded]


Message = Mapping[str, str]
"""A turn of a chat: its `role` (system, user or assistant) and its `content`."""


def encode_chat(
    tokenizer: PreTrainedTokenizerFast, messages: Sequence[Message], *, answering: bool = False
) -> tuple[list[int], list[bool]]:
    """A chat as `CHAT_TEMPLATE` writes it, but that what looks like a special token in a content is text.

    Args:
        answering: end where the assistant begins to answer.

    Returns:
        Tokens `[tokens]`, and which of them a model is trained to say: answers and their ends.
    """
    ids, learnt = [tokenizer.bos_token_id], [False]
    for message in messages:
        role = _role(tokenizer, message["role"])
        with _as_text(tokenizer):
            content = list(tokenizer.backend_tokenizer.encode(message["content"], add_special_tokens=False).ids)
        answer = message["role"] == "assistant"
        content += [tokenizer.eos_token_id] if answer else []
        ids += role + content
        learnt += [False] * len(role) + [answer] * len(content)
    opened = _role(tokenizer, "assistant") if answering else []
    return ids + opened, learnt + [False] * len(opened)


def encode_solved(tokenizer: PreTrainedTokenizerFast, question: str, rationale: str) -> TokenArray:
    """A question and its rationale as a chat: `[tokens]`, from the beginning token to the end token."""
    ids, _ = encode_chat(tokenizer, [_said("user", question), _said("assistant", rationale)])
    return np.array(ids, dtype=np.uint16)


def _said(role: str, content: str) -> Message:
    return {"role": role, "content": content}


def _role(tokenizer: PreTrainedTokenizerFast, name: str) -> list[int]:
    return list(tokenizer.backend_tokenizer.encode(f"<|{name}|>", add_special_tokens=False).ids)


@contextmanager
def _as_text(tokenizer: PreTrainedTokenizerFast) -> Iterator[None]:
    """What looks like a special token is text, inside the block."""
    backend = tokenizer.backend_tokenizer
    backend.encode_special_tokens = True
    try:
        yield
    finally:
        backend.encode_special_tokens = False


def token_bytes(tokenizer: PreTrainedTokenizerFast) -> NDArray[np.int64]:
    """How many bytes of text each token stands for: `[vocabulary]`; special tokens stand for none."""
    alphabet = set(ByteLevel.alphabet())
    special = set(tokenizer.all_special_ids) | {tokenizer.convert_tokens_to_ids(role) for role in ROLES}
    tokens = tokenizer.convert_ids_to_tokens(list(range(len(tokenizer))))
    lengths = [0 if index in special else _bytes(token, alphabet) for index, token in enumerate(tokens)]
    return np.array(lengths, dtype=np.int64)


def _bytes(token: str, alphabet: set[str]) -> int:
    """Byte-level tokens have a letter for each byte; those of a SentencePiece vocabulary say `▁` for a space."""
    if set(token) <= alphabet:
        return len(token)
    if len(token) == 6 and token.startswith("<0x"):
        return 1
    return len(token.replace("▁", " ").encode())
