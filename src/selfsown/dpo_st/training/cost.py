"""What training takes: tokens that it reads, and floating-point operations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from torch import nn

COST = "cost.json"
"""Beside a trained model: the `tokens` that its training read, and the `flops` that this took."""


@dataclass(frozen=True)
class Weights:
    """How many weights a token is multiplied with: one of a question, one of a rationale.

    Embeddings that are looked up are none. Between an encoder and its decoder the question passes the one, the
    rationale the other.
    """

    question: int
    rationale: int

    @classmethod
    def of(cls, model: Any) -> Weights:
        """Of a whole model, before its weights are spread over processes."""
        embeddings = {id(module.weight) for module in model.modules() if isinstance(module, nn.Embedding)}
        looked_up = embeddings - {id(model.get_output_embeddings().weight)}
        sizes = {id(weight): weight.numel() for weight in model.parameters() if id(weight) not in looked_up}
        if not model.config.is_encoder_decoder:
            return cls(sum(sizes.values()), sum(sizes.values()))
        encoder = {id(weight) for weight in model.get_encoder().parameters()} - embeddings
        return cls(
            sum(size for weight, size in sizes.items() if weight in encoder),
            sum(size for weight, size in sizes.items() if weight not in encoder),
        )

    def cost(self, questions: int, rationales: int) -> dict[str, float]:
        """`tokens`, and `flops` of their forward and backward passes: six operations a weight and token.

        Args:
            questions: tokens of questions that were read.
            rationales: tokens of rationales.
        """
        flops = 6.0 * (self.question * questions + self.rationale * rationales)
        return {"tokens": float(questions + rationales), "flops": flops}
