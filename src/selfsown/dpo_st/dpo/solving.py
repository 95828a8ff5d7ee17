"""How many dev questions a model in training solves, with the calculator, as it is asked when it is used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from selfsown.dpo_st.sampling import SamplingParams, requests_for
from selfsown.dpo_st.sampling.sampler import Sampler
from selfsown.dpo_st.training.dev import Question
from selfsown.reasoning.rationale import is_right


@dataclass(frozen=True)
class Solving:
    """Questions, and how they are completed."""

    questions: Sequence[Question]
    params: SamplingParams
    seed: int

    def pass_at_1(self, model: Any, tokenizer: Any, accelerator: Any) -> float:
        """Share of the completions that end with the answer; the processes share the questions."""
        place, count = accelerator.process_index, accelerator.num_processes
        sampler = Sampler.of(model, tokenizer, self.params, self.seed)
        read = [each for each in self.questions if sampler.fits(each["question"])]
        mine = read[place::count]
        # Weights may be spread over the processes, so all of them must write as many batches: some write one in vain.
        spare = -(-len(read) // count) - len(mine)
        asked = [*mine, *read[:spare]]
        requests = requests_for([(each["id"], each["question"]) for each in asked], self.params.samples)
        written = sampler.complete(requests)
        answers = {each["id"]: each["answer"] for each in mine}
        counted = written[: len(mine) * self.params.samples]
        right = sum(is_right(each.text, answers[each.id]) for each in counted)
        total = accelerator.reduce(torch.tensor(float(right), device=accelerator.device), reduction="sum")
        return float(total) / (len(self.questions) * self.params.samples)
