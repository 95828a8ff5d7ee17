"""`promote`: the candidate becomes the champion only if it is better on the same test items, beyond the noise.

What it reads is written by `models.log_evidence`; what it decides stays on the version as tags `promotion.decision`
(promoted, forced, refused), `promotion.reason`, `promotion.date`, `promotion.commit` and `promotion.previous`.
"""

from __future__ import annotations

import json
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from selfsown.errors import UserError
from selfsown.tracking.lineage import git_tags
from selfsown.tracking.models import CANDIDATE, CHAMPION
from selfsown.tracking.state import reap
from selfsown.tracking.store import let_in, reached

if TYPE_CHECKING:
    from mlflow import MlflowClient
    from mlflow.entities.model_registry import ModelVersion


class PromotionRefused(UserError):
    """The evidence says no; the message says why, and so do the tags of the version."""


@let_in()
def promote(model: str, force: bool = False) -> str:
    """Move `@champion` to the version that is `@candidate`, if it earns it.

    Against a champion: both were evaluated on the same product and items, and the paired 95 % bootstrap interval of
    rate(candidate) - rate(champion) lies below zero. Without one: the interval of the relative reduction against the
    baseline lies above zero. The rate is sum(errors) / sum(units): any model whose evaluation calls `log_evidence`.
    An evaluation may refuse a model whatever its rate.

    Args:
        force: move the alias whatever the evidence says; its reason is recorded all the same.

    Returns:
        The explanation.

    Raises:
        PromotionRefused: the evidence says no; no alias was moved.
        UserError: the store is away, or there is no such model or candidate.
    """
    client = reached("promotion needs the store in MLFLOW_TRACKING_URI")
    uri = client.tracking_uri
    reap()
    candidate, champion = _holder(client, model, CANDIDATE), _holder(client, model, CHAMPION)
    if candidate is None:
        raise UserError(f"{model}: no version is @candidate in {uri}; a tracked training stage registers one")
    if champion is not None and str(champion.version) == str(candidate.version):
        return f"{model}: version {candidate.version} is the champion already"
    passed, reason = _judge(client, candidate, champion)
    decision = "promoted" if passed else "forced" if force else "refused"
    tags = {
        "decision": decision,
        "reason": reason,
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": git_tags().get("git.commit", "unknown"),
        "previous": champion.version if champion else "none",
    }
    for key, value in tags.items():
        client.set_model_version_tag(model, candidate.version, f"promotion.{key}", str(value))
    line = f"{model}: version {candidate.version} {decision}: {reason}"
    if decision == "refused":
        raise PromotionRefused(line)
    if champion is not None:
        client.set_model_version_tag(model, champion.version, "promotion.replaced_by", str(candidate.version))
    client.set_registered_model_alias(model, CHAMPION, candidate.version)
    return line


def _holder(client: MlflowClient, model: str, alias: str) -> ModelVersion | None:
    from mlflow.exceptions import MlflowException

    try:
        return client.get_model_version_by_alias(model, alias)
    except MlflowException as error:
        if error.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
            return None
        raise


def _judge(client: MlflowClient, candidate: ModelVersion, champion: ModelVersion | None) -> tuple[bool, str]:
    """The decision and its reason in words."""
    from selfsown.bootstrap import rate, rate_difference, relative_reduction

    new = _evidence(client, candidate)
    if new is None:
        return False, "it has not been evaluated, or the run that did was deleted: run the evaluation stage"
    if reason := new.get("refused"):
        return False, reason
    ids = sorted(new["items"])
    errors, baseline, units = np.array([new["items"][key] for key in ids]).T
    metric = new["metric"]
    if champion is None:
        gain = relative_reduction(errors, baseline)
        verdict = "better than" if gain.lo > 0 else "not clearly better than"
        return gain.lo > 0, (
            f"{verdict} its baseline: {metric} {rate(errors, units).value:.4f} against "
            f"{rate(baseline, units).value:.4f}, relative reduction {gain.value:.1%} "
            f"[{gain.lo:.1%}, {gain.hi:.1%}] over {gain.n} items"
        )
    old = _evidence(client, champion)
    if old is None:
        return False, f"champion {champion.version} has no evidence, so there is nothing to compare with"
    if (metric, new["evaluation"]) != (old["metric"], old["evaluation"]) or old["items"].keys() != new["items"].keys():
        return False, (
            f"not evaluated on the same data: {metric} on {new['evaluation'][:8]} against {old['metric']} on "
            f"{old['evaluation'][:8]} for champion {champion.version}; evaluate both on one test set"
        )
    champion_errors, _, champion_units = np.array([old["items"][key] for key in ids]).T
    if not np.array_equal(units, champion_units):
        return False, f"the same items count other units for champion {champion.version}: the normaliser changed"
    change = rate_difference(errors, champion_errors, units)
    verdict = "better than" if change.hi < 0 else "not clearly better than"
    return change.hi < 0, (
        f"{verdict} champion {champion.version}: {metric} {rate(errors, units).value:.4f} against "
        f"{rate(champion_errors, units).value:.4f}, difference {change.value:+.4f} "
        f"[{change.lo:+.4f}, {change.hi:+.4f}] over {change.n} paired items"
    )


def _evidence(client: MlflowClient, version: ModelVersion) -> dict[str, Any] | None:
    """The per-item record an evaluation left for a version; None without one, or where its run was deleted for good."""
    from mlflow.exceptions import MlflowException

    if "evidence.run" not in version.tags:
        return None
    with tempfile.TemporaryDirectory() as folder:
        try:
            path = client.download_artifacts(version.tags["evidence.run"], version.tags["evidence.artifact"], folder)
        except MlflowException as error:
            if error.error_code != "RESOURCE_DOES_NOT_EXIST":
                raise
            return None
        record: dict[str, Any] = json.loads(Path(path).read_bytes())
    return record
