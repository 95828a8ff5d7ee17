"""The seq2seq solver: a Transformer decoder writes the program as code, token by token (section 3.3 of the paper).

`NUM0 = 6 6 <SEP> NUM1 = 2 <SEP> RES_ = NUM0 / NUM1`, in a vocabulary of about 40 words and the constants. With symbolic
questions the numbers' values are not written, and with prefix expressions, `/ NUM0 NUM1`, neither. To write them trains
the solver to read digits. The authors run the program over what was written; `selfsown solve` runs it over the numbers
of the question, and both are measured.

Shapes: states of the question `[batch, tokens, width]`, code `[batch, length]`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from fractions import Fraction

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from selfsown.arithmetic import Program, Refused, parse_prefix, parse_program, print_code, print_prefix
from selfsown.arithmetic.steps import RESULT, SEPARATOR
from selfsown.msat.solvers.backbone import Backbone, DecoderParams, SolverConfig
from selfsown.msat.solvers.representation import Problem, Style, Unreadable, decimal

PAD, START, END = "<pad>", "<s>", "</s>"
WORDS = (
    PAD, START, END, SEPARATOR, RESULT, "=", "+", "-", "*", "/", ".", *"0123456789",
    *(f"NUM{index}" for index in range(10)), *(f"m_{index}" for index in range(1, 10))
)  # fmt: skip
"""The vocabulary; the constants of the solver's config come behind it."""

IGNORED = -100
Cache = tuple[Tensor, Tensor]
"""Keys and values `[batch, heads, length, width / heads]`."""


