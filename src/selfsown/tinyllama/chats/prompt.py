"""What a chat model is asked, as tokens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from transformers import PreTrainedTokenizerFast


def prompt(tokenizer: PreTrainedTokenizerFast, said: str | Sequence[Mapping[str, str]]) -> list[int]:
    """The tokens up to where the assistant begins to answer: `[tokens]`.

    Args:
        said: a question, or all turns so far, each with `role` and `content`.
    """
    turns = [{"role": "user", "content": said}] if isinstance(said, str) else list(said)
    return list(tokenizer.apply_chat_template(turns, add_generation_prompt=True, tokenize=True, return_dict=False))
