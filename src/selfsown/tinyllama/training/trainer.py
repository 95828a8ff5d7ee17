"""How a model is pre-trained: the library's trainer over packed sequences, period after period of a schedule.

The learning rate follows one curve over the whole schedule (paper: cosine to a tenth, warm-up). A period with larger
steps is one with more micro-batches each; the trainer that ends one hands its checkpoint to the next.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from math import log
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from pydantic import Field, model_validator
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler
from transformers import PreTrainedTokenizerFast, Trainer, TrainerCallback, TrainingArguments
from transformers.trainer_callback import TrainerState

from selfsown.device import compute_device, compute_dtype
from selfsown.errors import UserError
from selfsown.files import write_json
from selfsown.launcher import process_count
from selfsown.params import Params
from selfsown.tinyllama.model.flops import flops_per_token, measured_peak
from selfsown.tinyllama.model.llama import PretrainedLlama, save_model
from selfsown.tinyllama.packed.order import Order, Period
from selfsown.tinyllama.packed.streams import Packed, TokenStream
from selfsown.tinyllama.training.data import Sequences, Shifted
from selfsown.tinyllama.vocabulary.forms import token_bytes
from selfsown.training import (
    LogToMlflow,
    OwnOrder,
    dev_history,
    finish,
    last_checkpoint,
    library_arguments,
    train_to_end,
)

SPEED = ("tokens_per_second", "mfu")

_log = logging.getLogger(__name__)


class TrainingParams(Params):
    """What a training on packed tokens needs beside the model.

    `validation`: sequences of each collection that are validated on while training. `arguments` are
    `TrainingArguments`, given to them as they are; the steps are the schedule's.
    """

    context: int = Field(ge=8)
    cross_document_attention: bool = True
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


def train_model(
    model: PretrainedLlama,
    tokenizer: PreTrainedTokenizerFast,
    params: TrainingParams,
    packed: Packed,
    work: Path,
    *,
    seed: int,
    section: str,
) -> dict[str, float]:
    """Train to the end and write the model's folder.

    Beside the weights stand `losses.json`, the loss in nats a token by step, and `speed.json`: `tokens_per_second` and
    `mfu`.

    Returns:
        Those two, the lowest bits per byte on validation sequences, shares and epochs of each collection, parameters.
    """
    trainer, figures = run(model, tokenizer, params, packed, work, seed=seed, section=section)
    losses = [{"step": x["step"], "loss": x["loss"]} for x in trainer.state.log_history if "loss" in x]

    def save(folder: Path) -> None:
        save_model(model, tokenizer, folder)
        write_json(folder / "losses.json", losses)
        write_json(folder / "speed.json", {name: figures[name] for name in SPEED if name in figures})

    best = finish(work, save, dev_history(trainer, "bits_per_byte"), min)
    return {**best, **figures, "parameters": float(model.num_parameters())}


def run(
    model: PretrainedLlama,
    tokenizer: PreTrainedTokenizerFast,
    params: TrainingParams,
    packed: Packed,
    work: Path,
    *,
    seed: int,
    section: str,
) -> tuple[PretrainingTrainer, dict[str, float]]:
    """Train to the last step; a killed run goes on from its last whole checkpoint.

    Returns:
        The trainer of the last period, which knows what was logged in all; and tokens per second, MFU, the realised
        mixture, epochs.
    """
    streams = packed.of("train", params.collections)
    length = params.context + 1
    sequences = {name: stream.sequences(length) for name, stream in streams.items()}
    order = Order(seed, params.schedule, params.step_sequences(), sequences)
    held_out = {name: _spread(s, params) for name, s in packed.of("validation", params.collections).items()}
    step, trainer = 0, None
    for period in params.schedule:
        first, step = step, step + period.steps
        reached = _steps_done(work)
        if step < order.steps and reached >= step:
            continue
        if reached < first:
            raise UserError(f"params.yaml: {section}.arguments.save_strategy: several periods need 'steps'")
        trainer = _trainer(
            model, tokenizer, params, period, work, (first, step), order, streams, held_out, seed, section
        )
        train_to_end(trainer, work)
    assert trainer is not None
    shares = {f"mixture_{name}": share for name, share in order.proportions.items()}
    epochs = {f"epochs_{name}": count for name, count in order.epochs.items()}
    return trainer, {**trainer.speed.totals(), **shares, **epochs}


def _steps_done(work: Path) -> int:
    """What the last whole checkpoint has behind it."""
    checkpoint = last_checkpoint(work)
    return 0 if checkpoint is None else _state(Path(checkpoint)).global_step


def _state(checkpoint: Path) -> TrainerState:
    return TrainerState.load_from_json(str(checkpoint / "trainer_state.json"))


def _spread(stream: TokenStream, params: TrainingParams) -> np.ndarray:
    """Sequences to validate on, evenly spread over the stream, so over its documents: `[sequences, context + 1]`."""
    length = params.context + 1
    count = stream.sequences(length)
    return stream.read(np.unique(np.linspace(0, count - 1, params.validation).astype(int)).tolist(), length)


def _trainer(
    model: PretrainedLlama,
    tokenizer: PreTrainedTokenizerFast,
    params: TrainingParams,
    period: Period,
    work: Path,
    steps: tuple[int, int],
    order: Order,
    streams: Mapping[str, TokenStream],
    held_out: Mapping[str, np.ndarray],
    seed: int,
    section: str,
) -> PretrainingTrainer:
    """The trainer of one period."""
    first, last = steps
    accumulated = period.batch * int(params.arguments.get("gradient_accumulation_steps", 1))
    block = {**params.arguments, "max_steps": last, "gradient_accumulation_steps": accumulated}
    block = _compiled_where_possible(block)
    arguments = library_arguments(
        TrainingArguments, block, work=work, section=section, keep_best=False, seed=seed, data_seed=seed
    )
    number = first * period.batch * order.batch
    trainer = PretrainingTrainer(
        total_steps=order.steps,
        held_out=held_out,
        token_bytes=torch.from_numpy(token_bytes(tokenizer)),
        context=params.context,
        model=model,
        args=arguments,
        data_collator=Shifted(None if params.cross_document_attention else tokenizer.bos_token_id),
        train_dataset=Sequences(
            order, streams, params.context, int(order.starts[first]), number, int(order.starts[last])
        ),
        callbacks=[LogToMlflow()],
    )
    _assert_sharded(trainer, arguments)
    return trainer


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
        """Bits per byte of each collection's held-out sequences, and over all of them together."""
        model = self.model.eval()
        bits: dict[str, float] = {}
        sizes: dict[str, float] = {}
        for name, tokens in self.held_out.items():
            rows = torch.from_numpy(tokens)
            nats = 0.0
            for part in rows.split(self.args.per_device_eval_batch_size):
                batch = self._prepare_inputs(self.data_collator(list(part.numpy())))
                with self.compute_loss_context_manager():
                    nats += float(model(**batch)["loss"]) * batch["labels"].numel()
            bits[name] = nats / log(2)
            sizes[name] = float(self.token_bytes[rows[:, 1:]].sum())
        self.model.train()
        each = {f"{metric_key_prefix}_bits_per_byte_{name}": bits[name] / sizes[name] for name in bits}
        self.log(each)
        whole = sum(bits.values()) / sum(sizes.values())
        return {**each, **self.measured(f"{metric_key_prefix}_bits_per_byte", whole)}


