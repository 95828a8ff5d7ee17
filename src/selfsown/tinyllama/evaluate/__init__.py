"""Evaluation: bits per byte on held-out documents beside a 5-gram's, lm-eval's tasks, the chat, a draft's speed-up.

packed documents, models, MsAT's tasks -> rows of figures, the items behind them, plots; the models registered.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import torch
from pydantic import Field
from transformers import LlamaConfig, LlamaForCausalLM

from selfsown import evaluation
from selfsown.evaluation import Counts, Evaluation, Row
from selfsown.params import Params
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.tinyllama.evaluate.harness.run import evaluate_tasks
from selfsown.tinyllama.evaluate.harness.tasks import CHANCE, write_tasks
from selfsown.tinyllama.evaluate.questions import answer_questions, majority
from selfsown.tinyllama.evaluate.speculative import speculate
from selfsown.tinyllama.evaluate.streams import document_rows, goings_on, held_out, ngram_rows, texts
from selfsown.tinyllama.model.llama import load_model
from selfsown.tinyllama.packed.streams import Packed
from selfsown.tinyllama.vocabulary.forms import load_tokenizer

NGRAM, MAJORITY, GUESS = "ngram", "majority", "chance"
CHAT_TASK = "arithmetic"


class TaskParams(Params):
    """lm-eval's tasks: `local` are made from held-out documents, `size` items each; `named` are lm-eval's own."""

    local: bool = True
    size: int = Field(ge=1)
    named: dict[str, int] = Field(default_factory=dict, description="task: solved examples before each item")
    limit: int | None = Field(None, ge=1, description="items of each named task")


class SpeculationParams(Params):
    """Speculative decoding: `prompts` held-out documents' beginnings, `new` tokens each, `ahead` drafted at a time."""

    draft: str
    prompts: int = Field(ge=1)
    new: int = Field(ge=1)
    ahead: int = Field(ge=1)


class EvaluateParams(StageParams):
    """Section `tinyllama.evaluate`.

    `registered`: the model whose vocabulary all compared ones share. `documents`: held-out documents of each
    collection. `order`: of the n-gram. `questions`: of the chat.
    """

    data_seed: int = Field(ge=0)
    pretrained: dict[str, str]
    continued: dict[str, dict[str, str]]
    chats: tuple[str, ...]
    registered: str
    documents: int = Field(ge=1)
    batch_size: int = Field(ge=1)
    order: int = Field(5, ge=2)
    tasks: TaskParams
    speculation: SpeculationParams
    questions: int = Field(ge=1)
    samples: int = Field(ge=1)


@stage(tracked=True)
def evaluate(
    params: EvaluateParams,
    *,
    packed: In,
    tasks: In,
    models: In,
    local_tasks: Out,
    rows: Out,
    items: Out,
    plots: Out,
) -> Metrics:
    """Compare every model on the same documents, questions and tasks; register the base model and the chat."""
    vocabulary = params.pretrained[params.registered]
    folders = _folders(params, models)
    tokenizer = load_tokenizer(folders[params.registered])
    streams = Packed.open(packed / vocabulary)
    documents = held_out(streams, params.documents, params.data_seed)
    frames: dict[str, pd.DataFrame] = {
        name: document_rows(folder, documents, params.batch_size) for name, folder in folders.items()
    }
    frames[NGRAM] = ngram_rows(streams, documents, tokenizer, params.order)
    answered = {}
    for name in params.chats:
        arm = f"chat_{name}"
        answered[arm] = answer_questions(folders[arm], tasks, params.questions, params.data_seed, params.batch_size)
        frames[arm] = pd.concat([frames[arm], _marks(CHAT_TASK, answered[arm])])
        frames[MAJORITY] = _marks(CHAT_TASK, majority(answered[arm], tasks, params.data_seed))
    for name, found in _tasks(params, texts(documents, tokenizer), local_tasks, folders[params.registered]):
        frames[name] = pd.concat([frames[name], found])
    EVALUATION.write_items(frames, items)
    measured = EVALUATION.measure(frames, {})
    measured += [Row("accuracy", GUESS, task, share) for task, share in CHANCE.items() if params.tasks.local]
    measured += _speed(folders)
    measured += _speculation(params, folders, documents)
    main = params.registered
    evaluation.write_plots(
        plots,
        bits_per_byte=evaluation.bars(measured, "bits_per_byte"),
        dev=evaluation.dev_curves({name: folder for name, folder in folders.items() if not name.startswith("chat_")}),
        chat_dev=evaluation.dev_curves({name: folder for name, folder in folders.items() if name.startswith("chat_")}),
        samples=goings_on(folders[main], documents, params.samples)
        + [row for frame in answered.values() for row in _answers(frame, params.samples)],
    )
    marked = _register(main, folders, frames, measured, packed / vocabulary)
    headline = {
        "bits_per_byte": ("bits_per_byte", main, ""),
        "bits_per_byte_ngram": ("bits_per_byte", NGRAM, ""),
        "tokens_per_second": ("tokens_per_second", main, ""),
        "mfu": ("mfu", main, ""),
        "chat_accuracy": ("accuracy", f"chat_{main}", CHAT_TASK),
        "draft_acceptance": ("draft_acceptance", main, ""),
    }
    evaluation.write_plots(plots, contaminated=marked)
    return evaluation.write_rows(measured, headline, rows)


