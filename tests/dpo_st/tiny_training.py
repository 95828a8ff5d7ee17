"""Problems, labels and pairs that a tiny model learns within a few steps, in the form of its vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
from tests.dpo_st.tiny_samplers import CARD, Kind

from selfsown.dpo_st.dpo import DpoParams, encoded
from selfsown.dpo_st.labels import LABEL
from selfsown.dpo_st.language.models import load_model, load_tokenizer, log_probs
from selfsown.dpo_st.pairs import PAIR
from selfsown.dpo_st.sft import SftParams
from selfsown.dpo_st.training.plan import Pair
from selfsown.reasoning.rationale import RATIONALE, in_form
from selfsown.shards import write_product

BOTH: tuple[Kind, ...] = ("groups", "unigram")
"""A decoder-only model, and an encoder-decoder."""

ARGUMENTS: dict[str, Any] = {
    "per_device_train_batch_size": 4, "learning_rate": 3e-3, "eval_strategy": "steps", "eval_steps": 2,
    "save_strategy": "steps", "save_steps": 2, "logging_steps": 1,
}  # fmt: skip


def asked(place: int) -> str:
    return f"Anna sold {place} clips in May for ${place % 7} each."


def reasoned(kind: Kind, place: int, result: int | None = None) -> str:
    """A rationale in the form of a vocabulary; with another `result` it is a wrong one."""
    found = place * (place % 7) if result is None else result
    native = f"Anna sold {place}*{place % 7} = $<<{place}*{place % 7}={found}>>{found}.\n#### {found}"
    return in_form(native, "brackets" if kind == "unigram" else "native")


def write_problems(folder: Path, kind: Kind, count: int = 16, dev: int = 6) -> Path:
    """Half of the questions labelled, half in the pool; and some of dev, with rationales."""
    splits = ["labelled" if place % 2 else "pool" for place in range(count)] + ["dev"] * dev
    rows = [
        {
            "id": f"q{place}", "question": asked(place), "answer": str(place * (place % 7)), "masked": "",
            "rationale": reasoned(kind, place) if split != "pool" else "", "numbers": [], "equation": "", "steps": 1,
            "group": f"g{place}", "source": "made", "split": split,
        }
        for place, split in enumerate(splits)
    ]  # fmt: skip
    write_product(folder, [pa.Table.from_pylist(rows, RATIONALE)], schema=RATIONALE, card=CARD)
    return folder


def write_labels(folder: Path, kind: Kind, count: int = 12) -> Path:
    rows = [
        {"id": f"q{place}", "question": asked(place), "rationale": reasoned(kind, place), "gold": "", "model": "gold"}
        for place in range(count)
    ]
    write_product(folder, [pa.Table.from_pylist(rows, LABEL)], schema=LABEL, card=CARD)
    return folder


def write_pairs(
    folder: Path, kind: Kind, reference: Path, *, held_out: int = 4, count: int = 16, mask_results: bool = True
) -> Path:
    """Pairs that know what the model of a folder makes of them; the last `held_out` are eval."""
    places = range(2, 2 + count)
    rows = [
        {
            "id": f"q{place}", "question": asked(place), "gold": str(place * (place % 7)),
            "chosen": reasoned(kind, place), "rejected": reasoned(kind, place, place + 1000), "similarity": 0.5,
            "split": "eval" if place >= 2 + count - held_out else "train",
        }
        for place in places
    ]  # fmt: skip
    read = [(row["question"], row[side]) for side in ("chosen", "rejected") for row in rows]
    model, tokenizer = load_model(reference), load_tokenizer(reference)
    said = log_probs(model, tokenizer, read, mask_results=mask_results, batch_size=5)
    for row, chosen, rejected in zip(rows, said[:count], said[count:], strict=True):
        row |= {"ref_chosen_logps": chosen, "ref_rejected_logps": rejected}
    write_product(folder, [pa.Table.from_pylist(rows, PAIR)], schema=PAIR, card=CARD)
    return folder


def pairs_of(kind: Kind, model: Any, tokenizer: Any, count: int = 6, *, mask_results: bool = True) -> list[Pair]:
    """Pairs as tokens, whose reference is not the model but something near it."""
    rows = [
        {
            "question": asked(place), "chosen": reasoned(kind, place), "rejected": reasoned(kind, place, 7),
            "split": "train", "ref_chosen_logps": -20.0 - place, "ref_rejected_logps": -25.0 + place / 2,
        }
        for place in range(3, 3 + count)
    ]  # fmt: skip
    return encoded(pa.Table.from_pylist(rows), "train", tokenizer, mask_results)


def sft_params(steps: int = 6, **changes: Any) -> SftParams:
    """Names: `main`, of so many steps, and `short`, of two."""
    arguments = {**ARGUMENTS, **changes.pop("arguments", {})}
    section = {
        "seed": 1, "steps": {"main": steps, "short": 2}, "mask_results": True, "chat_template": None, "dev_limit": 5,
        "arguments": arguments,
    }  # fmt: skip
    return SftParams.model_validate({**section, **changes})


def dpo_params(steps: int = 6, **changes: Any) -> DpoParams:
    arguments = {**ARGUMENTS, "max_steps": steps, **changes.pop("arguments", {})}
    dev = {"temperature": 0.0, "max_new_tokens": 24, "batch_size": 8}
    section = {"seed": 1, "mask_results": True, "dev": dev, "dev_limit": 5, "arguments": arguments}
    return DpoParams.model_validate({**section, **changes})
