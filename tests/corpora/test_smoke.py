"""What smoke made of the corpora: enough, and nothing lost without a reason."""

import json
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from selfsown.products import REJECTED, read_card, read_product

pytestmark = [pytest.mark.recipe, pytest.mark.usefixtures("smoke")]


@pytest.mark.parametrize(
    ("product", "fewest"),
    [
        ("speech", 20),
        ("sentences", 20),
        ("problems", 400),
        ("rationales", 40),
        ("documents/text", 50),
        ("documents/code", 20),
        ("triplets", 450),
        ("prose", 200),
    ],
)
def test_product(product: str, fewest: int) -> None:
    folder = Path("data/corpora", product)
    card = read_card(folder)
    assert card.rows >= fewest
    assert sum(card.dropped.values()) == pq.read_metadata(folder / REJECTED).num_rows > 0


def test_problems_are_counted() -> None:
    metrics = json.loads(Path("metrics/corpora.problems.json").read_text())
    counts = read_product(Path("data/corpora/problems"))["split"].value_counts().to_pylist()
    for split in counts:
        of_sets = [
            metrics[f"{name}_{split['values']}"] for name in ("stories", "gsm-symbolic", "bigbench-elementary-math")
        ]
        assert sum(of_sets) == split["counts"] and all(of_sets)
