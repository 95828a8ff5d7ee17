"""The calculator in a batch: its text exactly, in the tokenizer's own tokens, whatever the tokenizer and the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.dpo_st.tiny_samplers import BRACKETS, KINDS, LINES, Kind, tiny_model, tiny_tokenizer
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import GenerationConfig, LogitsProcessor, LogitsProcessorList, PreTrainedTokenizerFast

from selfsown.dpo_st.sampling.calculator import CalculatorProcessor, Row, Spelling, Step
from selfsown.errors import UserError

NATIVE = [
    ["Anna sold 48/2 = <<48/2=", " clips in May. <<1234*567=", " each. <<3-10=", "clips"],
    ["<<4.50*3=", " clips, <<1/0=", " clips. <<10/3="],
    ["Anna <<7+<<2+2=", " clips in <<", "9"],
    ["May, 2+2=", " clips"],
]
WRITTEN = [["24>>", "699678>>", "-7>>"], ["13.50>>", "", "3.33>>"], ["4>>", ""], [""]]
SPACED = [
    ["Anna sold 48/2 = [ 48 / 2 =", " clips in May. [ 1234 * 567 =", " each. [ 3 - 10 =", " clips"],
    ["[ 4.50 * 3 =", " clips. [ 1 / 0 =", " clips. [ 10 / 3 ="],
    ["Anna [ 7 + [ 2 + 2 =", " clips in [", " 9"],
    ["May. 2+2=", " clips"],
]


class Script(LogitsProcessor):
    """A model that wants to write its own tokens, and goes on with them after what the calculator puts in."""

    def __init__(self, rows: Sequence[list[int]], end: int) -> None:
        self.left = [[*row, end] for row in rows]
        self.silent = [True] * len(rows)

    def __call__(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        for left, last, silent in zip(self.left, input_ids[:, -1].tolist(), self.silent, strict=True):
            if not silent and len(left) > 1 and last == left[0]:
                left.pop(0)
        self.silent = [False] * len(scores)
        scores = torch.zeros_like(scores)
        scores[torch.arange(len(scores)), torch.tensor([left[0] for left in self.left])] = 5.0
        return scores

    def hear(self, input_ids: torch.Tensor, scores: torch.Tensor) -> torch.Tensor:
        """As the last processor: where another decides what is said, the model does not say its own."""
        self.silent = (scores > -torch.inf).sum(-1).eq(1).tolist()
        return scores


def scripts(tokenizer: Any, kind: Kind) -> tuple[list[list[int]], list[str]]:
    """What each row's model writes by itself, and the text that must come of it."""
    segments = SPACED if kind == "unigram" else NATIVE
    texts, rows = [], []
    for row, results in zip(segments, WRITTEN, strict=True):
        spaced = [f" {text[:-1].replace('>', ']')}" if text and kind == "unigram" else text for text in results]
        texts.append("".join(a + b for a, b in zip(row, [*spaced, ""], strict=False)))
        rows.append([id for part in row for id in tokenizer.encode(part, add_special_tokens=False)])
    return rows, texts


@pytest.mark.parametrize("kind", KINDS)
def test_results_stand_exactly_where_they_are_due(kind: Kind) -> None:
    """Through `generate`, with a decoder and with an encoder-decoder; prompts of different lengths."""
    model, tokenizer = tiny_model(kind)
    rows, texts = scripts(tokenizer, kind)
    script = Script(rows, tokenizer.eos_token_id)
    prompts = torch.tensor([[0, 0, 7, 8], [0, 6, 7, 8], [5, 6, 7, 8], [0, 0, 0, 8]])
    made = model.generate(
        input_ids=prompts,
        attention_mask=(prompts > 0).long(),
        generation_config=GenerationConfig(
            max_new_tokens=120,
            do_sample=False,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
        ),
        logits_processor=LogitsProcessorList([script, CalculatorProcessor(Spelling(tokenizer)), script.hear]),
    )
    answers = made[:, 1 if kind == "unigram" else 4 :].tolist()
    answers = [row[: row.index(tokenizer.eos_token_id)] for row in answers]
    assert [tokenizer.decode(row) for row in answers] == texts
    for row, text in zip(answers, texts, strict=True):
        assert row == tokenizer.encode(text, add_special_tokens=False), "not the tokens that are seen in training"


