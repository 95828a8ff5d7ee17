"""mteb's own run over an arm: its score of an STS task is the correlation that we would work out."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tests.corpora.sentences_project import sentence
from tests.diffaug.tiny_arms import write_arms

from selfsown.diffaug.evaluate.embedding import Embedded, load_arm
from selfsown.diffaug.evaluate.statistics import spearman
from selfsown.diffaug.evaluate.tasks import task_scores
from selfsown.errors import UserError

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("plainly"), pytest.mark.filterwarnings("default")]


def test_a_task_that_mteb_does_not_know_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"diffaug\.evaluate\.tasks: .*STS99"):
        task_scores(tmp_path, ["STS99"], 8)


def test_the_score_is_spearmans_correlation_over_all_pairs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import mteb
    import numpy as np
    from mteb.abstasks.sts import AbsTaskSTS

    pairs = [{"sentence1": sentence(n), "sentence2": sentence(n + 1 + n % 3), "score": float(n % 5)} for n in range(30)]
    (tmp_path / "data").mkdir()
    (tmp_path / "data/test.jsonl").write_text("".join(json.dumps(pair) + "\n" for pair in pairs))
    known = mteb.get_tasks(tasks=["STS12"])[0].metadata
    own = known.model_copy(update={"name": "OwnSTS", "dataset": {"path": str(tmp_path / "data"), "revision": "1"}})
    task = type("OwnSTS", (AbsTaskSTS,), {"metadata": own, "min_score": 0, "max_score": 5})()
    monkeypatch.setattr(mteb, "get_tasks", lambda tasks: [task])  # the data of known ones is on a hub
    folder = write_arms(tmp_path, ("diffaug",)) / "diffaug"
    ((name, score),) = task_scores(folder, ["OwnSTS"], 8)
    left, right = ([pair[side] for pair in pairs] for side in ("sentence1", "sentence2"))
    cosines = Embedded(load_arm(folder), [*left, *right]).cosines(left, right)
    assert name == "OwnSTS"
    assert score == pytest.approx(spearman(np.array([pair["score"] for pair in pairs]), cosines), abs=1e-5)
