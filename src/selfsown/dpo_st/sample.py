"""Sampling: a model writes K rationales for every question whose answer may be learnt from (DPO-ST, algorithm 2).

Input: the rationales product, a model's folder, and the samples of the model before it (for the first, the rationales
product again, whose labelled rationales then stand first). Output: a `SAMPLE` product with all earlier rows and the
model's own. A completion is correct when it ends with the answer.

Questions of like length share a shard, the longest first. A shard is sampled by one process on one thread, its batches
always the same, and each row draws from a stream of its own: the bytes depend on the parameters alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from selfsown.dpo_st.attempts.product import SAMPLE, next_order, read_earlier
from selfsown.dpo_st.sampling import SamplingParams, requests_for
from selfsown.errors import UserError
from selfsown.identity import Identity
from selfsown.products import CardInfo, read_card, read_product
from selfsown.reasoning.rationale import LEARNT, is_right
from selfsown.shards import ShardResult, map_shards
from selfsown.shards.seeds import purpose_seed
from selfsown.stage import In, Metrics, Out, StageParams, stage

if TYPE_CHECKING:
    from selfsown.dpo_st.sampling.sampler import Sampler


class SampleParams(StageParams):
    """Section `dpo_st.sample`; `shard_size`: questions of a shard, all completions of which are written together."""

    seed: int = Field(ge=0)
    sampling: SamplingParams
    shard_size: int = Field(ge=1)


@dataclass(frozen=True)
class Question:
    """A question to be completed."""

    id: str
    question: str
    gold: str


@dataclass(frozen=True)
class Earlier:
    """A shard that is taken over as it is."""

    rows: pa.Table


Shard: TypeAlias = Earlier | Sequence[Question]


@stage()
def sample(
    params: SampleParams, *, name: str, problems: In, model: In, earlier: In, samples: Out, identity: Identity
) -> Metrics:
    """Write the completions; `name` is what the model is called in the rows.

    Raises:
        UserError: no question to complete, none that the model can read, or the earlier samples hold a model of that
            name.
    """
    before = read_earlier(earlier, name)
    order = next_order(before)
    questions = _questions(problems)
    shards: list[Shard] = [Earlier(before)]
    shards += [questions[start : start + params.shard_size] for start in range(0, len(questions), params.shard_size)]
    source = read_card(problems)
    map_shards(
        partial(Completer, model, params.sampling, purpose_seed(params.seed, f"samples of {name}"), name, order),
        shards,
        samples,
        schema=SAMPLE,
        card=CardInfo(
            name=f"dpo_st samples {name}",
            licence=source.licence,
            source=f"{source.source}; rationales written by the model {name} and those before it",
            seed=params.seed,
            contaminated=source.contaminated,
            note="Rationales that models wrote, right and wrong ones.",
        ),
        identity=identity,
    )
    own = read_product(samples, ["order", "correct", "finished", "tokens"]).filter(pc.field("order") == order)
    if not own.num_rows:
        raise UserError(
            f"{problems}: {model} can read no question on the splits {' and '.join(LEARNT)}: they have more tokens than"
            f" it sees, less the {params.sampling.max_new_tokens} of dpo_st.sample.sampling.max_new_tokens"
        )
    return {
        "completions": own.num_rows,
        "share_correct": pc.mean(own["correct"]).as_py(),
        "share_finished": pc.mean(own["finished"]).as_py(),
        "tokens": pc.sum(own["tokens"]).as_py(),
    }


def _questions(problems: Path) -> list[Question]:
    """Longest first, ties by id: an order that follows from the input."""
    rows = read_product(problems, ["id", "question", "answer", "split"])
    rows = rows.filter(pc.is_in(rows["split"], pa.array(LEARNT))).to_pylist()
    if not rows:
        raise UserError(f"{problems}: no question on the splits {' and '.join(LEARNT)}")
    found = [Question(row["id"], row["question"], row["answer"]) for row in rows]
    return sorted(found, key=lambda each: (-len(each.question), each.id))


class Completer:
    """Completes shards of questions; the model is loaded when the first of them comes, and kept."""

    def __init__(self, model: Path, params: SamplingParams, seed: int, name: str, order: int) -> None:
        self.model, self.params, self.seed, self.name, self.order = model, params, seed, name, order

    @cached_property
    def _sampler(self) -> Sampler:
        from selfsown.dpo_st.sampling.sampler import Sampler

        return Sampler.load(self.model, self.params, self.seed)

    def __call__(self, shard: Shard) -> ShardResult:
        """All completions of a shard's questions, a question's together; those too long for the model are rejected."""
        if isinstance(shard, Earlier):
            return ShardResult(shard.rows)
        asked = {each.id: each for each in shard}
        requests = requests_for([(each.id, each.question) for each in shard], self.params.samples)
        written = self._sampler.complete(requests)
        rows = [
            {
                "id": made.id,
                "question": asked[made.id].question,
                "gold": asked[made.id].gold,
                "rationale": made.text,
                "model": self.name,
                "k": made.k,
                "correct": is_right(made.text, asked[made.id].gold),
                "tokens": made.tokens,
                "finished": made.finished,
                "order": self.order,
            }
            for made in written
        ]
        table, unread = pa.Table.from_pylist(rows, SAMPLE), pa.array([made.unread for made in written], pa.bool_())
        rejected = table.filter(unread).filter(pc.field("k") == 0)  # each question once
        reason = f"too long a question: the model sees no more, with max_new_tokens {self.params.max_new_tokens}"
        rejected = rejected.append_column("reason", pa.array([reason] * rejected.num_rows, pa.string()))
        return ShardResult(table.filter(pc.invert(unread)), rejected)
