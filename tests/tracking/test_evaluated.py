"""What an evaluation registers: the model with its figures and its card, and what `promote` judges it by."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from safetensors.numpy import save_file

from selfsown import evaluation, tracking
from selfsown.errors import UserError
from selfsown.evaluation import Counts, Row
from selfsown.products import CardInfo
from selfsown.shards import write_product
from selfsown.tracking.store import connect


def counts(errors: int, items: int) -> Counts:
    return Counts(tuple(f"i{index}" for index in range(items)), np.full(items, errors), np.full(items, 4.0), items)


@pytest.mark.usefixtures("project")
def test_a_model_is_registered_with_its_figures_and_promoted_by_its_evidence() -> None:
    folder = Path("models/toys/mine")
    folder.mkdir(parents=True)
    save_file({"w": np.zeros(1)}, folder / "model.safetensors")
    heard = pa.table({"id": ["a/1", "b"], "audio": [{"bytes": b"one", "path": "a"}, {"bytes": b"two", "path": "b"}]})
    card = CardInfo(name="speech", licence="CC0-1.0", source="made here", seed=1)
    product = Path("data/toys/speech")
    write_product(product, [heard], schema=heard.schema, card=card)
    ours, theirs = counts(1, 40), counts(2, 40)
    rows = [ours.rate("wer", "mine", ""), Row("cut", "mine", "", 0.0)]

    def register(baseline: Counts) -> None:
        evaluation.register(
            "selfsown-toy", folder, counts=ours, baseline=baseline, metric="wer", evaluation=product, rows=rows,
            about="# A toy\n\nCounts letters.", header={"language": ["en"], "pipeline_tag": "toys"}, example=["abc"],
            output=["3"], task="toy",
        )  # fmt: skip

    with tracking.run("toys.evaluate", experiment="toys", params={}, inputs={}, fingerprint="f"):
        with pytest.raises(UserError, match="selfsown-toy: measured on other items"):
            register(counts(2, 39))
        evaluation.log_audio([{"id": "a/1", "kind": "worst"}], product)
        evaluation.write_plots(Path("plots"), wer=evaluation.bars(rows, "wer"))
        register(theirs)

    client = connect(tracking.tracking_uri())
    version = client.get_model_version_by_alias("selfsown-toy", "candidate")
    table = "| wer, mine | 0.250 | 0.250 to 0.250 |"
    assert version.description.startswith('---\nlanguage: ["en"]\npipeline_tag: "toys"\n---\n# A toy\n')
    assert table in version.description and "cut" not in version.description, "no interval, no line"
    logged = client.get_logged_model(client.get_run(version.run_id).outputs.model_outputs[0].model_id)
    assert {metric.key: metric.value for metric in logged.metrics} == {"wer_mine": 0.25, "cut_mine": 0}
    files = [file.path for part in ("plots", "samples/worst") for file in client.list_artifacts(version.run_id, part)]
    assert files == ["plots/wer.json", "samples/worst/a_1.flac"]
    assert version.tags["evidence.metric"] == "wer" and float(version.tags["evidence.value"]) == 0.25
    assert float(version.tags["evidence.relative_reduction_lo"]) == 0.5
    assert "better than its baseline: wer 0.2500 against 0.5000" in tracking.promote("selfsown-toy").reason
