"""`selfsown plan`: what each stage of a profile takes, as a table, and what that assumes.

Needs parameters alone: no data, no model, no network. Every pipeline says in `<pipeline>/costs` what its stages do.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from selfsown import disk
from selfsown.errors import UserError
from selfsown.params import read_yaml, stage_names
from selfsown.plan.models import Model, UnknownShapeError
from selfsown.plan.profile import choices, composed
from selfsown.plan.work import Work
from selfsown.project import root
from selfsown.sources.registry import load_registry

PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True)
class Device:
    """What the hours are of: operations a second at best, and the share of them that training makes."""

    name: str
    peak: float
    mfu: float
    why: str


CPU = Device(
    "2 processor cores",
    0.198e12,
    0.46,
    "fastest matrix product, and training of the shape nano, on one machine: benchmarks/results/pretraining.json",
)
A100 = Device(
    "an A100",
    312e12,
    0.56,
    "peak in bf16 without sparsity: NVIDIA's data sheet; MFU: TinyLlama's README, 24,000 tokens/s of its 1.1 B model",
)
ON_PROCESSORS = ("smoke", "laptop", "study")
"""Profiles that are for processors; the hours of all others are an A100's."""


def plan(profile: str | None = None, peak: float | None = None, mfu: float | None = None) -> str:
    """The whole text.

    Args:
        profile: None for what `params.yaml` holds.
        peak: operations a second of another device.
        mfu: another share of them.

    Raises:
        UserError: no such profile, or no share.
    """
    if profile is not None and profile not in choices("profile"):
        raise UserError(f"plan: no profile {profile!r}; there are: {', '.join(choices('profile'))}")
    if mfu is not None and not 0 < mfu <= 1:
        raise UserError(f"plan: --mfu {mfu} is not allowed: a share, above 0 and at most 1")
    params = read_yaml(root() / "params.yaml") if profile is None else yaml.safe_load(composed(f"profile={profile}"))
    known = CPU if params["composed_from"] in ON_PROCESSORS else A100
    device = Device(
        known.name if peak is None else "a device of yours",
        peak or known.peak,
        mfu or known.mfu,
        known.why if peak is mfu is None else f"as given; else {known.why}",
    )
    works, unknown = works_of(params)
    return "\n".join(_text(works, unknown, params["composed_from"], device)) + "\n"


def works_of(params: Mapping[str, Any]) -> tuple[list[Work], list[str]]:
    """The work of every pipeline in the order of the parameters, and why that of some is not known."""
    found = {name: module for name in params if (module := _costs(name)) is not None}
    made: dict[str, Model] = {}
    for module in found.values():
        made.update(getattr(module, "models", lambda _: {})(params))
    works: list[Work] = []
    unknown: list[str] = []
    for name, module in found.items():
        try:
            works += module.works(params, made)
        except UnknownShapeError as error:
            unknown.append(f"{name}: {error}")
    return works, unknown


def hours(work: Work, device: Device) -> float:
    """Of one device."""
    return work.flops / (device.peak * device.mfu) / 3600 if work.hours is None else work.hours


def _costs(pipeline: str) -> Any:
    if not (PACKAGE / pipeline / "costs" / "__init__.py").is_file():
        return None
    return importlib.import_module(f"selfsown.{pipeline}.costs")


def _text(works: Sequence[Work], unknown: Sequence[str], profile: str, device: Device) -> Iterator[str]:
    registry, notes = load_registry(), list(dict.fromkeys(why for work in works for why in work.assumed))
    pinned: set[str] = set()
    rows = []
    loaded = 0
    for alike in _alike(works):
        work, runs = alike[0], len(alike)
        fetched = {
            part.sha256 or part.package: part.bytes
            for name in work.sources
            if name in registry
            for part in getattr(registry[name], "files", ()) or getattr(registry[name], "packages", ())
        }
        size = sum(size for digest, size in fetched.items() if digest not in pinned)  # each file once
        pinned |= fetched.keys()
        loaded += size
        rows.append([
            f"{work.stage} {work.part}".strip() if runs == 1 else work.stage,
            str(runs),
            *(_number(value) for value in (work.examples, work.tokens, work.flops)),
            f"{hours(work, device):.2g}" if work.flops else "",
            *(disk.in_words(value) if value else "" for value in (work.disk, size)),
            work.checked if work.flops else "",
            " ".join(str(notes.index(why) + 1) for why in work.assumed),
        ])  # fmt: skip
    flops, total, kept = (
        sum(values) for values in zip(*((work.flops, hours(work, device), work.disk) for work in works), strict=True)
    )
    rows.append(["all", "", "", "", _number(flops), f"{total:.2g}", disk.in_words(kept), disk.in_words(loaded), "", ""])
    head = ["stage", "runs", "examples", "tokens", "FLOPs", "hours", "disk", "download", "FLOPs checked", "assumes"]
    made = f"{device.peak / 1e12:g} TFLOP/s at best, of which it makes {device.mfu:.0%}"
    yield f"{profile}: hours are of {device.name}, {made}"
    yield f"  ({device.why})."
    yield "All but downloads is of one run; `all` counts every run."
    yield ""
    yield from _table([head, *rows])
    yield ""
    yield from (f"{number:>3}  {why}" for number, why in enumerate(notes, 1))
    yield from (f"  !  not counted: {why}" for why in unknown)
    missing = sorted({name for work in works for name in work.sources} - registry.keys())
    if missing:
        yield f"  !  not pinned yet, so of unknown size: {', '.join(missing)}"
    silent = sorted({*stage_names()} - {work.stage for work in works})
    yield f"Without a model, or with little work for it, and so not counted: {', '.join(silent)}."


def _alike(works: Iterable[Work]) -> list[list[Work]]:
    """Runs of a stage that cost the same, together."""
    groups: dict[Work, list[Work]] = {}
    for work in works:
        groups.setdefault(replace(work, part=""), []).append(work)
    return list(groups.values())


def _number(value: float) -> str:
    if not value:
        return ""
    if value < 999.5:
        return f"{value:.0f}"
    power = next((power for power in range(1, 5) if value < 999.5 * 1000**power), None)
    return f"{value:.2e}" if power is None else f"{value / 1000**power:.3g} {'kMGT'[power - 1]}"


def _table(rows: Sequence[Sequence[str]]) -> Iterable[str]:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for left, *others, checked, assumes in rows:
        middle = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:-2], strict=True))
        yield "  ".join([f"{left:<{widths[0]}}", *middle, f"{checked:<{widths[-2]}}", assumes]).rstrip()
