"""The DAG solver: from the numbers of a question, two at a time, to the answer (Jie et al., 2022; section 3.3).

A value is the result of a step (newest first), a constant or a number of the question: the list of operands of
`selfsown.arithmetic`. At each step all pairs of values and six operators are scored, the best becomes a new value in
front and a GRU tells the others of it, until a step says that its value is the answer. Built as the authors' code
describes it; their loss is a sum over the batch, this one a mean (`conf/msat/paper.yaml`).

Shapes: values `[batch, slots, width]`; candidates `[batch, pairs, operators, 2]`, the last axis go on / stop.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from selfsown.arithmetic import (
    DEDUCTIVE_OPERATORS,
    Constant,
    Expression,
    Intermediate,
    Number,
    Operand,
    Operation,
    Program,
    Refused,
    deductive_steps,
    parse_decimal,
)
from selfsown.arithmetic.expression import as_operator
from selfsown.msat.solvers.backbone import Backbone, SolverConfig
from selfsown.msat.solvers.representation import Problem, Unreadable

OPERATORS = DEDUCTIVE_OPERATORS
IMPOSSIBLE = -1e9


class Step(NamedTuple):
    """Which values a step takes, left not behind right, and under which of `OPERATORS`."""

    left: Operand
    right: Operand
    operator: int


class DagSolver(Backbone):
    """The encoder, a scorer of pairs for each operator, a stopper, and a GRU."""

    def __init__(self, config: SolverConfig, encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__(config, encoder, tokenizer)
        width, count = self.width, len(OPERATORS)
        self.known = [Constant(parse_decimal(text)) for text in config.constants]
        self.constants = nn.Parameter(torch.randn(len(config.constants), width))
        # One network Linear(3 width, width), ReLU, LayerNorm for each operator. Its input [a; b; a * b] is never built:
        # what a and b add is computed once for each value, not for each pair.
        self.of_left = nn.Linear(width, count * width)
        self.of_right = nn.Linear(width, count * width, bias=False)
        self.of_product = nn.Linear(width, count * width, bias=False)
        self.norm_scale = nn.Parameter(torch.ones(count, width))
        self.norm_shift = nn.Parameter(torch.zeros(count, width))
        self.dropout = nn.Dropout(config.dag.dropout)
        self.score = nn.Linear(width, 1)
        self.stopper = scorer(width, 2, config.dag.dropout)
        self.value_score = scorer(width, 1, config.dag.dropout)
        self.gru = nn.GRUCell(width, width)
        if config.dag.gru_start == "values":
            _hand_on(self.gru)

    def target(self, problem: Problem) -> list[Step]:
        """The gold program as steps.

        Raises:
            Unreadable: more steps than allowed, none at all, or a constant that this solver does not know.
        """
        assert problem.expression is not None
        steps = [Step(left, right, OPERATORS.index(op)) for left, right, op in deductive_steps(problem.expression)]
        if not 1 <= len(steps) <= self.settings.dag.max_steps:
            raise Unreadable(f"a program of {len(steps)} steps; the solver takes 1 to {self.settings.dag.max_steps}")
        for step in steps:
            if step.left == step.right and not self.settings.dag.replacement:
                raise Unreadable("a step uses the same value twice")
            for operand in (step.left, step.right):
                if isinstance(operand, Constant) and operand not in self.known:
                    raise Unreadable(f"the constant {operand.value} is not one of the solver's")
        return steps

    def collate_targets(self, targets: Sequence[list[Step]], spans: Tensor) -> dict[str, Tensor]:
        """`gold` `[batch, steps, 4]`: left and right slot, operator, stop; -1 behind the last step."""
        gold = torch.full((len(targets), max(map(len, targets)), 4), -1)
        for row, steps in enumerate(targets):
            for made, step in enumerate(steps):
                left, right = self.slot(step.left, made), self.slot(step.right, made)
                gold[row, made] = torch.tensor([left, right, step.operator, int(made == len(steps) - 1)])
        return {"gold": gold}

    def slot(self, operand: Operand, made: int) -> int:
        """Where a value stands when `made` steps are done."""
        if isinstance(operand, Intermediate):
            return made - operand.index
        if isinstance(operand, Constant):
            return made + self.known.index(operand)
        return made + len(self.known) + operand.index

    def forward(self, input_ids: Tensor, attention_mask: Tensor, spans: Tensor, gold: Tensor) -> dict[str, Tensor]:
        """Structured margin loss: of the best candidate over the gold one, summed over a program's steps.

        With softness s the maximum is s log(sum(exp(score / s))), so that every candidate learns from every example
        (the softmax margin of Gimpel and Smith, 2010).
        """
        values, there = self.first_values(input_ids, attention_mask, spans)
        total = values.new_zeros(())
        rows = torch.arange(len(values), device=values.device)
        for index in range(gold.shape[1]):
            active = gold[:, index, 0] >= 0
            candidates = self.candidates(there & active[:, None])
            results = self.results(values, candidates)
            scores, places = self.scores(values, candidates, results)
            left, right, operator, stop = gold[:, index].clamp(min=0).unbind(-1)
            chosen = (rows, left, right, operator, stop)
            margins = torch.full_like(scores, self.settings.dag.margin)
            margins[chosen] = 0
            rivals = (scores + margins).flatten(1)
            softness = self.settings.dag.softness
            worst = softness * (rivals / softness).logsumexp(1) if softness else rivals.amax(1)
            total = total + ((worst - scores[chosen]) * active).sum()
            if index + 1 < gold.shape[1]:
                values, there = self.step(values, there, results[places[rows, left, right], operator], active)
        return {"loss": total / len(values)}

    def first_values(self, input_ids: Tensor, attention_mask: Tensor, spans: Tensor) -> tuple[Tensor, Tensor]:
        """Constants and numbers `[batch, slots, width]`, and which of them a question has `[batch, slots]`.

        A number is the sum of the states of its mention's first and last token.
        """
        states = self.read(input_ids, attention_mask)
        batch, numbers = spans.shape[:2]
        ends = states.gather(1, spans.clamp(min=0).flatten(1)[..., None].expand(-1, -1, states.shape[-1]))
        read = ends.view(batch, numbers, 2, -1).sum(2)
        values = torch.cat([self.constants.to(read.dtype).expand(batch, -1, -1), read], 1)
        known = torch.ones(batch, len(self.constants), dtype=torch.bool, device=values.device)
        return values, torch.cat([known, spans[:, :, 0] >= 0], 1)

    def candidates(self, there: Tensor) -> Tensor:
        """Row, left and right slot of every pair of values that a question has, left not behind right, `[3, pairs]`."""
        both = there[:, :, None] & there[:, None, :]
        return both.triu(0 if self.settings.dag.replacement else 1).nonzero().T

    def results(self, values: Tensor, candidates: Tensor) -> Tensor:
        """What every pair makes under every operator, `[pairs, operators, width]`."""
        row, left, right = candidates
        left, right = row * values.shape[1] + left, row * values.shape[1] + right
        values = values.flatten(0, 1)
        hidden = self.of_product(values[left] * values[right])
        hidden = torch.relu(hidden + self.of_left(values)[left] + self.of_right(values)[right])
        normed = nn.functional.layer_norm(hidden.unflatten(-1, (len(OPERATORS), -1)), (self.width,))
        made: Tensor = self.dropout(normed * self.norm_scale.to(normed.dtype) + self.norm_shift.to(normed.dtype))
        return made

    def scores(self, values: Tensor, candidates: Tensor, results: Tensor) -> tuple[Tensor, Tensor]:
        """Score of every candidate, impossible where there is none, and each pair's place in `results`.

        `[batch, slots, slots, operators, 2]` and `[batch, slots, slots]`, by left and right slot.
        """
        row, left, right = candidates
        of_value = self.value_score(values).squeeze(-1)
        of_pair = of_value[row, left] + of_value[row, right]
        of_candidate = (self.score(results) + self.stopper(results) + of_pair[:, None, None]).float()
        places = row.new_zeros(*values.shape[:2], values.shape[1])
        scores = of_candidate.new_full((*places.shape, *of_candidate.shape[1:]), IMPOSSIBLE)
        places[row, left, right] = torch.arange(len(row), device=row.device)
        return scores.index_put((row, left, right), of_candidate), places

    def step(self, values: Tensor, there: Tensor, made: Tensor, active: Tensor) -> tuple[Tensor, Tensor]:
        """Put what a step `made` `[batch, width]` in front, and tell the other values of it.

        As in the authors' code the values are the GRU's input, and what was made is the state that each changes.
        """
        batch, slots, width = values.shape
        told = self.gru(values.reshape(-1, width), made[:, None].expand(-1, slots, -1).reshape(-1, width))
        values = torch.cat([made[:, None].to(told.dtype), told.view(batch, slots, width)], 1)
        return values, torch.cat([active[:, None], there], 1)

    @torch.inference_mode()
    def decode(self, batch: dict[str, Tensor]) -> list[Program | Refused]:
        """The best candidate of each step, for all rows at once; rows that have stopped leave the batch.

        No program states a number: values are the question's own.
        """
        spans = batch["spans"]
        values, there = self.first_values(batch["input_ids"], batch["attention_mask"], spans)
        numbers = [Number(index) for index in range(spans.shape[1])]
        operands: list[list[Expression]] = [[*self.known, *numbers] for _ in range(len(spans))]
        programs: list[Program | Refused] = [Refused("no step was the last") for _ in operands]
        rows = list(range(len(spans)))
        for _ in range(self.settings.dag.max_steps):
            candidates = self.candidates(there)
            if not candidates.shape[1]:
                break
            results = self.results(values, candidates)
            scores, places = self.scores(values, candidates, results)
            top, best = scores.flatten(1).max(1)
            left, right, operator, stop = torch.unravel_index(best, scores.shape[1:])
            # Read at once: on a GPU each read of one element would wait for it.
            choices = torch.stack([left, right, operator, stop, (top <= IMPOSSIBLE).long()], 1).tolist()
            going = []
            for position, (row, (first, second, op, last, impossible)) in enumerate(zip(rows, choices, strict=True)):
                if impossible:  # a single number, and no constant to join it with
                    continue
                known = operands[row]
                try:
                    made = operation(known[first], known[second], OPERATORS[op])
                except Refused as refused:
                    programs[row] = refused
                    continue
                if last:
                    programs[row] = Program(made, {})
                else:
                    known.insert(0, made)
                    going.append(position)
            if not going:
                break
            keep = torch.tensor(going, device=values.device)
            rows = [rows[position] for position in going]
            states = results[places[keep, left[keep], right[keep]], operator[keep]]
            values, there = self.step(values[keep], there[keep], states, torch.ones_like(keep, dtype=torch.bool))
        return programs

    def _resize_constants(self, kept: Sequence[int | None]) -> None:
        old = self.constants.detach()
        new = torch.randn(len(kept), self.width)
        for index, source in enumerate(kept):
            if source is not None:
                new[index] = old[source]
        self.constants = nn.Parameter(new)
        self.known = [Constant(parse_decimal(text)) for text in self.settings.constants]


def scorer(width: int, scores: int, dropout: float) -> nn.Sequential:
    """What the stopper and the scorer of values are: `[..., width]` -> `[..., scores]`."""
    return nn.Sequential(
        nn.Linear(width, width), nn.ReLU(), nn.LayerNorm(width), nn.Dropout(dropout), nn.Linear(width, scores)
    )


def _hand_on(gru: nn.GRUCell) -> None:
    """Let a GRU's output be nearly its input, so that the scorers of the first step know the values of the next.

    An output is z state + (1 - z) tanh(W input + ...). PyTorch starts z at a half and W at random: then half of every
    value is what was made, the same for all, and the rest of it lies along other axes than before.
    """
    width = gru.hidden_size
    with torch.no_grad():
        gru.bias_hh[width : 2 * width] -= 2  # z at 0.12
        gru.weight_ih[2 * width :] += torch.eye(width)


def operation(left: Expression, right: Expression, operator: str) -> Operation:
    """The expression of one step.

    Raises:
        Refused: too large an expression.
    """
    if operator.endswith("_rev"):
        left, right = right, left
    return Operation(as_operator(operator.removesuffix("_rev")), left, right)
