"""TinyLlama, quality control: no model is trained on documents unless every expectation over them holds.

The packed documents of a vocabulary and the collections they were packed from -> Data Docs. Every text is looked at
again: it must be what its id says, decoded as it was written, on one split and in one collection; and every packed
document must be the text that its id names, between the beginning and the end token.
"""

from __future__ import annotations

from selfsown import quality
from selfsown.errors import UserError
from selfsown.params import Params
from selfsown.stage import In, Metrics, Out, StageParams, stage
from selfsown.tinyllama.gate import suites as suites
from selfsown.tinyllama.gate.frames import document_frames
from selfsown.tinyllama.gate.packed import packed_frame


class ExpectationParams(Params):
    """Thresholds of the suites of a vocabulary, one section per kind of product."""

    documents: suites.DocumentLimits
    packed: suites.PackedLimits


class GateParams(StageParams):
    """Section `tinyllama.gate`; `expect`: by vocabulary."""

    expect: dict[str, ExpectationParams]


@stage(tracked=True)
def gate(params: GateParams, *, vocabulary: str, documents: In, tokenizer: In, packed: In, report: Out) -> Metrics:
    """Check packed tokens and the documents behind them.

    Raises:
        UserError: the matrix names a vocabulary that nothing is expected of.
        GateError: an expectation failed; `report` says which, and shows rows.
        ProductError: no finished collection in the folder, or a damaged one.
    """
    if vocabulary not in params.expect:
        raise UserError(f"params.yaml: tinyllama.gate.expect: {vocabulary!r} is missing, the matrix names it")
    expect = params.expect[vocabulary]
    tokens = packed_frame(packed, tokenizer)
    frames = document_frames(documents, sorted(tokens["collection"].unique()))
    suite = {name: suites.documents(expect.documents) for name in frames}
    quality.check({**frames, "packed": tokens}, {**suite, "packed": suites.packed(expect.packed)}, report)
    metrics: dict[str, float] = {}
    for name, frame in frames.items():
        for split, characters in frame.groupby("split")["characters"]:
            metrics[f"{name}_{split}"] = len(characters)
            metrics[f"{name}_{split}_characters"] = int(characters.sum())
        metrics[f"{name}_largest_source"] = float(frame["source_share"].max())
    for place, count in tokens.groupby(tokens["collection"] + "_" + tokens["split"])["tokens"].sum().items():
        metrics[f"{place}_tokens"] = int(count)
    return metrics