class Speed(TrainerCallback):
    """Tokens per second and MFU of reading and training; neither validation nor logging nor saving is in it."""

    def __init__(self, model: PretrainedLlama, context: int, arguments: TrainingArguments) -> None:
        per_step = arguments.per_device_train_batch_size * arguments.gradient_accumulation_steps
        self.tokens_per_step = per_step * context * process_count()
        self.flops = flops_per_token(model, context)
        self.peak = measured_peak(compute_device(), compute_dtype()) * process_count()
        self.seconds: list[float] = []
        self.logged = 0

    def on_train_begin(self, *args: Any, **kwargs: Any) -> None:
        """The clock starts, and again after all that is no training."""
        self.start = time.perf_counter()

    on_log = on_evaluate = on_save = on_train_begin

    def on_step_end(self, *args: Any, **kwargs: Any) -> None:
        """A step was read and taken; a GPU has waited for its gradients' norm by then."""
        now = time.perf_counter()
        self.seconds.append(now - self.start)
        self.start = now

    def since_last(self) -> dict[str, float]:
        """Over the steps since this was asked before."""
        seconds, self.logged = self.seconds[self.logged :], len(self.seconds)
        return self._rates(seconds)

    def totals(self) -> dict[str, float]:
        """Over all steps of this process but the first, which warms up and compiles."""
        return self._rates(self.seconds[1:])

    def _rates(self, seconds: list[float]) -> dict[str, float]:
        if not seconds:
            return {}
        rate = self.tokens_per_step * len(seconds) / sum(seconds)
        return {"tokens_per_second": rate, "mfu": rate * self.flops / self.peak}
