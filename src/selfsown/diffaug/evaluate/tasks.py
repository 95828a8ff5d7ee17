"""mteb's tasks by name: STS12 to 16, STS-B, SICK-R and classification, as mteb itself runs and scores them.

Its STS tasks take all pairs of a year together ("all"), and its main score of them is Spearman's correlation of
cosines. Data sets come from the hub.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from selfsown.diffaug.evaluate.embedding import load_arm
from selfsown.errors import UserError


def task_scores(folder: Path, names: Sequence[str], batch_size: int) -> list[tuple[str, float]]:
    """The main score of each task, from 0 to 1, by name.

    Raises:
        UserError: mteb knows no task of that name.
    """
    if not names:
        return []
    import mteb  # imported here: it takes seconds, and most profiles ask for none of its tasks

    try:
        tasks = mteb.get_tasks(tasks=list(names))
    except (KeyError, ValueError) as error:
        raise UserError(f"params.yaml: diffaug.evaluate.tasks: {error}") from None
    found = mteb.evaluate(load_arm(folder), tasks, encode_kwargs={"batch_size": batch_size}, cache=None)
    return [(result.task_name, float(result.get_score())) for result in found.task_results]