def _folders(params: EvaluateParams, models: Path) -> dict[str, Path]:
    """Every model of the registered one's vocabulary, by arm."""
    vocabulary = params.pretrained[params.registered]
    pretrained = [name for name, of in params.pretrained.items() if of == vocabulary]
    return {
        **{name: models / "pretrain" / name for name in pretrained},
        **{f"continued_{name}": models / "continual" / name for name in params.continued},
        **{f"chat_{name}": models / "chat" / name for name in params.chats},
    }


def _marks(task: str, answered: pd.DataFrame) -> pd.DataFrame:
    return pd.DataFrame({
        "measure": "accuracy", "part": task, "id": answered["id"], "value": answered["correct"].astype(float),
        "units": 1.0,
    })  # fmt: skip


def _tasks(
    params: EvaluateParams, documents: list[str], local: Path, folder: Path
) -> Iterator[tuple[str, pd.DataFrame]]:
    """Marks of the registered model on lm-eval's tasks."""
    write_tasks(documents, local, size=params.tasks.size, seed=params.data_seed)
    found = []
    if params.tasks.local:
        found.append(evaluate_tasks(folder, list(CHANCE), local, batch_size=params.batch_size))
    if params.tasks.named:
        shots = params.tasks.named
        found.append(
            evaluate_tasks(
                folder, list(shots), shots=shots, limit=params.tasks.limit, seed=params.data_seed,
                batch_size=params.batch_size,
            )
        )  # fmt: skip
    for frame in found:
        for measure, column in (("accuracy", "correct"), ("accuracy_norm", "correct_norm")):
            yield (
                params.registered,
                pd.DataFrame({
                    "measure": measure, "part": frame["task"], "id": frame["id"], "value": frame[column], "units": 1.0
                }),
            )  # fmt: skip


def _speed(folders: Mapping[str, Path]) -> Iterator[Row]:
    """What training left beside the weights: tokens per second, and MFU."""
    for name, folder in folders.items():
        if (folder / "speed.json").is_file():
            for measure, value in json.loads((folder / "speed.json").read_text()).items():
                yield Row(measure, name, "", value)


