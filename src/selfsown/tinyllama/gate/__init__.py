"""TinyLlama, quality control: no model is trained on documents unless every expectation over them holds.

documents (a folder with a product per collection), packed documents -> Data Docs. Every text is looked at again: it
must be what its id says, decoded as it was written, on one split and in one collection; and every packed document must
be the text that its id names, between the beginning and the end token.
"""

from __future__ import annotations

from selfsown import quality
from selfsown.params import Params
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.tinyllama.gate import suites as suites
from selfsown.tinyllama.gate.frames import document_frames
from selfsown.tinyllama.gate.packed import packed_frames


class ExpectationParams(Params):
    """Thresholds of the suites, one section per kind of product."""

    documents: suites.DocumentLimits
    packed: suites.PackedLimits


class GateParams(StageParams):
    """Section `tinyllama.gate`."""

    expect: ExpectationParams


@stage(tracked=True)
def gate(params: GateParams, *, documents: In, tokenizers: In, packed: In, report: Out) -> Metrics:
    """Check documents and packed tokens.

    Raises:
        GateError: an expectation failed; `report` says which, and shows rows.
        ProductError: no finished collection in the folder, or a damaged one.
    """
    frames = document_frames(documents)
    tokens = packed_frames(packed, tokenizers)
    expected = {name: suites.documents(params.expect.documents) for name in frames}
    expected |= {name: suites.packed(params.expect.packed) for name in tokens}
    quality.check({**frames, **tokens}, expected, report)
    metrics: dict[str, float] = {}
    for name, frame in frames.items():
        for split, characters in frame.groupby("split")["characters"]:
            metrics[f"{name}_{split}"] = len(characters)
            metrics[f"{name}_{split}_characters"] = int(characters.sum())
        metrics[f"{name}_largest_source"] = float(frame["source_share"].max())
    for name, frame in tokens.items():
        for place, count in frame.groupby(frame["collection"] + "_" + frame["split"])["tokens"].sum().items():
            metrics[f"{name.replace(' ', '_')}_{place}_tokens"] = int(count)
    return metrics
