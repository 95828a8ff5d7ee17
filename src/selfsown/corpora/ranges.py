"""A closed range of numbers, as a parameter."""

from __future__ import annotations

from typing import Self

from pydantic import model_validator

from selfsown.stage import Params


class Range(Params):
    """Both ends allowed."""

    low: float
    high: float

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.low > self.high:
            raise ValueError(f"low {self.low} is above high {self.high}")
        return self

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high
