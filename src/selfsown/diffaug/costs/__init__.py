"""What diffaug's stages cost, for `selfsown plan`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from selfsown.plan.architectures import TRAINED, Encoder
from selfsown.plan.models import Model, shape_as
from selfsown.plan.work import COUNTED, Work, trained_bytes, trained_examples

TEMPLATE_TOKENS, MARKS = 10, 2
LONGEST = "sentences as long as `max_tokens`, which is the most that is read"
TEMPLATE = f"{TEMPLATE_TOKENS} tokens of the paper's template around a sentence, and no pass of the template alone"


def works(params: Mapping[str, Any], made: Mapping[str, Model]) -> Iterator[Work]:
    """Both stages of training."""
    section = params["diffaug"]
    matrix, source = section["matrix"], section["matrix"]["source"]
    encoder = shape_as(Encoder, source)
    yield Work("diffaug.encoder", source, disk=12.0 * encoder.parameters, sources=(source,))
    first, second = section["prefix"], section["contrast"]
    for name in matrix["prefixes"]:
        sentences = 3 * trained_examples(first["arguments"])
        yield _training("prefix", name, encoder, first, sentences, section, prefixed=True)
    for name in [*matrix["plain"], *matrix["prefixed"]]:
        setting, examples = second["arms"][name]["setting"], trained_examples(second["arguments"])
        sentences = (3 if setting == "supervised" else 2) * examples
        if setting == "semi_supervised":
            sentences += 3 * second["nli_batch"] * second["arguments"]["max_steps"]
        yield _training("contrast", name, encoder, second, sentences, section, prefixed=name in matrix["prefixed"])


def _training(
    stage: str,
    name: str,
    encoder: Encoder,
    block: Mapping[str, Any],
    sentences: int,
    section: Mapping[str, Any],
    *,
    prefixed: bool,
) -> Work:
    embedding = block["embedding"]
    tokens = embedding["max_tokens"] + (TEMPLATE_TOKENS if embedding["template"] else MARKS)
    context = tokens + (section["prefix"]["prefix"]["length"] // 2 if prefixed else 0)  # a row is given its half
    once = encoder.forward(tokens, context)
    flops = encoder.layers.passed(tokens, context) if stage == "prefix" else TRAINED * once  # stage 1 freezes it
    flops += once * bool(block.get("recompute"))
    weights = encoder.parameters if stage == "contrast" else 0  # of stage 1 the small prefix alone is kept
    assumed = (LONGEST, TEMPLATE) if embedding["template"] else (LONGEST,)
    return Work(
        f"diffaug.{stage}", name, sentences, sentences * tokens, sentences * flops,
        trained_bytes(weights, block["arguments"]), assumed=assumed, checked=COUNTED,
    )  # fmt: skip