class Attention(nn.Module):
    """Multi-head attention whose keys and values may come from a cache."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key_value = nn.Linear(width, 2 * width)
        self.out = nn.Linear(width, width)

    def keys_values(self, states: Tensor) -> Cache:
        """Of states `[batch, length, width]`."""
        keys, values = self.key_value(states).chunk(2, -1)
        return self._split(keys), self._split(values)

    def forward(self, states: Tensor, cache: Cache, mask: Tensor | None) -> Tensor:
        """Attend from `[batch, length, width]`; `mask` is true where attention is allowed."""
        mixed = nn.functional.scaled_dot_product_attention(self._split(self.query(states)), *cache, attn_mask=mask)
        attended: Tensor = self.out(mixed.transpose(1, 2).flatten(2))
        return attended

    def _split(self, states: Tensor) -> Tensor:
        batch, length, width = states.shape
        return states.view(batch, length, self.heads, width // self.heads).transpose(1, 2)


class DecoderLayer(nn.Module):
    """Self-attention, attention to the question, feed-forward; normalised before each, so it needs no warm-up."""

    def __init__(self, width: int, params: DecoderParams) -> None:
        super().__init__()
        self.own, self.across = Attention(width, params.heads), Attention(width, params.heads)
        self.norms = nn.ModuleList(nn.LayerNorm(width) for _ in range(3))
        self.feed_forward = nn.Sequential(
            nn.Linear(width, params.feed_forward), nn.GELU(), nn.Linear(params.feed_forward, width)
        )
        self.dropout = nn.Dropout(params.dropout)

    def forward(
        self, states: Tensor, past: Cache | None, causal: Tensor | None, question: Cache, question_mask: Tensor
    ) -> tuple[Tensor, Cache]:
        """New states `[batch, length, width]`, and the cache of the past with them added."""
        normed = self.norms[0](states)
        keys, values = self.own.keys_values(normed)
        if past is not None:
            keys, values = torch.cat([past[0], keys], 2), torch.cat([past[1], values], 2)
        states = states + self.dropout(self.own(normed, (keys, values), causal))
        states = states + self.dropout(self.across(self.norms[1](states), question, question_mask))
        return states + self.dropout(self.feed_forward(self.norms[2](states))), (keys, values)


class Seq2SeqSolver(Backbone):
    """The encoder, and a decoder over code."""

    def __init__(self, config: SolverConfig, encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__(config, encoder, tokenizer)
        params = config.decoder
        self.layers = nn.ModuleList(DecoderLayer(self.width, params) for _ in range(params.layers))
        self.embedding = nn.Embedding(len(WORDS) + len(config.constants), self.width)
        nn.init.normal_(self.embedding.weight, std=self.width**-0.5)
        self.head = nn.Linear(self.width, len(WORDS) + len(config.constants), bias=False)
        self.norm = nn.LayerNorm(self.width)
        self.dropout = nn.Dropout(params.dropout)
        self.position_scale = nn.Parameter(torch.tensor(0.5))
        self.register_buffer("positions", sinusoids(params.max_length + 1, self.width), persistent=False)
        self.positions: Tensor

    @property
    def blocks(self) -> list[DecoderLayer]:
        """The decoder's layers."""
        return [layer for layer in self.layers if isinstance(layer, DecoderLayer)]

    @property
    def words(self) -> list[str]:
        """The vocabulary, constants included."""
        return [*WORDS, *self.settings.constants]

    def target(self, problem: Problem) -> list[int]:
        """Token ids of the gold code, with the end token.

        Raises:
            Unreadable: it is too long, or uses a constant, a number or a step that the vocabulary has no word for.
        """
        # A constant that is a digit is written as the digit, whose embedding was learnt from the tasks.
        ids = {word: index for index, word in reversed(list(enumerate(self.words)))}
        tokens = [*written_tokens(problem, self.settings.style), END]
        if unknown := [token for token in tokens if token not in ids]:
            raise Unreadable(f"{unknown[0]!r} is not in the vocabulary of the decoder")
        if len(tokens) > self.settings.decoder.max_length:
            raise Unreadable(
                f"a program of {len(tokens)} tokens; the decoder writes {self.settings.decoder.max_length}"
            )
        return [ids[token] for token in tokens]

    def collate_targets(self, targets: Sequence[list[int]], spans: Tensor) -> dict[str, Tensor]:
        """`labels` `[batch, length]`, padded with what the loss ignores."""
        rows = [torch.tensor(target) for target in targets]
        return {"labels": nn.utils.rnn.pad_sequence(rows, batch_first=True, padding_value=IGNORED)}

    def forward(self, input_ids: Tensor, attention_mask: Tensor, spans: Tensor, labels: Tensor) -> dict[str, Tensor]:
        """Cross-entropy of the gold code given the question, label-smoothed."""
        logits = self.logits(self.read(input_ids, attention_mask), attention_mask, self.shifted(labels))
        loss = nn.functional.cross_entropy(
            logits.flatten(0, 1).float(),
            labels.flatten(),
            ignore_index=IGNORED,
            label_smoothing=self.settings.decoder.label_smoothing if self.training else 0.0,
        )
        return {"loss": loss}

    def shifted(self, labels: Tensor) -> Tensor:
        """What the decoder is given when `labels` is what it must say."""
        given = torch.full_like(labels, WORDS.index(START))
        given[:, 1:] = labels[:, :-1].masked_fill(labels[:, :-1] == IGNORED, WORDS.index(PAD))
        return given

    def logits(self, states: Tensor, attention_mask: Tensor, given: Tensor) -> Tensor:
        """Logits `[batch, length, words]` of what follows each token of `given` `[batch, length]`, all at once."""
        question_mask = attention_mask[:, None, None, :].bool()
        length = given.shape[1]
        causal = torch.ones(length, length, dtype=torch.bool, device=given.device).tril()
        hidden = self._embed(given, 0)
        for layer in self.blocks:
            hidden, _ = layer(hidden, None, causal, layer.across.keys_values(states), question_mask)
        return self._predict(hidden)

    @torch.inference_mode()
    def decode(self, batch: dict[str, Tensor]) -> list[Program | Refused]:
        """Greedy programs, each token from the cached keys and values of those before it."""
        words = self.words
        written = self.greedy(batch["input_ids"], batch["attention_mask"])
        return [read_written([words[i] for i in ids], self.settings.style) for ids in written]

    def greedy(self, input_ids: Tensor, attention_mask: Tensor) -> list[list[int]]:
        """Token ids of each row up to its end token, which is left out; rows that have ended leave the batch."""
        states = self.read(input_ids, attention_mask)
        mask = attention_mask[:, None, None, :].bool()
        questions = [layer.across.keys_values(states) for layer in self.blocks]
        pasts: list[Cache | None] = [None for _ in self.layers]
        rows = list(range(len(input_ids)))
        written: list[list[int]] = [[] for _ in rows]
        given = torch.full((len(rows), 1), WORDS.index(START), device=states.device)
        for step in range(self.settings.decoder.max_length):
            hidden = self._embed(given, step)
            for index, layer in enumerate(self.blocks):
                hidden, pasts[index] = layer(hidden, pasts[index], None, questions[index], mask)
            best = self._predict(hidden[:, -1]).argmax(-1)
            going = []
            for position, (row, token) in enumerate(zip(rows, best.tolist(), strict=True)):
                if token != WORDS.index(END):
                    written[row].append(token)
                    going.append(position)
            if not going:
                break
            if len(going) < len(rows):
                keep = torch.tensor(going, device=states.device)
                rows, best, mask = [rows[position] for position in going], best[keep], mask[keep]
                questions = [(keys[keep], values[keep]) for keys, values in questions]
                pasts = [past and (past[0][keep], past[1][keep]) for past in pasts]
            given = best[:, None]
        return written

    def _embed(self, tokens: Tensor, offset: int) -> Tensor:
        """Embeddings `[batch, length, width]` of tokens that stand at `offset` and after."""
        positions = self.position_scale * self.positions[offset : offset + tokens.shape[1]]
        embedded: Tensor = self.dropout(self.embedding(tokens) * math.sqrt(self.width) + positions)
        return embedded

    def _predict(self, hidden: Tensor) -> Tensor:
        """Logits; not by the embeddings, whose scale would start the loss far above that of a guess."""
        logits: Tensor = self.head(self.norm(hidden))
        return logits

    def _resize_constants(self, kept: Sequence[int | None]) -> None:
        known = [(len(WORDS) + index, len(WORDS) + source) for index, source in enumerate(kept) if source is not None]
        old = (self.embedding.weight.detach(), self.head.weight.detach())
        self.embedding = nn.Embedding(len(WORDS) + len(kept), self.width)
        nn.init.normal_(self.embedding.weight, std=self.width**-0.5)
        self.head = nn.Linear(self.width, len(WORDS) + len(kept), bias=False)
        with torch.no_grad():
            for new, weight in zip((self.embedding.weight, self.head.weight), old, strict=True):
                new[: len(WORDS)] = weight[: len(WORDS)]
                for index, source in known:
                    new[index] = weight[source]


def written_tokens(problem: Problem, style: Style) -> list[str]:
    """The gold program as code, without the numbers' values where the question does not show them, or in prefix order.

    Raises:
        Unreadable: a number or constant that cannot be written.
    """
    assert problem.expression is not None
    shown = [Fraction(decimal(number)) for number in problem.numbers]
    try:
        if style == "prefix":
            return print_prefix(problem.expression).replace("number", "NUM").split()
        return print_code(problem.expression, shown if style == "digits" else None).split()
    except Refused as refused:
        raise Unreadable(refused.reason) from None


def read_written(words: Sequence[str], style: Style) -> Program | Refused:
    """A program from what the decoder wrote, with the numbers that it states."""
    text = " ".join(words)
    try:
        return Program(parse_prefix(text.replace("NUM", "number")), {}) if style == "prefix" else parse_program(text)
    except Refused as refused:
        return refused


def sinusoids(length: int, width: int) -> Tensor:
    """The positions of Vaswani et al., `[length, width]`: sines, then cosines."""
    rates = torch.exp(torch.arange(0, width, 2) * (-math.log(10000) / width))
    angles = torch.arange(length)[:, None] * rates[None]
    return torch.cat([angles.sin(), angles.cos()], -1)[:, :width]
