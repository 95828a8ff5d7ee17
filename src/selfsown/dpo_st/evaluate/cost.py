"""What an arm cost: floating-point operations of all training and sampling that led to its model.

Training says what it took in `cost.json` beside the model. Sampling takes a forward pass a token, a third of what
training takes: of the tokens written, and of each question once for each completion. What only looks at a model (its
dev measure, the reference's log-probabilities, the tests) is not counted.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path

import pyarrow.compute as pc

from selfsown.dpo_st.training.cost import COST
from selfsown.params import Params
from selfsown.products import read_product


class Iteration(Params):
    """A DPO step: the supervised model that it goes on from, and whose samples its pairs are of."""

    after: str


class Sampled(Params):
    """Samples: of which model, and the product that they go on from."""

    model: str
    earlier: str


class Retrained(Params):
    """Supervised training from the base on labels: the samples that these are of."""

    samples: str


class Lineage(Params):
    """What was made of what, as `dpo_st.matrix` says it; `steps` are folders of models and of samples."""

    iterations: dict[str, Iteration]
    sampled: dict[str, Sampled]
    retrained: dict[str, Retrained]

    def steps(self, place: str) -> set[str]:
        """All that led to a folder such as `sft/first`, `dpo/first` or `samples/warmup`, itself among them."""
        return {place}.union(*map(self.steps, self._before(place)))

    def _before(self, place: str) -> Iterator[str]:
        kind, _, name = place.partition("/")
        if kind == "dpo":
            after = self.iterations[name].after
            yield from (f"sft/{after}", f"samples/{after}")
        elif kind == "sft" and name in self.retrained:
            yield f"samples/{self.retrained[name].samples}"
        elif kind == "samples":
            yield self.sampled[name].model
            earlier = Path(self.sampled[name].earlier)
            if earlier.parent.name == "samples":
                yield f"samples/{earlier.name}"


def costs(
    lineage: Lineage, arms: Mapping[str, str], models: Path, samples: Path, prompts: Mapping[str, int]
) -> dict[str, float]:
    """Operations that led from the base to each arm's model.

    Args:
        arms: the folder of each arm's model, below `models`.
        prompts: tokens of each question, by its id.
    """
    steps = {arm: lineage.steps(model) for arm, model in arms.items()}
    known = {
        step: _of_sampling(step.removeprefix("samples/"), lineage, models, samples, prompts)
        if step.startswith("samples/")
        else _said(models / step)["flops"]
        for step in set().union(*steps.values())
    }
    return {arm: sum(known[step] for step in sorted(led)) for arm, led in steps.items()}


def _of_sampling(name: str, lineage: Lineage, models: Path, samples: Path, prompts: Mapping[str, int]) -> float:
    rows = read_product(samples / name, ["id", "model", "tokens"]).filter(pc.field("model") == name)
    tokens = sum(prompts[each] for each in rows["id"].to_pylist()) + sum(rows["tokens"].to_pylist())
    trained = _said(models / lineage.sampled[name].model)
    return tokens * trained["flops"] / trained["tokens"] / 3


def _said(model: Path) -> dict[str, float]:
    found: dict[str, float] = json.loads((model / COST).read_text())
    return found
