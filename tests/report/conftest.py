"""A small project to report on, with one pipeline that has a paper. Its figures are made up."""

from pathlib import Path
from typing import Any

import pytest
from tests.report.pages import repository, row, write

PARAMS: dict[str, Any] = {
    "composed_from": "fixture",
    "seed": 1,
    "languages": ["cs"],
    "toys": {
        "matrix": {"arms": ["real", "made", "both"]},
        "base": {"source": "toy-base"},
        "gate": {"least": 0.3},
        "train": {"steps": 320, "learning_rate": 1e-4},
        "test": {"windows": [[6, 11]], "limit": 250, "rule": "lower_case"},
    },
    "report": {"page": {}},
}

STAGES = {
    "boxes": {
        "wood": {"cmd": "a", "outs": ["data/wood"], "desc": "Real wood <sawn>"},
        "paint": {"cmd": "b", "deps": ["data/wood"], "outs": ["data/paint"]},
    },
    "toys": {
        "make": {"cmd": "c", "deps": ["data/paint", "data/wood"], "outs": ["data/made"]},
        "train": {
            "matrix": {"arm": "${toys.matrix.arms}"},
            "cmd": "d",
            "deps": ["data/made", "data/wood"],
            "outs": ["models/${item.arm}"],
        },
        "evaluate": {"cmd": "e", "deps": ["models"], "metrics": ["metrics/toys.json"]},
    },
}

PAPER = """
title: Toys from toys
arxiv: "2000.00001"
venue: Toy Conference 2000
about: A toy learns from toys that it made.

conditions:
  - {what: Model, paper: Toy-large-v3, ours: "${toys.base}"}
  - {what: Test set, paper: Common Toys 16, ours: "at most ${toys.test.limit} toys of each kind, by ${toys.test.rule}"}
  - {what: Window, paper: not stated, ours: "the shortest window (${toys.test.windows} s) that holds one"}

measures:
  error: Error rate
  ood_error: Error rate out of domain
  slips: Slips
  reduction: Fewer errors
  ood_reduction: Fewer errors out of domain
  minus_real: Error rate less that of real only

arms:
  untouched: untouched
  real: real only
  made: made only
  both: real + made

parts: {nl: the Dutch toys}

beside:
  - caption: Error rate before and after
    source: Read from a chart.
    labels: [before, after]
    ours: [{measure: error, arm: untouched}, {measure: error, arm: both}]
    change: {measure: reduction, arm: both}
    rows:
      - {what: Czech, part: cs, paper: [10.9, 5.2]}
      - {what: Dutch, part: nl, paper: [4.9, 3.7]}
  - caption: Error rate of others
    source: Told by others.
    labels: [theirs]
    ours: [{measure: error, arm: real}]
    rows:
      - {what: Czech toys, part: cs, paper: [7.5]}
      - {what: Dutch toys, part: nl, paper: [8.5]}

claims:
  - {text: Both together are better, measure: reduction, arm: both, better: higher, target: 0.30, absent: Not trained.}
  - {text: They are better out of domain too, measure: ood_reduction, arm: both, better: higher, absent: No such toys.}
  - {text: Both are better than real alone, measure: minus_real, arm: both, unit: points, better: lower, absent: No.}
  - {text: Made toys alone are better, measure: reduction, arm: made, better: higher, absent: No arm "made".}
  - {text: Nobody asks about this, measure: ood_reduction, arm: made, better: higher}

tables:
  - caption: Error rates
    note: Each arm sees the same toys.
    arms: &arms [untouched, real, made, both]
    measures: [error, ood_error]
  - caption: Slips by arm
    arms: *arms
    measures: [slips]

plots:
  - {kind: intervals, title: Error rate by arm, measures: [error, ood_error]}
  - {kind: curves, title: Error rate while training, file: dev.json, x: step, y: rate, series: arm}
  - kind: bars
    title: Score of each voice
    file: gate
    prefix: score_
    reference: "${toys.gate.least}"
    reference_label: threshold

samples:
  file: samples.json
  kinds: {worst: The worst toys, median: Toys around the median}
  columns: {reference: Said, hypothesis: Heard, untouched: Heard before, rate: "Error rate, %"}

unverified:
  - A formula that is known second-hand.
"""


def figures() -> list[dict[str, Any]]:
    found = []
    for arm, rate in {"untouched": 0.664, "real": 0.601, "made": 0.652, "both": 0.567}.items():
        found += [row(f"error {arm}", rate, 0.034, 197), row(f"ood_error {arm}", rate * 1.08, 0.052, 88)]
        found.append(row(f"slips {arm}", rate * 0.1))
    return [
        *found,
        row("reduction both", 0.146, 0.053, 197),
        row("ood_reduction both", 0.031, 0.058, 88),
        row("reduction made", -0.064, 0.041, 197),
        row("minus_real both", -0.034, 0.025, 197),
    ]


SAMPLES = [
    {"kind": "worst", "reference": "Ticho!", "hypothesis": "ty | chodí <b>ven</b>", "untouched": "", "rate": 3.0},
    {"kind": "worst", "reference": "tak jdeme", "hypothesis": "tak i ty máš", "untouched": "thank you", "rate": 1.5},
    {"kind": "median", "reference": "na stěně", "hypothesis": "duna stěně", "untouched": "nas tjene", "rate": 0.4444},
]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Root of a DVC repo with two pipelines, the `paper.yaml` of one, and metrics."""
    repository(tmp_path, PARAMS, STAGES)
    (tmp_path / "pipelines/toys/paper.yaml").write_text(PAPER)
    write(tmp_path / "metrics/toys.rows.json", figures())
    scores = {"score_old_man": 1.11, "score_child": 0.98, "score_robot": 0.28, "voices": 3}
    write(tmp_path / "metrics/toys.gate.json", scores)
    curve = [
        {"arm": arm, "step": step, "rate": end + 0.2 * 0.7 ** (step / 40)}
        for arm, end in (("real", 0.6), ("made", 0.65), ("both", 0.56))
        for step in range(0, 321, 40)
    ]
    write(tmp_path / "metrics/plots/toys/dev.json", curve)
    write(tmp_path / "metrics/plots/toys/samples.json", SAMPLES)
    return tmp_path
