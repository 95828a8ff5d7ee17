"""The test questions through every arm's model: greedily with the calculator and without, and drawn several times.

Input: the rationales product (its splits test and unseen), the folder of all models. Output: an `ANSWER` product. All
arms answer the same questions, and draw from the same random streams.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, get_args

import pyarrow as pa
import pyarrow.compute as pc
from pydantic import Field

from selfsown.dpo_st.sampling import SamplingParams, requests_for
from selfsown.errors import UserError
from selfsown.identity import Identity
from selfsown.products import CardInfo, read_card, read_product
from selfsown.reasoning.rationale import LEARNT, is_right
from selfsown.shards import ShardResult, map_shards
from selfsown.shards.seeds import purpose_seed, rank
from selfsown.stage import In, Metrics, Out, StageParams, stage

if TYPE_CHECKING:
    from selfsown.dpo_st.sampling.sampler import Sampler

Mode = Literal["calculator", "plain", "drawn"]
"""Greedy with the calculator, greedy without it, drawn with it."""

UNSEEN = "unseen"

ANSWER = pa.schema([
    ("arm", pa.string()), ("model", pa.string()), ("part", pa.string()), ("id", pa.string()), ("group", pa.string()),
    ("unit", pa.string()), ("question", pa.string()), ("gold", pa.string()), ("mode", pa.string()), ("k", pa.int32()),
    ("rationale", pa.string()), ("correct", pa.bool_()), ("tokens", pa.int32()), ("finished", pa.bool_()),
])  # fmt: skip
"""One answer.

arm, model: who answers, and the folder of its model among all models.
part: the source of the question, or `unseen`.
id, group, question, gold: the question's.
unit: what is right or wrong together: the question where its group (a template) is learnt from, else its group.
mode: `calculator`, `plain` or `drawn`.
k: which of the drawn ones.
rationale, tokens, finished: what was written, how many tokens it took, whether it ended by itself.
correct: whether it ends with the answer.
"""


class AnswerParams(StageParams):
    """Section `dpo_st.answer`.

    `arms`: name and folder of each model. `drawn`: those that also draw. `main`: the part that is also answered without
    the calculator and by drawing. `questions`: of a part, by mode, drawn by seed; null takes all.
    """

    data_seed: int = Field(ge=0)
    arms: dict[str, str] = Field(min_length=1)
    drawn: tuple[str, ...]
    main: str
    questions: dict[Mode, int | None]
    sampling: SamplingParams
    shard_size: int = Field(ge=1, description="questions of a shard")


class Job(NamedTuple):
    """A shard: some questions of one part through one model."""

    arm: str
    model: str
    mode: Mode
    questions: tuple[Mapping[str, Any], ...]


@stage()
def answer(params: AnswerParams, *, problems: In, models: In, answers: Out, identity: Identity) -> Metrics:
    """Answer the test questions.

    Raises:
        UserError: the main part is not among them, or an arm draws that is not there.
    """
    parts = asked_parts(problems)
    if params.main not in parts:
        raise UserError(f"params.yaml: dpo_st.answer.main: no part {params.main!r}: {', '.join(sorted(parts))}")
    if unknown := set(params.drawn) - set(params.arms):
        raise UserError(f"params.yaml: dpo_st.answer.drawn: no arm {min(unknown)!r}: {', '.join(params.arms)}")
    source = read_card(problems)
    map_shards(
        partial(Answerer, models, params.sampling, purpose_seed(params.data_seed, "answers")),
        list(jobs(parts, params)),
        answers,
        schema=ANSWER,
        card=CardInfo(
            name="dpo_st answers",
            licence=source.licence,
            source=f"{source.source}; answers written by models",
            seed=params.data_seed,
            contaminated=source.contaminated,
            note="Never to be trained on: the questions are those of the tests.",
        ),
        identity=identity,
    )
    made = read_product(answers, ["mode", "finished", "tokens"])
    return {"answers": made.num_rows, "share_finished": pc.mean(made["finished"]).as_py()}


def asked_parts(problems: Path) -> dict[str, list[dict[str, Any]]]:
    """The test questions by part."""
    rows = read_product(problems, ["id", "question", "answer", "group", "source", "split"]).to_pylist()
    learnt = {row["group"] for row in rows if row["split"] in LEARNT}
    parts: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        if row["split"] in ("test", UNSEEN):
            unit = row["id"] if row["group"] in learnt else row["group"]
            parts[UNSEEN if row["split"] == UNSEEN else row["source"]].append({**row, "unit": unit})
    return dict(parts)


def jobs(parts: Mapping[str, Sequence[Mapping[str, Any]]], params: AnswerParams) -> Iterator[Job]:
    """What there is to do, all of a model's together; longer questions first, so that those of a batch are alike."""
    for arm, model in params.arms.items():
        for mode in get_args(Mode):
            if mode == "drawn" and arm not in params.drawn:
                continue
            for part in parts if mode == "calculator" else (params.main,):
                wanted = sorted(parts[part], key=lambda row: rank(params.data_seed, row["id"]))
                wanted = sorted(
                    wanted[: params.questions.get(mode)], key=lambda row: (-len(row["question"]), row["id"])
                )
                for start in range(0, len(wanted), params.shard_size):
                    rows = wanted[start : start + params.shard_size]
                    yield Job(arm, model, mode, tuple({**row, "part": part} for row in rows))


class Answerer:
    """Answers shards; the model of the last one is kept."""

    def __init__(self, models: Path, params: SamplingParams, seed: int) -> None:
        self.models, self.params, self.seed = models, params, seed
        self._of: tuple[str, Mode] | None = None
        self._kept: Sampler | None = None

    def __call__(self, job: Job) -> ShardResult:
        """A row of `ANSWER` for each completion; a question too long for the model has an empty, wrong one."""
        asked = {row["id"]: row for row in job.questions}
        count = self.params.samples if job.mode == "drawn" else 1
        requests = requests_for([(name, row["question"]) for name, row in asked.items()], count)
        rows = [
            {
                **{name: asked[made.id][name] for name in ("part", "id", "group", "unit", "question")},
                "gold": asked[made.id]["answer"],
                "arm": job.arm,
                "model": job.model,
                "mode": job.mode,
                "k": made.k,
                "rationale": made.text,
                "correct": is_right(made.text, asked[made.id]["answer"]),
                "tokens": made.tokens,
                "finished": made.finished,
            }
            for made in self._sampler(job.model, job.mode).complete(requests)
        ]
        return ShardResult(pa.Table.from_pylist(rows, ANSWER))

    def _sampler(self, model: str, mode: Mode) -> Sampler:
        if self._kept is None or self._of != (model, mode):
            from selfsown.dpo_st.sampling.sampler import Sampler

            greedy = {} if mode == "drawn" else {"temperature": 0.0, "calculator": mode == "calculator"}
            self._kept = None  # before the next one is loaded
            self._kept = Sampler.load(self.models / model, self.params.model_copy(update=greedy), self.seed)
            self._of = model, mode
        return self._kept