def _speculation(params: EvaluateParams, folders: Mapping[str, Path], documents: pd.DataFrame) -> list[Row]:
    wanted, main = params.speculation, params.registered
    model, draft = (load_model(folders[name]) for name in (main, wanted.draft))
    room = model.config.max_position_embeddings - wanted.new
    prompts = [tokens[:room][:32].tolist() for tokens in documents["tokens"].head(wanted.prompts)]
    found = speculate(model, draft, prompts, min(wanted.new, model.config.max_position_embeddings // 2), wanted.ahead)
    return [Row(f"draft_{name}", main, "", value, n=len(prompts)) for name, value in vars(found).items()]


def _answers(frame: pd.DataFrame, count: int) -> list[dict[str, object]]:
    named = frame.rename(columns={"question": "given", "answer": "should"})
    kinds = {kind: named[named["correct"] == mark].head(count) for kind, mark in (("right", 1), ("wrong", 0))}
    return evaluation.samples(kinds, ["given", "should", "said"])


def measure(frames: Mapping[str, pd.DataFrame], section: Mapping[str, Any]) -> list[Row]:
    """Every measure of every arm on every part; bits per byte also over all documents, and beside the n-gram's."""
    made: list[Row] = []
    for arm, frame in frames.items():
        for (name, part), group in frame.groupby(["measure", "part"], sort=False):
            made.append(Counts.of(group, "value", "units").rate(str(name), arm, str(part)))
        documents = frame[frame["measure"] == BITS]
        if not documents.empty:
            made.append(Counts.of(documents, "value", "units").rate(BITS, arm, ""))
            if arm != NGRAM:
                made += _below_ngram(arm, documents, frames[NGRAM])
    return made


BITS = "bits_per_byte"


def _below_ngram(arm: str, ours: pd.DataFrame, ngram: pd.DataFrame) -> Iterator[Row]:
    """Bits that a model saves of the n-gram's, as a share, paired by document."""
    theirs = ngram[ngram["measure"] == BITS]
    for part in ("", *dict.fromkeys(ours["part"])):
        mine, other = (frame if not part else frame[frame["part"] == part] for frame in (ours, theirs))
        yield Counts.of(mine, "value", "units").reduction("bits_saved", arm, part, Counts.of(other, "value", "units"))


EVALUATION = Evaluation(keys=("measure", "part", "id", "units"), counts=("value",), measure=measure)

BASE_CARD = """# A small Llama, pre-trained from scratch

Architecture of Llama 2, {parameters:,} parameters, context of {context} tokens. It has seen minutes of training: it
goes on with English and Python text in form, not in sense. It knows no facts and follows no instructions."""
CHAT_CARD = """# The small Llama, taught to answer

It answers MsAT's arithmetic tasks (`W = 165 . 348 - Q = W . Q ?`) with an equation, and was taught nothing else: any
other question gets the form of an answer, not an answer."""


def _register(
    main: str, folders: Mapping[str, Path], frames: Mapping[str, pd.DataFrame], measured: list[Row], packed: Path
) -> list[dict[str, object]]:
    config = LlamaConfig.from_pretrained(folders[main])
    with torch.device("meta"):
        parameters = LlamaForCausalLM(config).num_parameters()
    documents = {arm: frames[arm][frames[arm]["measure"] == BITS] for arm in (main, NGRAM)}
    header = {"language": "en", "library_name": "transformers"}
    marked = evaluation.register(
        "selfsown-tinyllama",
        folders[main],
        counts=Counts.of(documents[main], "value", "units"),
        baseline=Counts.of(documents[NGRAM], "value", "units"),
        metric="bits_per_byte",
        rows=[row for row in measured if row.arm == main],
        about=BASE_CARD.format(parameters=parameters, context=config.max_position_embeddings),
        example=["Once upon a time"],
        output=["Once upon a time there was"],
        task="text-generation",
        loader="selfsown.tinyllama.commands.chat:serve_text",
        evaluation=packed,
        header=header,
    )
    arm = f"chat_{main}"
    if arm in frames:
        marks = {name: frames[name][frames[name]["part"] == CHAT_TASK] for name in (arm, MAJORITY)}
        right = {name: Counts.of(frame, "value", "units") for name, frame in marks.items()}
        marked += evaluation.register(
            "selfsown-tinyllama-chat",
            folders[arm],
            counts=right[arm].others(),
            baseline=right[MAJORITY].others(),
            metric="wrong_answers",
            rows=[row for row in measured if row.arm == arm],
            about=CHAT_CARD,
            example=["W = 165 . 348 - Q = W . Q ?"],
            output=["348 - 165 = 183"],
            task="text-generation",
            loader="selfsown.tinyllama.commands.chat:serve_answers",
            evaluation=packed,
            header=header,
        )
    return marked
