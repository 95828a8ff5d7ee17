"""What msat's stages cost, for `selfsown plan`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any

from selfsown.plan.architectures import TRAINED, Encoder, Layers
from selfsown.plan.models import Model, shape_as
from selfsown.plan.work import Work, trained_bytes, trained_examples

TASK_TOKENS, PROBLEM_TOKENS = 34, 34
TASKS = f"a task of {TASK_TOKENS} tokens: the mean of smoke's product, in MiniLM's tokens"
PROBLEMS = f"a word problem of {PROBLEM_TOKENS} tokens: the mean of smoke's product, in MiniLM's tokens"
ENCODER_ALONE = "of a solver its encoder: the heads, and the seq2seq solver's two small layers, are not counted"


def works(params: Mapping[str, Any], made: Mapping[str, Model]) -> Iterator[Work]:
    """Training; answering takes a pass a problem, which is little."""
    section = params["msat"]
    matrix = section["matrix"]
    source = section["encoder"]["source"]
    encoder = shape_as(Encoder, source)
    yield Work("msat.encoder", source, disk=4.0 * encoder.parameters, sources=(source,))
    starts = list(product(matrix["solvers"], matrix["representations"], matrix["difficulties"], matrix["arms"]))
    for solver, representation, difficulty, arm in starts:
        kept, part = _kept(encoder, section["pretrain"]["num_hidden_layers"][solver]), f"{solver}-{representation}"
        if arm != "scratch":
            frozen = arm == "pretrained"
            yield _training("pretrain", f"{part}-{difficulty}-{arm}", section, solver, "", kept, TASK_TOKENS, frozen)
        for name in matrix["sets"]:
            full = f"{part}-{difficulty}-{arm}-{name}"
            problems = name.split("+")[0].partition("-fold")[0]
            yield _training("finetune", full, section, solver, problems, kept, PROBLEM_TOKENS)


def _training(
    stage: str,
    part: str,
    section: Mapping[str, Any],
    solver: str,
    source: str,
    kept: Encoder,
    tokens: int,
    frozen: bool = False,
) -> Work:
    own = section[stage].get("solver_arguments", {})
    over = {**own.get(solver, {}), **own.get(f"{solver}-{source}", {})}
    arguments = {**section[stage]["arguments"], **over}
    examples = trained_examples(arguments)
    once = kept.layers.passed(tokens) if frozen else TRAINED * kept.forward(tokens)
    return Work(
        f"msat.{stage}", part, examples, examples * tokens, examples * once,
        trained_bytes(kept.parameters, arguments),
        assumed=(TASKS if stage == "pretrain" else PROBLEMS, ENCODER_ALONE),
    )  # fmt: skip


def _kept(encoder: Encoder, layers: int | None) -> Encoder:
    """With its lower layers alone."""
    whole = encoder.layers
    return Encoder(Layers(layers or whole.count, whole.width, whole.inner), encoder.vocabulary)
