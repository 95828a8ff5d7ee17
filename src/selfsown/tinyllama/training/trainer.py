"""How a model is pre-trained: the library's trainer over packed sequences, period after period of a schedule.

The learning rate follows one curve over the whole schedule (paper: cosine to a tenth, warm-up). A period with larger
steps is one with more micro-batches each; the trainer that ends one hands its checkpoint to the next.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from math import log
from pathlib import Path
from typing import Any, Literal, Self, TypeVar

import numpy as np
import torch
from pydantic import Field, model_validator
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from transformers import PreTrainedTokenizerFast, Trainer, TrainingArguments
from transformers.trainer_callback import TrainerState

from selfsown.device import compute_device
from selfsown.errors import UserError
from selfsown.files import write_json
from selfsown.launcher import process_count
from selfsown.params import Params
from selfsown.tinyllama.model.llama import IGNORED, PretrainedLlama, save_model
from selfsown.tinyllama.packed.order import Order, Period
from selfsown.tinyllama.packed.streams import Packed, TokenStream
from selfsown.tinyllama.training.data import Sequences, Shifted
from selfsown.tinyllama.training.speed import Speed
from selfsown.tinyllama.vocabulary.forms import ROLES, token_bytes
from selfsown.training import (
    LogToMlflow,
    dev_history,
    finish,
    last_checkpoint,
    library_arguments,
    train_to_end,
)
from selfsown.training.orders import OwnOrder

ParamsOfModel = TypeVar("ParamsOfModel", bound="TrainingParams")

_log = logging.getLogger(__name__)


class TrainingParams(Params):
    """What a training on packed tokens needs beside the model.

    `learn`: all tokens, or those of answers alone where the documents are questions with their rationales (each
    micro-batch then counts alike, however much it answers). `validation`: sequences of each collection that are
    validated on while training. `arguments` are `TrainingArguments`, given to them as they are; the steps are the
    schedule's.
    """

    context: int = Field(ge=8)
    cross_document_attention: bool = True
    learn: Literal["all", "answers"] = "all"
    schedule: tuple[Period, ...] = Field(min_length=1)
    validation: int = Field(ge=1)
    arguments: dict[str, Any]

    @model_validator(mode="after")
    def _steps_are_the_schedules(self) -> Self:
        if "max_steps" in self.arguments:
            raise ValueError("arguments.max_steps: the steps are those of the schedule")
        return self

    @property
    def collections(self) -> list[str]:
        """All that the schedule takes sequences of, in a fixed order."""
        return list(dict.fromkeys(name for period in self.schedule for name in period.mixture))

    def step_sequences(self) -> int:
        """Sequences in a step of a period whose `batch` is 1."""
        batch = int(self.arguments.get("per_device_train_batch_size", 8))
        return batch * int(self.arguments.get("gradient_accumulation_steps", 1))


def described(models: Mapping[str, ParamsOfModel], name: str, section: str) -> ParamsOfModel:
    """The parameters of one model.

    Raises:
        UserError: the matrix names a model that is not described.
    """
    if name not in models:
        raise UserError(f"params.yaml: {section}.models: {name!r} is not described, the matrix names it")
    return models[name]


def train_model(
    model: PretrainedLlama,
    tokenizer: PreTrainedTokenizerFast,
    params: TrainingParams,
    packed: Path,
    work: Path,
    *,
    seed: int,
    section: str,
) -> dict[str, float]:
    """Train to the last step and write the model's folder; a killed run goes on from its last whole checkpoint.

    Beside the weights stand `losses.json`, the loss in nats a token by step, and `speed.json`: `tokens_per_second` and
    `mfu`.

    Returns:
        Those two, the lowest bits per byte on validation sequences, shares and epochs of each collection, parameters.

    Raises:
        UserError: arguments that the library does not take, or that several periods cannot be trained with.
    """
    if len(params.schedule) > 1 and params.arguments.get("save_strategy", "steps") != "steps":
        raise UserError(f"params.yaml: {section}.arguments.save_strategy: several periods need 'steps'")
    opened, length = Packed.open(packed), params.context + 1
    streams = opened.of("train", params.collections)
    order = Order(
        seed, params.schedule, params.step_sequences(), {name: s.sequences(length) for name, s in streams.items()}
    )
    shared: dict[str, Any] = {
        "model": model,
        "total_steps": order.steps,
        "context": params.context,
        "token_bytes": torch.from_numpy(token_bytes(tokenizer)),
        "held_out": {
            name: _spread(stream, length, params.validation)
            for name, stream in opened.of("validation", params.collections).items()
        },
        "data_collator": Shifted(
            tokenizer.bos_token_id,
            apart=not params.cross_document_attention,
            answer=tokenizer.convert_tokens_to_ids(ROLES[-1]) if params.learn == "answers" else None,
        ),
    }
    done, ends = _steps_done(work), np.cumsum([period.steps for period in params.schedule]).tolist()
    ahead = [place for place, end in enumerate(ends) if done < end] or [len(ends) - 1]
    for place in ahead:
        first, last = ends[place] - params.schedule[place].steps, ends[place]
        trainer = PretrainingTrainer(
            **shared,
            args=_arguments(params, params.schedule[place].batch, last, work, seed, section),
            train_dataset=Sequences(order, streams, params.context, first, last),
            callbacks=[LogToMlflow()],
        )
        _assert_sharded(trainer, trainer.args)
        train_to_end(trainer, work)
    speed = trainer.speed.totals()
    losses = [{"step": x["step"], "loss": x["loss"]} for x in trainer.state.log_history if "loss" in x]

    def save(folder: Path) -> None:
        save_model(model, tokenizer, folder)
        write_json(folder / "losses.json", losses)
        write_json(folder / "speed.json", speed)

    best = finish(work, save, dev_history(trainer, "bits_per_byte"), min)
    shares = {f"mixture_{name}": share for name, share in order.proportions.items()}
    epochs = {f"epochs_{name}": count for name, count in order.epochs.items()}
    return {**best, **speed, **shares, **epochs, "parameters": float(model.num_parameters())}


def _steps_done(work: Path) -> int:
    """What the last whole checkpoint has behind it."""
    if (checkpoint := last_checkpoint(work)) is None:
        return 0
    return int(TrainerState.load_from_json(str(Path(checkpoint) / "trainer_state.json")).global_step)


def _spread(stream: TokenStream, length: int, count: int) -> np.ndarray:
    """Sequences to validate on, evenly spread over the stream, so over its documents: `[sequences, length]`."""
    places = np.linspace(0, stream.sequences(length) - 1, count).astype(int)
    return stream.read(np.unique(places).tolist(), length)


def _arguments(params: TrainingParams, batch: int, last: int, work: Path, seed: int, section: str) -> TrainingArguments:
    """The library's own, up to the step `last`, of a period whose steps are `batch` times as large."""
    accumulated = batch * int(params.arguments.get("gradient_accumulation_steps", 1))
    block = {**params.arguments, "max_steps": last, "gradient_accumulation_steps": accumulated}
    return library_arguments(
        TrainingArguments,
        _compiled_where_possible(block),
        work=work,
        section=section,
        keep_best=False,
        seed=seed,
        data_seed=seed,
    )


