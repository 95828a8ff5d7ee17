"""The chat's test: MsAT's dev tasks as questions; an answer is right when the value at its end is."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pandas as pd
import torch

from selfsown.tinyllama.chats.arithmetic import Turn, said_value, turns
from selfsown.tinyllama.model.llama import load_model
from selfsown.tinyllama.vocabulary.forms import encode_chat, load_tokenizer

MAX_ANSWER = 48
"""Tokens; the longest answer of three steps takes about 30."""


@torch.inference_mode()
def answer_questions(folder: Path, tasks: Path, count: int, seed: int, batch: int) -> pd.DataFrame:
    """Greedy answers of a chat model: id, question, answer (as it should be), said, correct."""
    model = load_model(folder)
    tokenizer = load_tokenizer(folder)
    tokenizer.padding_side = "left"
    asked = turns(tasks, "dev", seed)[:count]
    said: list[str] = []
    for first in range(0, len(asked), batch):
        part = asked[first : first + batch]
        prompts = [encode_chat(tokenizer, turn.messages[:1], answering=True)[0] for turn in part]
        padded = tokenizer.pad({"input_ids": prompts}, return_tensors="pt").to(model.device)
        made = model.generate(
            input_ids=padded["input_ids"],
            attention_mask=padded["attention_mask"],
            max_new_tokens=MAX_ANSWER,
            do_sample=False,
        )
        answers = made[:, padded["input_ids"].shape[1] :].tolist()
        said += [tokenizer.decode(answer, skip_special_tokens=True) for answer in answers]
    return _marked(asked, said)


def majority(answered: pd.DataFrame, tasks: Path, seed: int) -> pd.DataFrame:
    """The same questions, always answered with the value that is right most often among the training tasks."""
    values = Counter(turn.value for turn in turns(tasks, "train", seed))
    most = values.most_common(1)[0][0]
    return answered.assign(said=most, correct=(answered["value"] == most).astype(int))


def _marked(asked: list[Turn], said: list[str]) -> pd.DataFrame:
    columns = ("id", "question", "answer", "value")
    frame = pd.DataFrame([{name: getattr(turn, name) for name in columns} for turn in asked]).assign(said=said)
    return frame.assign(correct=(frame["said"].map(said_value) == frame["value"]).astype(int))
