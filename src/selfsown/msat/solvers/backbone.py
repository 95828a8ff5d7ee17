"""What both solvers share: the encoder with its adapters, the folder they are kept in, and what a solver can do.

A solver's folder holds `solver.json` (its `SolverConfig`), `model.safetensors`, and in `encoder/` the encoder's
config and tokenizer. Nothing in it is pickled and no code is loaded from it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

import torch
from pydantic import Field, field_validator
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase

from selfsown.arithmetic import Program, Refused, parse_decimal
from selfsown.errors import UserError
from selfsown.files import write_atomic
from selfsown.msat.solvers.adapters import add_adapters
from selfsown.msat.solvers.encoder import keep_layers, load_encoder
from selfsown.msat.solvers.representation import Problem, Style
from selfsown.params import Params

ENCODER = "encoder"
CONFIG = "solver.json"
WEIGHTS = "model.safetensors"

Kind = Literal["seq2seq", "dag"]


class DecoderParams(Params):
    """The Transformer decoder of the seq2seq solver; `max_length`: tokens of a program, more are cut off."""

    layers: int = Field(ge=1)
    heads: int = Field(ge=1)
    feed_forward: int = Field(ge=1)
    dropout: float = Field(ge=0, lt=1)
    label_smoothing: float = Field(ge=0, lt=1)
    max_length: int = Field(ge=8, le=512)


class DagParams(Params):
    """The DAG solver.

    `margin`: by how much the gold step must beat the others (0 in the paper); `softness`: of the maximum in the loss
    (0, none, in the paper); `max_steps`: of a program;
    `replacement`: a step may use the same value twice; `gru_start`: at first the GRU mixes what it is told at random
    (the paper), or hands the values on nearly as they are.
    """

    dropout: float = Field(ge=0, lt=1)
    margin: float = Field(ge=0)
    softness: float = Field(ge=0)
    max_steps: int = Field(ge=1, le=64)
    replacement: bool
    gru_start: Literal["random", "values"] = "random"  # solvers kept from before there was a choice do not say it


class SolverConfig(Params):
    """What a solver is, beside its encoder; `constants`: values a program may use that the question does not name."""

    kind: Kind
    style: Style
    bottleneck: int = Field(ge=1)
    max_tokens: int = Field(ge=8)
    encoder_dropout: float = Field(ge=0, lt=1)
    constants: tuple[str, ...]
    decoder: DecoderParams
    dag: DagParams

    @field_validator("constants")
    @classmethod
    def _by_value(cls, constants: tuple[str, ...]) -> tuple[str, ...]:
        """The order of `selfsown.arithmetic`'s list of operands."""
        return tuple(sorted(constants, key=parse_decimal))


def read_config(folder: Path) -> SolverConfig:
    """What the solver of a folder is.

    Raises:
        UserError: not a whole solver's folder.
    """
    for name in (CONFIG, WEIGHTS, ENCODER):
        if not (folder / name).exists():
            raise UserError(f"{folder}: not a solver: {name} is missing; its stage makes it with `dvc repro`")
    return SolverConfig.model_validate_json((folder / CONFIG).read_bytes())


class Backbone(nn.Module):
    """An encoder with adapters under a head that turns what it read into programs; subclasses are the heads."""

    def __init__(self, config: SolverConfig, encoder: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
        super().__init__()
        self.settings = config
        self.tokenizer = tokenizer
        self.encoder = encoder
        for name in ("hidden_dropout_prob", "attention_probs_dropout_prob"):
            if hasattr(encoder.config, name):
                setattr(encoder.config, name, config.encoder_dropout)
        for module in encoder.modules():
            if isinstance(module, nn.Dropout):
                module.p = config.encoder_dropout
            if isinstance(getattr(module, "dropout_prob", None), float):
                module.dropout_prob = config.encoder_dropout
        add_adapters(encoder, config.bottleneck)

    @property
    def width(self) -> int:
        """Of the encoder's states."""
        return int(self.encoder.config.hidden_size)

    @property
    def device(self) -> torch.device:
        """Where the weights are."""
        return next(self.parameters()).device

    @abstractmethod
    def target(self, problem: Problem) -> Any:
        """The gold program as this solver is trained to say it.

        Raises:
            Unreadable: a program that this solver cannot say.
        """

    @abstractmethod
    def collate_targets(self, targets: Sequence[Any], spans: Tensor) -> dict[str, Tensor]:
        """Targets of a batch whose numbers' `spans` are `[batch, numbers, 2]`, as arguments of `forward`."""

    @abstractmethod
    def decode(self, batch: dict[str, Tensor]) -> list[Program | Refused]:
        """Greedy programs of a batch in order, with the numbers that they state; one that is none is its refusal."""

    def read(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """States `[batch, tokens, width]` of token ids `[batch, tokens]`."""
        states: Tensor = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        return states

    def replace_constants(self, constants: Sequence[str]) -> None:
        """Let programs use other constants: what was learned of those that stay is kept, the rest is new."""
        kept = {value: index for index, value in enumerate(self.settings.constants)}
        self.settings = SolverConfig.model_validate({**self.settings.model_dump(), "constants": constants})
        self._resize_constants([kept.get(value) for value in self.settings.constants])

    @abstractmethod
    def _resize_constants(self, kept: Sequence[int | None]) -> None:
        """Take the weights of constant i from those of `kept[i]`, new ones for None."""

    def save(self, folder: Path) -> None:
        """Write the solver's folder; the weights appear last and whole."""
        folder.mkdir(parents=True, exist_ok=True)
        self.encoder.config.save_pretrained(folder / ENCODER)
        self.tokenizer.save_pretrained(folder / ENCODER)
        write_atomic(folder / CONFIG, self.settings.model_dump_json(indent=1).encode() + b"\n")
        weights = {name: weight.detach().cpu().contiguous() for name, weight in self.state_dict().items()}
        temporary = folder / f".{WEIGHTS}.tmp"
        save_file(weights, temporary, metadata={"format": "pt"})
        temporary.replace(folder / WEIGHTS)

    @classmethod
    def load(cls, folder: Path, encoder_dropout: float | None = None) -> Self:
        """A solver from its folder, on the CPU in fp32; with another dropout in its encoder, if one is given.

        Raises:
            UserError: not a whole solver's folder.
        """
        config = read_config(folder)
        if encoder_dropout is not None:
            config = config.model_copy(update={"encoder_dropout": encoder_dropout})
        encoder_config = AutoConfig.from_pretrained(folder / ENCODER)
        try:
            encoder = AutoModel.from_config(encoder_config, add_pooling_layer=False)
        except TypeError:
            encoder = AutoModel.from_config(encoder_config)
        solver = cls(config, encoder.float(), AutoTokenizer.from_pretrained(folder / ENCODER))
        solver.load_state_dict(load_file(folder / WEIGHTS))
        return solver

    @classmethod
    def fresh(cls, config: SolverConfig, encoder: Path, layers: int | None = None) -> Self:
        """A solver that has learned nothing, on a pre-trained encoder, or on its bottom `layers`.

        Raises:
            UserError: a number of layers that the encoder cannot be cut to.
        """
        return cls(config, keep_layers(load_encoder(encoder), layers), AutoTokenizer.from_pretrained(encoder))