@pytest.mark.parametrize("kind", KINDS)
def test_only_the_last_tokens_are_looked_at_and_nothing_is_decoded(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    tokenizer = tiny_tokenizer(kind)
    spelling = Spelling(tokenizer)
    rows, texts = scripts(tokenizer, kind)

    def never(*_: object, **__: object) -> None:
        raise AssertionError("decoded")

    with monkeypatch.context() as patch:
        patch.setattr(type(tokenizer), "_decode", never)
        script, processor = Script(rows, tokenizer.eos_token_id), CalculatorProcessor(spelling)
        last, written = torch.zeros(len(rows), 1, dtype=torch.long), []
        for _ in range(120):
            scores = processor(last, script(last, torch.zeros(len(rows), len(tokenizer))))
            script.hear(last, scores)
            last = scores.argmax(-1, keepdim=True)
            written.append(last)
    answers = torch.cat(written, 1).tolist()
    assert [tokenizer.decode(row[: row.index(tokenizer.eos_token_id)]) for row in answers] == texts


@pytest.mark.parametrize("kind", KINDS)
def test_pieces_join_to_the_text(kind: Kind) -> None:
    tokenizer = tiny_tokenizer(kind)
    pieces = Spelling(tokenizer).pieces
    for line in BRACKETS if kind == "unigram" else LINES:
        ids = tokenizer.encode(f"{line}</s>", add_special_tokens=False)
        assert "".join(pieces[id] for id in ids).lstrip() == line


spellings = {kind: Spelling(tiny_tokenizer(kind)) for kind in KINDS}
results = st.from_regex(r"-?[0-9]{1,12}(\.[0-9]{1,6})?", fullmatch=True, alphabet="0123456789.-")


@pytest.mark.parametrize("kind", KINDS)
@given(result=results)
@settings(max_examples=100)
def test_any_result_is_spelled_exactly(kind: Kind, result: str) -> None:
    spelling = spellings[kind]
    text = f" {result}]" if kind == "unigram" else f"{result}>>"
    ids = spelling.tokens(text)
    assert "".join(spelling.pieces[id] for id in ids) == text
    assert spellings["unigram"].tokens(f"{result}>>") == (), "a vocabulary without the sign"


def test_where_the_tokenizer_glues_results_to_the_sign_they_are_spelled_otherwise() -> None:
    tokenizer = tiny_tokenizer("groups")
    tokenizer.add_tokens(["=24", "=2"])
    glued = {id for id, piece in enumerate(Spelling(tokenizer).pieces) if piece in ("=24", "=2")}
    spelling = Spelling(tokenizer)
    assert "".join(spelling.pieces[id] for id in spelling.tokens("24>>")) == "24>>"
    assert set(spelling.glued.tolist()) >= glued
    row, step = Row(spelling), Step(spelling)
    for token in tokenizer.encode("<<4*6", add_special_tokens=False):
        step = Step(spelling)
        step.take(0, row, token)
    scores = step.apply(torch.zeros(2, len(tokenizer)))
    banned = set((scores[0] == -torch.inf).nonzero()[:, 0].tolist())
    assert banned == set(spelling.glued.tolist()) and not scores[1].any(), "only while a calculation is open"


def test_a_vocabulary_that_cannot_write_results_is_refused() -> None:
    made = Tokenizer(models.WordLevel({"<unk>": 0, **{sign: i for i, sign in enumerate("0123456789=+", 1)}}, "<unk>"))
    made.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=made, unk_token="<unk>")
    with pytest.raises(UserError, match="can write neither `>>` nor `]` after a digit"):
        Spelling(tokenizer)