def _compiled_where_possible(block: dict[str, Any]) -> dict[str, Any]:
    """Without a C++ compiler `torch.compile` fails at the first step, so the model is then not compiled."""
    if not block.get("torch_compile") or compute_device().type != "cpu":
        return block
    from torch._inductor.cpp_builder import get_cpp_compiler
    from torch._inductor.exc import InvalidCxxCompiler

    try:
        get_cpp_compiler()
    except InvalidCxxCompiler:
        _log.warning("torch_compile: no C++ compiler on this machine (g++ would do); training goes on without")
        return {**block, "torch_compile": False}
    return block


def _assert_sharded(trainer: Trainer, arguments: TrainingArguments) -> None:
    """What was asked for is what is done: on processors `Trainer` takes FSDP for plain data parallelism in silence.

    Raises:
        UserError: FSDP was asked for and is not used.
    """
    kind = str(trainer.accelerator.distributed_type.value)
    if arguments.fsdp and process_count() > 1 and kind != "FSDP":
        raise UserError(f"arguments.fsdp: the library would train with {kind} here instead; leave it out on CPU")


class PretrainingTrainer(OwnOrder, Trainer):
    """The library's trainer with one schedule over several periods, bits per byte as its measure, and its speed."""

    def __init__(
        self,
        *,
        total_steps: int,
        held_out: Mapping[str, np.ndarray],
        token_bytes: torch.Tensor,
        context: int,
        **kwargs: Any,
    ) -> None:
        self.total_steps = total_steps
        super().__init__(**kwargs, eval_dataset=[])
        self.held_out = held_out
        self.token_bytes = token_bytes
        self.speed = Speed(self.model, context, self.args)
        self.add_callback(self.speed)

    def create_scheduler(self, num_training_steps: int, optimizer: Optimizer | None = None) -> LRScheduler:
        """Over all periods, not over this one."""
        return super().create_scheduler(self.total_steps, optimizer)

    def get_decay_parameter_names(self, model: Any) -> list[str]:
        """All of them: the paper's code gives AdamW one group."""
        return [name for name, _ in model.named_parameters()]

    def log(self, logs: dict[str, float], *args: Any, **kwargs: Any) -> None:
        """With the speed since the last time, where a loss is logged."""
        if "loss" in logs:
            logs = {**logs, **self.speed.since_last()}
        super().log(logs, *args, **kwargs)

    @torch.no_grad()
    def evaluate(self, *args: Any, metric_key_prefix: str = "eval", **kwargs: Any) -> dict[str, float]:
        """Bits per byte of what is learnt of each collection's held-out sequences, and over all of them together."""
        model = self.model.eval()
        bits: dict[str, float] = {}
        sizes: dict[str, float] = dict.fromkeys(self.held_out, 0.0)
        for name, tokens in self.held_out.items():
            rows = torch.from_numpy(tokens)
            nats = 0.0
            for part in rows.split(self.args.per_device_eval_batch_size):
                batch = self._prepare_inputs(self.data_collator(list(part.numpy())))
                learnt = batch["labels"][batch["labels"] != IGNORED]
                if not len(learnt):
                    continue
                with self.compute_loss_context_manager():
                    nats += float(model(**batch)["loss"]) * len(learnt)
                sizes[name] += float(self.token_bytes[learnt.cpu()].sum())
            bits[name] = nats / log(2)
        self.model.train()
        each = {f"{metric_key_prefix}_bits_per_byte_{name}": bits[name] / sizes[name] for name in bits}
        self.log(each)
        whole = sum(bits.values()) / sum(sizes.values())
        return {**each, **self.measured(f"{metric_key_prefix}_bits_per_byte", whole)}
