"""What dpo_st's stages cost, for `selfsown plan`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from selfsown.plan.architectures import TRAINED, EncoderDecoder
from selfsown.plan.models import Model, shape
from selfsown.plan.work import COUNTED, Work, trained_bytes, trained_examples

LENGTHS = {
    "templates": ((60, 67), "a question with its rationale of 127 tokens: what laptop's supervised training reads"),
    "gsm8k": (
        (59, 72),
        "a question of 59 tokens, a rationale of 72: GSM8K's mean characters, 235 and 287, at four a token",
    ),
}
"""Tokens of a question and of its rationale, by the kind of the set that is learnt from."""

LEARNT = ("labelled", "pool")
LABELLED = 7473
WHOLE_SET = f"all rows that a count of null takes: the {LABELLED:,} of GSM8K's training file"
TEST_SET = 1319
TESTS = f"as many test questions as a count of null takes: the {TEST_SET:,} of GSM8K's test file"
MOST_PAIRS = "as many pairs as a question may have, for every question"
WRITING = "each completion reads its question anew; the key-value cache saves the rest"


def works(params: Mapping[str, Any], made: Mapping[str, Model]) -> Iterator[Work]:
    """Training, sampling, what the reference makes of pairs, and answering."""
    section = params["dpo_st"]
    matrix = section["matrix"]
    for name, source in matrix["fetched"].items():
        yield Work("dpo_st.base", name, disk=4.0 * shape(source).parameters, sources=(source,))
    base = _base(matrix, made)
    learnt = params["corpora"]["rationales"]["sets"][0]
    (question, rationale), why = LENGTHS[learnt["kind"]]
    once = _forward(base, question, rationale)
    tokens = question + rationale
    for name in [*matrix["labelled"], *matrix["retrained"]]:
        arguments = {**section["sft"]["arguments"], "max_steps": section["sft"]["steps"][name]}
        examples = trained_examples(arguments)
        yield Work(
            "dpo_st.sft", name, examples, examples * tokens, TRAINED * examples * once,
            trained_bytes(base.parameters, arguments), assumed=(why,), checked=COUNTED,
        )  # fmt: skip
    rows = [learnt["rows"].get(split, 0) for split in LEARNT]
    questions = sum(LABELLED if count is None else count for count in rows)
    for name in matrix["sampled"]:
        written = questions * section["sample"]["sampling"]["samples"]
        yield Work(
            "dpo_st.sample", name, written, written * tokens, written * once,
            assumed=(why, WRITING, *([WHOLE_SET] if None in rows else [])), checked=COUNTED,
        )  # fmt: skip
    for name in matrix["iterations"]:
        chosen = questions * section["pairs"]["rules"]["per_question"]
        yield Work(
            "dpo_st.pairs", name, chosen, 2 * chosen * tokens, 2 * chosen * once,
            assumed=(why, MOST_PAIRS, *([WHOLE_SET] if None in rows else [])), checked=COUNTED,
        )  # fmt: skip
        arguments = section["dpo"]["arguments"]
        pairs = trained_examples(arguments)
        yield Work(
            "dpo_st.dpo", name, pairs, 2 * pairs * tokens, TRAINED * 2 * pairs * once,
            trained_bytes(base.parameters, arguments), assumed=(why,), checked=COUNTED,
        )  # fmt: skip
    counts, tests = section["answer"]["questions"], _tests(learnt)
    for arm in section["answer"]["arms"]:
        answered = sum(
            (tests if counts[mode] is None else counts[mode]) * times
            for mode, times in (
                ("calculator", 1),
                ("plain", 1),
                ("drawn", section["answer"]["sampling"]["samples"] * (arm in section["answer"]["drawn"])),
            )
        )
        yield Work(
            "dpo_st.answer", arm, answered, answered * tokens, answered * once,
            assumed=(why, WRITING, *([TESTS] if tests == TEST_SET else [])), checked=COUNTED,
        )  # fmt: skip


def _base(matrix: Mapping[str, Any], made: Mapping[str, Model]) -> Model:
    """What every arm starts from: a model that another pipeline makes, or a fetched one."""
    folder = str(matrix["base"])
    return made[folder] if folder in made else shape(matrix["fetched"][folder.rpartition("/")[2]])


def _tests(learnt: Mapping[str, Any]) -> int:
    """Test questions of the set that is learnt from; GSM8K's are a file of their own."""
    rows = learnt["rows"]
    return rows["test"] + rows.get("unseen", 0) if learnt["kind"] == "templates" else TEST_SET


def _forward(model: Model, question: float, rationale: float) -> float:
    """Of a question with its rationale: through an encoder and a decoder, or one after the other."""
    if isinstance(model, EncoderDecoder):
        return model.encode(question) + model.decode(rationale, question)
    return model.forward(question + rationale)
